// @ts-check
// The five layers beside the photo: a map of each, and its strongest units as pictures.
(() => {
  "use strict";
  const { make } = FV;
  // A unit falls quiet where painting leaves less than this part of what was unusual about it.
  const QUIET = 0.5;
  // Side in pixels of a layer's map, twice what is shown of it.
  const MAP = 168;

  /** @param {Strong} unit */
  const quiet = ({ score, after }) => after !== null && after < QUIET * score;

  /** @param {Strong} unit @param {string} label */
  function words(unit, label) {
    const start = `${label}, ${LivePage.signed(unit.score)} deviations`;
    if (unit.after === null) return start;
    return `${start}, now ${LivePage.signed(unit.after)}${quiet(unit) ? ", has fallen quiet" : ""}`;
  }

  /** @type {LivePage["rows"]} */
  LivePage.rows = (place, { layers, colors, count, side }, choose) => {
    const rows = layers.map(({ layer, sees }, i) => {
      const map = make("button", {
        type: "button", class: "fv-photo__map", "aria-label": `Map of ${layer} on the photo`, click: () => choose(i, null),
      });
      const list = make("ol", { class: "fv-photo__units" });
      const name = make("p", { class: "fv-photo__name" }, make("strong", {}, layer), ` sees ${sees} px`);
      const row = make("div", { class: "fv-photo__row", role: "group", "aria-label": layer, style: `--fv-color:var(--fv-layer-${i + 1})` },
        map, name, list);
      FV.rove(list, () => /** @type {HTMLElement[]} */ ([...list.querySelectorAll("button")]));
      return { row, map, list };
    });
    place.replaceChildren(...rows.map(({ row }) => row));
    /** @type {PhotoView | null} */
    let pressed = null;

    /** @param {Strong} unit */
    function tile(unit) {
      const { layer, sprite } = layers[unit.layer];
      const label = `${layer}:${unit.unit}`;
      const picture = make("span", { class: "fv-photo__tile" });
      FV.cell(picture, sprite, sprite.source, unit.unit);
      const gone = quiet(unit);
      const score = make("span", { class: "fv-photo__score" }, gone ? make("s", {}, LivePage.signed(unit.score)) : LivePage.signed(unit.score));
      if (unit.after !== null) score.append(" \u2192 ", make("b", {}, LivePage.signed(unit.after)));
      return make("li", {}, make("button", {
        type: "button", class: `fv-photo__unit${gone ? " fv-photo__unit--quiet" : ""}`, "aria-label": words(unit, label),
        "data-unit": unit.unit, click: () => choose(unit.layer, unit.unit),
      }, picture, make("span", {}, label), score));
    }
    function mark() {
      rows.forEach(({ map, list }, i) => {
        map.setAttribute("aria-pressed", String(pressed?.layer === i && pressed.unit === null));
        for (const button of /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll("button")))
          button.setAttribute("aria-pressed", String(pressed?.layer === i && Number(button.dataset.unit) === pressed.unit));
      });
    }
    return {
      paint: (maps, picture) => maps.forEach((map, i) => {
        const [below, onBelow] = LivePage.canvas(MAP);
        const [above, onAbove] = LivePage.canvas(MAP);
        onBelow.drawImage(picture, 0, 0, MAP, MAP);
        LivePage.cover(onAbove, map, colors, side);
        rows[i].map.replaceChildren(below, above);
      }),
      draw(lists) {
        const active = /** @type {HTMLElement | null} */ (document.activeElement);
        lists.forEach((list, i) => {
          const held = rows[i].list.contains(active) ? active?.dataset.unit : undefined;
          const items = list.slice(0, count).map(tile);
          items.forEach((item, at) => (/** @type {HTMLElement} */ (item.firstChild).tabIndex = at ? -1 : 0));
          rows[i].list.replaceChildren(...items);
          // The focus stays on the unit it was on, wherever that is now.
          if (held) /** @type {HTMLElement} */ (rows[i].list.querySelector(`[data-unit="${held}"]`) ?? items[0].firstChild).focus();
        });
        mark();
      },
      press(view) {
        pressed = view;
        mark();
      },
    };
  };
})();
