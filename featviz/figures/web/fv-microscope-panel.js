// @ts-check
// The microscope's panel: one unit in all its views, what feeds it, what it looks like.
(() => {
  "use strict";
  const { make } = FV;

  /** `step` goes to the unit before or after, `alike` shows only the units that look like one. */
  FV.microscopePanel = (panel, data, byId, step, alike) => {
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

    /** @param {Unit} unit @param {string} view @param {number} i @param {string} name */
    function picture(unit, view, i, name) {
      const { layer, row } = unit;
      const [x, y, width, height] = layer.places[view][i];
      return make("span", {
        class: "fv-micro__picture", role: "img", "aria-label": name,
        style: `width:${width}px;height:${height}px;background:url("${layer.data.cards[row]}") -${x}px -${y}px`,
      });
    }
    /** @param {Unit} unit @param {string} view */
    function pictures(unit, view) {
      const { layer, row } = unit;
      const size = layer.sizes[view], scale = layer.scales[view];
      const field = layer.fields.includes(view);
      const whole = field ? layer.uses : size;
      const name = data.titles[view] ?? view;
      const note = layer.data.notes[view]?.[row];
      const drawn = scale > 1 ? `, \u00d7 ${scale}` : whole > size ? `, drawn at ${size}` : "";
      const several = layer.places[view].length > 1;
      const sees = field && layer.sees > whole ? ` of ${layer.sees}` : "";
      // The whole field, to scale, around the part of it that is used.
      const rim = sees && !several ? ((layer.sees - whole) / 2) * (layer.places[view][0][2] / whole) : 0;
      return make("div", { class: `fv-micro__view fv-micro__view--${view}` },
        make("p", {}, make("b", {}, name), ` ${whole}${sees} px${drawn}`),
        make("div", { class: `fv-micro__row${rim ? " fv-micro__row--field" : ""}`, style: `--fv-rim:${rim}px` },
          ...layer.places[view].map((_, i) =>
            picture(unit, view, i, `${unit.label}: ${name}${several ? `, ${i + 1}` : ""}`))),
        ...(note ? [make("p", { class: "fv-micro__note" }, note)] : []));
    }
    /** A way to another unit. @param {Layer} layer @param {number} index @param {string} note */
    function way(layer, index, note) {
      const unit = byId.get(FV.slug(`${layer.name}:${index}`));
      const told = `${layer.name}:${index}${note ? `, ${note}` : ""}`;
      if (!unit) return make("span", { class: "fv-micro__way" }, told);
      const tile = make("span", { class: "fv-micro__thumb" });
      FV.cell(tile, layer.sprite, layer.sprite.source, unit.row);
      return make("a", { href: `#${unit.id}`, class: "fv-micro__way", "aria-label": told },
        tile, make("span", {}, String(index)), ...(note ? [make("span", { class: "fv-number" }, note)] : []));
    }
    /** @param {string} name @param {Node[]} links @param {(Node | string)[]} more */
    const ways = (name, links, ...more) =>
      make("div", { class: "fv-micro__view" }, make("p", {}, make("b", {}, name), ...more),
        make("div", { class: "fv-micro__row" }, ...links));

    /** The units of the layer before, for it and against it. @param {Unit} unit */
    function wiring(unit) {
      const { layer, row } = unit;
      const before = data.layers.find((l) => l.name === layer.before);
      const wired = layer.data.wired[row], weights = layer.data.weights[row];
      if (!before || !wired) return [];
      const side = (/** @type {boolean} */ up) => wired
        .map((index, i) => [index, weights[i]])
        .filter(([, weight]) => weight > 0 === up)
        .map(([index, weight]) => way(before, index, (up ? "+" : "") + FV.number(weight)));
      return [
        ways(`What feeds it, in ${before.name}`, side(true)),
        ways(`What holds it down, in ${before.name}`, side(false).reverse()),
      ].filter((group) => group.querySelector(".fv-micro__way"));
    }
    /** @param {Unit} unit */
    function looksLike(unit) {
      const kin = unit.layer.data.kin[unit.row] ?? [];
      if (!kin.length) return [];
      const only = make("button", { type: "button", class: "fv-micro__only", click: () => alike(unit) }, "show only these");
      return [ways("Looks like", kin.map((i) => way(unit.layer, i, "")), " ", only)];
    }
    /** @param {Unit} unit */
    function measures(unit) {
      const told = make("dl");
      for (const [name, column] of Object.entries(unit.layer.data.values)) {
        const value = column[unit.row];
        told.append(make("dt", {}, name), make("dd", {}, value === null ? "\u2013" : FV.number(value)));
      }
      return told;
    }
    /** @param {Unit} unit @param {boolean} first @param {boolean} last */
    function draw(unit, first, last) {
      const { layer, row } = unit;
      title.textContent = unit.label;
      back.toggleAttribute("disabled", first);
      on.toggleAttribute("disabled", last);
      if (!layer.data.cards.length) return;
      family.textContent = layer.data.families[row] ?? "";
      const views = Object.keys(layer.places).map((view) => pictures(unit, view));
      body.replaceChildren(make("div", { class: "fv-micro__views" }, ...views),
        ...wiring(unit), ...looksLike(unit), measures(unit));
    }
    /** Let a keyboard go on from the panel's head. */
    function top() {
      title.focus({ preventScroll: true });
      panel.scrollTop = 0;
    }
    return { draw, top };
  };
})();
