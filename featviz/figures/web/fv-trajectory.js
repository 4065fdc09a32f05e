// @ts-check
// <fv-trajectory>: an ascent under a slider, a dot following on the objective's curve.
(() => {
  "use strict";
  const { make, shape } = FV;
  // Milliseconds a frame is shown while playing.
  const PACE = 220;

  FV.define("fv-trajectory", (host, data) => {
    const stage = /** @type {HTMLElement} */ (host.querySelector(".fv-trajectory__stage"));
    const blocks = /** @type {HTMLElement[]} */ ([...host.querySelectorAll(".fv-trajectory__unit")]);
    const sources = blocks.map((b) => /** @type {HTMLImageElement} */ (b.querySelector("img")).src);
    const dots = blocks.map((block) => {
      const dot = shape("circle", { r: 5, class: "fv-dot" });
      block.querySelector("svg")?.append(dot);
      return dot;
    });
    const last = data.steps.length - 1;
    let unit = 0;
    let frame = last;
    let timer = 0;

    const picture = make("button", { type: "button", class: "fv-trajectory__frame", click: zoom });
    const slider = make("input", { type: "range", min: 0, max: last, step: 1, value: last, "aria-label": "Step" });
    slider.addEventListener("input", () => {
      pause();
      show(Number(slider.value));
    });
    slider.addEventListener("change", () => link());
    const play = make("button", { type: "button", class: "fv-button fv-play", click: () => (timer ? pause() : start()) });
    const output = make("output", { class: "fv-trajectory__told" });
    const units = data.units.map((u) => u.label);
    const slugs = units.map(FV.slug);
    const { group, press } = FV.choice("Unit", units, (i) => {
      choose(i);
      FV.pick(slugs[i]);
      link();
    });
    const link = () => FV.remember(host, `${slugs[unit]}:${data.steps[frame]}`);

    /** @param {number} next */
    function show(next) {
      frame = next;
      const now = data.units[unit];
      FV.cell(picture, now.sprite, sources[unit], frame);
      const words = `step ${data.steps[frame]}, ${data.valueName} ${now.values[frame]}`;
      picture.setAttribute("aria-label", `Enlarge ${now.label} at ${words}`);
      slider.value = String(frame);
      slider.setAttribute("aria-valuetext", words);
      output.replaceChildren(
        "step ", make("strong", {}, String(data.steps[frame])),
        ` \u00b7 ${data.valueName} `, make("strong", {}, now.values[frame]),
      );
      const [x, y] = now.marks[frame];
      dots[unit].setAttribute("cx", String(x));
      dots[unit].setAttribute("cy", String(y));
    }
    /** @param {number} index */
    function choose(index) {
      unit = index;
      blocks.forEach((block, i) => (block.hidden = i !== index));
      press(index);
      show(frame);
    }
    function start() {
      if (frame === last) show(0);
      play.textContent = "\u275a\u275a Pause";
      timer = window.setInterval(() => (frame < last ? show(frame + 1) : pause()), PACE);
    }
    function pause() {
      window.clearInterval(timer);
      timer = 0;
      play.textContent = "\u25b6 Play";
    }
    function zoom() {
      pause();
      const now = data.units[unit];
      const items = data.steps.map((step, i) => ({
        label: `${now.label} step ${step}`.trim(), source: sources[unit], shape: now.sprite, index: i,
        note: `${data.valueName} ${now.values[i]}`,
      }));
      FV.zoom(items, frame, (i) => {
        show(i);
        link();
      });
    }

    const line = make("div", { class: "fv-trajectory__line" }, play, slider);
    stage.append(picture);
    host.querySelector(".fv-trajectory__controls")
      ?.append(...(units.length > 1 ? [group] : []), line, output);
    pause();
    choose(0);
    FV.subjects((value) => {
      if (slugs.includes(value)) choose(slugs.indexOf(value));
    });
    FV.follow(host, (key) => {
      const [name, step] = key.split(":");
      if (slugs.includes(name)) choose(slugs.indexOf(name));
      const at = step ? data.steps.indexOf(Number(step)) : -1;
      if (at >= 0) show(at);
    });
  });
})();
