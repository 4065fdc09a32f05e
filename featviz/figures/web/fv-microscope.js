// @ts-check
// <fv-microscope>: every unit of a network in sheets; the panel shows the one looked at.
(() => {
  "use strict";
  const { make } = FV;
  // Milliseconds: browsers refuse an address that changes with every arrow key.
  const NAMING_PAUSE = 250;

  /** What is known of a layer whose units' data is still on its way. @type {LayerPart} */
  const NOTHING = { cards: [], values: {}, notes: {}, families: [], kin: [], wired: [], weights: [] };

  /** Replace a layer's picture by its tiles. @param {Layer} layer @param {HTMLElement} section
   * @returns {Unit[]} */
  function board(layer, section) {
    const sheet = /** @type {HTMLElement} */ (section.querySelector(".fv-micro__sheet"));
    const { columns, rows } = layer.sprite;
    // Whole, because in a variable it would be read from where the style sheet lies.
    const source = new URL(layer.sprite.source, document.baseURI).href;
    const part = (/** @type {number} */ at, /** @type {number} */ of) => (of > 1 ? (100 * at) / (of - 1) : 0);
    const units = layer.units.map((unit, row) => {
      const label = `${layer.name}:${unit}`;
      const id = FV.slug(label);
      const tile = make("button", {
        type: "button", class: "fv-unit", id, "aria-label": label, tabindex: -1,
        style: `background-position:${part(row % columns, columns)}% ${part(Math.floor(row / columns), rows)}%`,
      });
      return { layer, row, label, id, tile };
    });
    const tiles = make("div", {
      class: "fv-board", role: "group", "aria-label": `Units of ${layer.name}`,
      style: `--fv-size:${columns * 100}% ${rows * 100}%`,
    }, ...units.map((unit) => unit.tile));
    Object.assign(layer, { section, board: tiles, data: NOTHING });
    sheet.replaceChildren(tiles);
    // Sheets further down are read from disk when the reader comes near.
    const near = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      near.disconnect();
      tiles.style.setProperty("--fv-sheet", `url("${source}")`);
    }, { rootMargin: "400px" });
    near.observe(section);
    return units;
  }

  FV.define("fv-microscope", (host, data) => {
    const stage = /** @type {HTMLElement} */ (host.querySelector(".fv-micro__stage"));
    const side = /** @type {HTMLElement} */ (host.querySelector(".fv-micro__panel"));
    const tools = /** @type {HTMLElement} */ (host.querySelector(".fv-tools"));
    const sections = [...stage.querySelectorAll(".fv-micro__layer")];
    /** @type {Unit[]} */
    const units = data.layers.flatMap((layer, i) =>
      board(layer, /** @type {HTMLElement} */ (sections[i])));
    const byId = new Map(units.map((unit) => [unit.id, unit]));
    let shown = units;
    let [current, looked] = [units[0], units[0]];
    let [frame, naming] = [0, 0];

    const panel = FV.microscopePanel(side, data, byId, step, (/** @type {Unit} */ unit) => filter.alike(unit));
    const filter = FV.microscopeFilter(tools, data, units, byId, narrow, () => shown[0]?.tile.focus());

    /** @param {Unit[]} left */
    function narrow(left) {
      shown = left;
      if (!left.length || left.includes(current)) return look(current);
      choose(left[0]);
      if (left.length === 1) name(current);
    }
    /** Show a unit with the next frame: a quick pointer passes many. @param {Unit} unit */
    function look(unit) {
      looked = unit;
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        const at = shown.indexOf(looked);
        panel.draw(looked, at <= 0, at < 0 || at === shown.length - 1);
      });
    }
    /** @param {Unit} unit */
    function choose(unit) {
      current.tile.removeAttribute("aria-current");
      current.tile.tabIndex = -1;
      current = unit;
      unit.tile.setAttribute("aria-current", "true");
      unit.tile.tabIndex = 0; // one tab stop for all tiles
      look(unit);
    }
    /** @param {Unit} unit */
    function name(unit) {
      clearTimeout(naming);
      naming = setTimeout(() => history.replaceState(null, "", `#${unit.id}`), NAMING_PAUSE);
    }
    /** @param {number} by */
    function step(by) {
      const unit = shown[shown.indexOf(current) + by];
      if (!unit) return;
      choose(unit);
      name(unit);
      unit.tile.scrollIntoView({ block: "nearest" });
    }
    /** Show a unit that a link leads to, whatever is filtered. @param {string} id */
    function reach(id, scroll = false) {
      const unit = byId.get(id);
      if (!unit) return false;
      clearTimeout(naming);
      if (!shown.includes(unit)) filter.clear();
      choose(unit);
      if (scroll) unit.tile.scrollIntoView({ block: "start" }); // as far down as its style says
      return true;
    }
    const here = () => decodeURIComponent(location.hash.slice(1));

    /** @param {Event} event */
    const unitOf = (event) => byId.get(/** @type {HTMLElement} */ (event.target).closest(".fv-unit")?.id ?? "");
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
    stage.addEventListener("pointerleave", () => looked !== current && look(current));
    // Safari gives buttons no focus on a click.
    stage.addEventListener("click", (event) => unitOf(event)?.tile.focus());
    FV.rove(stage, () => shown.map((unit) => unit.tile));
    side.addEventListener("click", (event) => {
      const id = /** @type {HTMLElement} */ (event.target).closest("a")?.hash.slice(1) ?? "";
      if (!reach(id)) return;
      event.preventDefault();
      history.pushState(null, "", `#${id}`);
      panel.top();
    });
    for (const event of ["popstate", "hashchange"]) addEventListener(event, () => reach(here()));

    filter.apply();
    if (!reach(here(), true)) choose(current);
    Promise.all(data.layers.map(async (layer) => {
      layer.data = await FV.part(host, layer.part);
      for (const unit of units)
        if (unit.layer === layer && layer.data.families[unit.row])
          unit.tile.setAttribute("aria-label", `${unit.label}, ${layer.data.families[unit.row]}`);
      if (looked.layer === layer) look(looked);
    })).then(() => {
      filter.fill();
      host.dataset.loaded = "true";
    });
  });
})();
