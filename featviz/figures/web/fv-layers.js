// @ts-check
// The units of layers as boards of tiles: one walks over them, looks at a unit, chooses one.
(() => {
  "use strict";
  const { make } = FV;

  /** What is known of units whose data is still on its way. @type {LayerPart} */
  const NOTHING = { cards: [], values: {}, notes: {}, families: [], kin: [], wired: [], weights: [] };

  /** Put a layer's tiles into its place. @param {Sheet} sheet @returns {Unit[]} */
  function board(sheet) {
    const { columns, rows, pixelated } = sheet.sprite;
    // Whole, because in a variable it would be read from where the style sheet lies.
    const source = new URL(sheet.sprite.source, document.baseURI).href;
    const part = (/** @type {number} */ at, /** @type {number} */ of) => (of > 1 ? (100 * at) / (of - 1) : 0);
    const tiles = sheet.labels.map((label, row) =>
      make("button", {
        type: "button", class: "fv-unit", "aria-label": label, tabindex: -1,
        style: `background-position:${part(row % columns, columns)}% ${part(Math.floor(row / columns), rows)}%`,
      }));
    const board = make("div", {
      class: `fv-board${pixelated ? " fv-pixels" : ""}`, role: "group", "aria-label": `Units of ${sheet.name}`,
      style: `--fv-size:${columns * 100}% ${rows * 100}%`,
    }, ...tiles);
    sheet.place.replaceChildren(board);
    // Sheets further down are read from disk when the reader comes near.
    const near = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      near.disconnect();
      board.style.setProperty("--fv-sheet", `url("${source}")`);
    }, { rootMargin: "400px" });
    near.observe(sheet.section);
    const layer = { ...sheet, board, data: { ...NOTHING, values: sheet.values ?? {} } };
    return sheet.labels.map((label, row) => ({ layer, row, label, id: FV.slug(label), tile: tiles[row] }));
  }

  /** `show` draws the unit looked at, `name` is told which one the reader chose. */
  FV.layers = (stage, tools, sheets, options, show, name) => {
    const units = sheets.flatMap(board);
    const layers = [...new Set(units.map((unit) => unit.layer))];
    const byId = new Map(units.map((unit) => [unit.id, unit]));
    const byTile = new Map(units.map((unit) => [/** @type {Element | null} */ (unit.tile), unit]));
    let list = units;
    let [current, glance] = [units[0], units[0]];
    let frame = 0;
    const filter = FV.filter(tools, layers, units, options, narrow, () => list[0]?.tile.focus());

    function draw() {
      cancelAnimationFrame(frame);
      frame = 0;
      show(glance, list);
    }
    /** Show a unit with the next frame: a quick pointer passes many. @param {Unit} unit */
    function look(unit) {
      glance = unit;
      frame ||= requestAnimationFrame(draw);
    }
    /** @param {Unit} unit */
    function choose(unit) {
      current.tile.removeAttribute("aria-current");
      current.tile.tabIndex = -1;
      current = glance = unit;
      unit.tile.setAttribute("aria-current", "true");
      unit.tile.tabIndex = 0; // one tab stop for all tiles
      draw();
    }
    /** @param {Unit[]} next */
    function narrow(next) {
      list = next;
      if (!next.length || next.includes(current)) return look(current);
      choose(next[0]);
      if (next.length === 1) name(current);
    }
    /** Choose the unit of an address, whatever is filtered. @param {string} id */
    function reach(id) {
      const unit = byId.get(id);
      if (!unit) return undefined;
      if (!list.includes(unit)) filter.clear();
      choose(unit);
      return unit;
    }
    const unitOf = (/** @type {Event} */ event) =>
      byTile.get(/** @type {Element} */ (event.target).closest(".fv-unit"));

    stage.addEventListener("focusin", (event) => {
      const unit = unitOf(event);
      if (!unit || unit === current) return;
      choose(unit);
      name(unit);
    });
    stage.addEventListener("pointerover", (event) => {
      const unit = unitOf(event);
      if (unit && event.pointerType === "mouse") look(unit);
    });
    stage.addEventListener("pointerleave", () => glance !== current && look(current));
    // Safari gives buttons no focus on a click.
    stage.addEventListener("click", (event) => unitOf(event)?.tile.focus());
    filter.apply();
    choose(current);
    FV.rove(stage, () => list.map((unit) => unit.tile));
    return { layers, units, byId, filter, choose, draw, reach, unitOf, state: () => ({ list, current, glance }) };
  };

  /** What was measured of a unit: names and written numbers. */
  FV.measures = ({ layer, row }) =>
    Object.entries(layer.data.values).map(([name, { [row]: value }]) =>
      [name, value === null ? "\u2013" : FV.number(value)]);

  /** The same as a list. */
  FV.measureList = (unit) =>
    make("dl", { class: "fv-measures" },
      ...FV.measures(unit).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
})();
