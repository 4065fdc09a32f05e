// @ts-check
// <fv-field>: the receptive field of one unit to scale on a photo, and what it sees.
(() => {
  "use strict";
  const { make, shape } = FV;

  FV.define("fv-field", (host, data) => {
    const stage = /** @type {HTMLElement} */ (host.querySelector(".fv-field__stage"));
    const photo = /** @type {HTMLImageElement} */ (stage.querySelector("img"));
    const lines = /** @type {SVGElement} */ (stage.querySelector("svg"));
    let layer = data.fields.length - 1;
    let [x, y] = data.center;

    const shade = shape("path", { class: "fv-field__shade" });
    const frame = shape("rect");
    lines.replaceChildren(shade, frame);

    const view = make("div", { class: "fv-field__seen", role: "img" });
    view.style.backgroundImage = `url("${photo.src}")`;
    const words = make("p", { class: "fv-field__told", "aria-live": "polite" });
    const slider = make("input", {
      type: "range", min: 0, max: data.fields.length - 1, value: layer, step: 1, "aria-label": "Layer",
    });
    const ticks = make("div", { class: "fv-ticks", "aria-hidden": "true" });
    data.fields.forEach((field, i) =>
      ticks.append(make("span", { click: () => choose(i) }, field.layer)));
    slider.addEventListener("input", () => choose(Number(slider.value)));

    /** @param {number} index */
    function choose(index, linked = true) {
      layer = index;
      slider.value = String(index);
      draw();
      if (linked) link();
    }
    const link = () => FV.remember(
      host, `${FV.slug(data.fields[layer].layer)}:${Math.round(x)}-${Math.round(y)}`);
    /** @param {number} nextX @param {number} nextY */
    function move(nextX, nextY) {
      x = Math.min(data.width, Math.max(0, nextX));
      y = Math.min(data.height, Math.max(0, nextY));
      draw();
    }
    function draw() {
      const field = data.fields[layer];
      const [left, top] = [x - field.size / 2, y - field.size / 2];
      const set = (/** @type {Element} */ node, /** @type {Record<string, any>} */ all) =>
        Object.entries(all).forEach(([key, value]) => node.setAttribute(key, String(value)));
      set(frame, { x: left, y: top, width: field.size, height: field.size });
      set(shade, {
        d: `M0 0H${data.width}V${data.height}H0Z` +
          `M${left} ${top}v${field.size}h${field.size}v${-field.size}Z`,
      });
      host.style.setProperty("--fv-color", `var(--fv-layer-${(layer % 5) + 1})`);
      // The view has a fixed size: the smaller the field, the more it is enlarged.
      const zoom = 100 / field.size;
      view.style.backgroundSize = `${data.width * zoom}% ${data.height * zoom}%`;
      const share = (/** @type {number} */ start, /** @type {number} */ all) =>
        all === field.size ? 0 : (100 * start) / (all - field.size);
      view.style.backgroundPosition = `${share(left, data.width)}% ${share(top, data.height)}%`;
      view.classList.toggle("fv-pixels", field.size < 32);
      view.setAttribute("aria-label", `What the unit sees: ${field.size} by ${field.size} pixels`);
      slider.setAttribute("aria-valuetext", `${field.layer}, ${field.size} pixels`);
      words.replaceChildren(
        make("strong", {}, field.layer),
        ` sees ${field.size} \u00d7 ${field.size} px`,
        field.note ? `: ${field.note}.` : `, its neighbor ${field.stride} px further.`,
      );
      [...ticks.children].forEach((tick, i) => tick.classList.toggle("fv-on", i === layer));
    }

    stage.tabIndex = 0;
    stage.setAttribute("role", "group");
    stage.setAttribute("aria-label", "Place of the unit on the photo: move it with the arrow keys");
    stage.addEventListener("keydown", (event) => {
      const step = data.fields[layer].stride;
      /** @type {Record<string, [number, number]>} */
      const moves = {
        ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
        Home: [-x / step, 0], End: [(data.width - x) / step, 0],
      };
      const by = moves[event.key];
      if (!by) return;
      event.preventDefault();
      move(x + by[0] * step, y + by[1] * step);
      link();
    });
    const point = (/** @type {PointerEvent} */ event) => {
      const box = stage.getBoundingClientRect();
      move(((event.clientX - box.left) / box.width) * data.width,
        ((event.clientY - box.top) / box.height) * data.height);
    };
    stage.addEventListener("pointerdown", (event) => {
      stage.setPointerCapture(event.pointerId);
      point(event);
    });
    stage.addEventListener("pointermove", (event) => event.buttons && point(event));
    stage.addEventListener("pointerup", link);

    const caption = make("span", { class: "fv-field__label" }, "What this unit sees");
    host.querySelector(".fv-field__side")?.append(slider, ticks, words, view, caption);
    choose(layer, false);
    FV.follow(host, (key) => {
      const [name, place] = key.split(":");
      const index = data.fields.findIndex((f) => FV.slug(f.layer) === name);
      if (index >= 0) choose(index, false);
      const [nextX, nextY] = (place ?? "").split("-").map(Number);
      if (nextX >= 0 && nextY >= 0) move(nextX, nextY);
    });
  });
})();
