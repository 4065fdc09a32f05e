// @ts-check
// The microscope's panel: one unit in all its views, what feeds it, what it looks like.
(() => {
  "use strict";
  const { make } = FV;

  /** `step` goes to the unit before or after, `alike` shows only the units that look like one. */
  FV.microscopePanel = (panel, data, step, alike) => {
    const title = make("strong", { tabindex: -1, class: "fv-micro__title" });
    const family = make("span", { class: "fv-micro__family" });
    const button = (/** @type {string} */ name, /** @type {string} */ sign, /** @type {number} */ by) =>
      make("button", { type: "button", class: "fv-button", "aria-label": name, click: () => step(by) }, sign);
    const back = button("Previous unit", "\u2190", -1);
    const on = button("Next unit", "\u2192", 1);
    const body = make("div", { class: "fv-micro__body" });
    const keys = make("span", { class: "fv-micro__keys" }, back, on);
    panel.append(make("div", { class: "fv-micro__head" }, title, family, keys), body);
    panel.tabIndex = 0;
    panel.setAttribute("role", "region");
    panel.setAttribute("aria-label", "The unit looked at");

    /** What is told of a layer. @param {string} name */
    const about = (name) => data.layers.find((layer) => layer.name === name);

    /** @param {string} card @param {[number, number, number, number]} place @param {string} name */
    const picture = (card, [x, y, width, height], name) =>
      make("span", {
        class: "fv-micro__picture", role: "img", "aria-label": name,
        style: `width:${width}px;height:${height}px;background:url("${card}") -${x}px -${y}px`,
      });
    /** @param {Unit} unit @param {LayerOutline} layer @param {string} view */
    function pictures({ row, label, layer: { data: part } }, layer, view) {
      const size = layer.sizes[view], scale = layer.scales[view];
      const field = layer.fields.includes(view);
      const whole = field ? layer.uses : size;
      const name = data.titles[view] ?? view;
      const note = part.notes[view]?.[row];
      const suffix = scale > 1 ? `, \u00d7 ${scale}` : whole > size ? `, drawn at ${size}` : "";
      const several = layer.places[view].length > 1;
      const sees = field && layer.sees > whole ? ` of ${layer.sees}` : "";
      // The whole field, to scale, around the part of it that is used.
      const rim = sees && !several ? ((layer.sees - whole) / 2) * (layer.places[view][0][2] / whole) : 0;
      return make("div", { class: `fv-micro__view fv-micro__view--${view}` },
        make("p", {}, make("b", {}, name), ` ${whole}${sees} px${suffix}`),
        make("div", { class: `fv-micro__row${rim ? " fv-micro__row--field" : ""}`, style: `--fv-rim:${rim}px` },
          ...layer.places[view].map((place, i) =>
            picture(part.cards[row], place, `${label}: ${name}${several ? `, ${i + 1}` : ""}`))),
        ...(note ? [make("p", { class: "fv-micro__note" }, note)] : []));
    }
    /** A way to another unit. @param {LayerOutline} layer @param {number} index @param {string} note */
    function way(layer, index, note) {
      const label = `${layer.name}:${index}`;
      const words = `${label}${note ? `, ${note}` : ""}`;
      const row = layer.units.indexOf(index);
      if (row < 0) return make("span", { class: "fv-micro__way" }, words);
      const tile = make("span", { class: "fv-micro__thumb" });
      FV.cell(tile, layer.sprite, layer.sprite.source, row);
      return make("a", { href: `#${FV.slug(label)}`, class: "fv-micro__way", "aria-label": words },
        tile, make("span", {}, String(index)), ...(note ? [make("span", { class: "fv-number" }, note)] : []));
    }
    /** @param {string} name @param {Node[]} links @param {(Node | string)[]} more */
    const ways = (name, links, ...more) =>
      make("div", { class: "fv-micro__view" }, make("p", {}, make("b", {}, name), ...more),
        make("div", { class: "fv-micro__row" }, ...links));

    /** The units of the layer before, for it and against it.
     * @param {Unit} unit @param {LayerOutline} layer */
    function wiring({ row, layer: { data: part } }, layer) {
      const before = about(layer.before);
      const feeders = part.wired[row], weights = part.weights[row];
      if (!before || !feeders) return [];
      const side = (/** @type {boolean} */ up) => feeders
        .map((index, i) => [index, weights[i]])
        .filter(([, weight]) => weight > 0 === up)
        .map(([index, weight]) => way(before, index, (up ? "+" : "") + FV.number(weight)));
      return [
        ways(`What feeds it, in ${before.name}`, side(true)),
        ways(`What holds it down, in ${before.name}`, side(false).reverse()),
      ].filter((group) => group.querySelector(".fv-micro__way"));
    }
    /** @param {Unit} unit @param {LayerOutline} layer */
    function looksLike(unit, layer) {
      const kin = unit.layer.data.kin[unit.row] ?? [];
      if (!kin.length) return [];
      const only = make("button", { type: "button", class: "fv-micro__only", click: () => alike(unit) }, "show only these");
      return [ways("Looks like", kin.map((i) => way(layer, i, "")), " ", only)];
    }
    /** @param {Unit} unit @param {Unit[]} list */
    function draw(unit, list) {
      const { data: part } = unit.layer;
      const at = list.indexOf(unit);
      title.textContent = unit.label;
      back.toggleAttribute("disabled", at <= 0);
      on.toggleAttribute("disabled", at < 0 || at === list.length - 1);
      const layer = about(unit.layer.name);
      if (!layer || !part.cards.length) return;
      family.textContent = part.families[unit.row] ?? "";
      const views = Object.keys(layer.places).map((view) => pictures(unit, layer, view));
      const circuit = data.circuits ? [make("a", { href: `${data.circuits}#${unit.id}`, class: "fv-micro__circuit" }, "Its circuit")] : [];
      body.replaceChildren(make("div", { class: "fv-micro__views" }, ...views),
        ...wiring(unit, layer), ...circuit, ...looksLike(unit, layer), FV.measureList(unit));
    }
    /** Let a keyboard go on from the panel's head. */
    function top() {
      title.focus({ preventScroll: true });
      panel.scrollTop = 0;
    }
    return { draw, top };
  };
})();
