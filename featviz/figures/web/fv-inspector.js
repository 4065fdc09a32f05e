// @ts-check
// <fv-inspector>: the units that answer at one place of a photo, as pictures with bars.
(() => {
  "use strict";
  const { make } = FV;

  FV.define("fv-inspector", (host, data) => {
    const stage = /** @type {HTMLElement} */ (host.querySelector(".fv-inspector__stage"));
    const images = /** @type {HTMLImageElement[]} */ ([...stage.querySelectorAll("img")]);
    const sprites = /** @type {HTMLImageElement[]} */ ([...host.querySelectorAll(".fv-inspector__sprites img")]);
    let photo = 0;
    let layer = data.layers.length - 1;
    let [row, column] = [0, 0];
    /** @type {Picture[]} */
    let items = [];

    const mark = make("span", { class: "fv-inspector__mark", "aria-hidden": "true" });
    const field = make("span", { class: "fv-inspector__field", "aria-hidden": "true" });
    const place = make("p", { class: "fv-inspector__place" });
    const list = make("ol", { class: "fv-inspector__units" });
    const side = make("div", { "aria-live": "polite" }, place, list);

    const names = data.layers.map((l) => l.layer);
    const slugs = data.photos.map(FV.slug);
    const pickPhoto = FV.choice("Photo", data.photos, (i) => {
      choose(i, layer);
      FV.pick(slugs[i]);
    });
    const pickLayer = FV.choice("Layer", names, (i) => choose(photo, i));

    /** @param {number} nextPhoto @param {number} nextLayer */
    function choose(nextPhoto, nextLayer, linked = true) {
      const [rows, columns] = data.layers[layer].grid;
      const [y, x] = [(row + 0.5) / rows, (column + 0.5) / columns];
      [photo, layer] = [nextPhoto, nextLayer];
      images.forEach((image, i) => (image.hidden = i !== photo));
      pickPhoto.press(photo);
      pickLayer.press(layer);
      const grid = data.layers[layer].grid;
      go(Math.floor(y * grid[0]), Math.floor(x * grid[1]));
      if (linked) link();
    }
    const link = () => FV.remember(host, `${slugs[photo]}:${names[layer]}:${row + 1}-${column + 1}`);
    /** @param {number} nextRow @param {number} nextColumn */
    function go(nextRow, nextColumn) {
      const now = data.layers[layer];
      const [rows, columns] = now.grid;
      row = Math.min(rows - 1, Math.max(0, nextRow));
      column = Math.min(columns - 1, Math.max(0, nextColumn));
      const box = { left: column / columns, top: row / rows, width: 1 / columns, height: 1 / rows };
      for (const [key, value] of Object.entries(box))
        mark.style.setProperty(key, `${value * 100}%`);
      // The field is in the photo's own pixels, which the page may show smaller.
      const own = (/** @type {string} */ side) => Number(images[photo].getAttribute(side));
      const [wide, high] = [now.field / own("width"), now.field / own("height")];
      field.hidden = !now.field;
      field.style.cssText =
        `left:${(box.left + box.width / 2 - wide / 2) * 100}%;width:${wide * 100}%;` +
        `top:${(box.top + box.height / 2 - high / 2) * 100}%;height:${high * 100}%`;
      place.textContent = `${now.layer}, row ${row + 1} of ${rows}, column ${column + 1} of ${columns}`;
      fill(now);
    }
    /** @param {InspectorLayer} now */
    function fill(now) {
      const [rows, columns] = now.grid;
      const start = ((photo * rows + row) * columns + column) * now.k;
      items = [];
      const lines = Array.from({ length: now.k }, (_, i) => {
        const index = now.units[start + i];
        const share = now.bars[start + i] / 255;
        const label = now.labels[index];
        const note = FV.number(share * now.top);
        items.push({ label, note, source: sprites[layer].src, shape: now.sprite, index });
        const tile = make("button", {
          type: "button", class: "fv-unit", "aria-label": `Enlarge ${label}`,
          click: () => FV.zoom(items, i),
        });
        FV.cell(tile, now.sprite, sprites[layer].src, index);
        const bar = make("span", { class: "fv-inspector__bar", style: `--fv-share:${share}` });
        return make("li", {}, tile, make("span", {}, label), bar, make("span", { class: "fv-number" }, note));
      });
      list.replaceChildren(...lines);
    }

    const area = make("div", {
      class: "fv-inspector__area", tabindex: 0, role: "group",
      "aria-label": "Place on the photo: move with the arrow keys, open its strongest unit with Enter",
    });
    area.append(field, mark);
    stage.append(area);
    area.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      /** @type {Record<string, [number, number]>} */
      const moves = {
        ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0],
        Home: [0, -column], End: [0, data.layers[layer].grid[1]],
      };
      const by = moves[event.key];
      if (event.key === "Enter") FV.zoom(items, 0);
      if (!by && event.key !== "Enter") return;
      event.preventDefault();
      if (by) go(row + by[0], column + by[1]);
      link();
    });
    const point = (/** @type {PointerEvent} */ event) => {
      const box = area.getBoundingClientRect();
      const [rows, columns] = data.layers[layer].grid;
      const y = Math.floor(((event.clientY - box.top) / box.height) * rows);
      const x = Math.floor(((event.clientX - box.left) / box.width) * columns);
      if (y !== row || x !== column) go(y, x);
    };
    area.addEventListener("pointermove", point);
    area.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      point(event);
      link();
    });

    host.querySelector(".fv-tools")?.append(pickPhoto.group, pickLayer.group);
    host.querySelector(".fv-inspector__side")?.append(side);
    const [rows, columns] = data.layers[layer].grid;
    [row, column] = [Math.floor(data.start[0] * rows), Math.floor(data.start[1] * columns)];
    choose(0, layer, false);
    FV.subjects((value) => {
      if (slugs.includes(value)) choose(slugs.indexOf(value), layer, false);
    });
    FV.follow(host, (key) => {
      const [name, which, place] = key.split(":");
      const [p, l] = [slugs.indexOf(name), names.indexOf(which)];
      if (p < 0 || l < 0) return;
      choose(p, l, false);
      const [r, c] = (place ?? "").split("-").map(Number);
      if (r > 0 && c > 0) go(r - 1, c - 1);
    });
  });
})();
