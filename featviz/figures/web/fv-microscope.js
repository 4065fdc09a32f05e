// @ts-check
// <fv-microscope>: every unit of a network in sheets, with filters, and one unit in all its views.
(() => {
  "use strict";
  const FV = /** @type {any} */ (window).FV;
  const { make } = FV;
  const NAMING_PAUSE = 250; // ms: browsers refuse an address that changes with every arrow key

  /**
   * @typedef {object} Unit
   * @property {any} layer what the page says of its layer
   * @property {number} row its place in the layer's data
   * @property {string} label
   * @property {string} id
   * @property {HTMLElement} tile
   */

  FV.define("fv-microscope", (/** @type {HTMLElement} */ host, /** @type {any} */ data) => {
    const stage = /** @type {HTMLElement} */ (host.querySelector(".fv-micro__stage"));
    const panel = /** @type {HTMLElement} */ (host.querySelector(".fv-micro__panel"));
    const sections = /** @type {HTMLElement[]} */ ([...stage.querySelectorAll(".fv-micro__layer")]);
    /** @type {Unit[]} */
    const units = [];
    /** @type {Map<string, Unit>} */
    const byId = new Map();
    data.layers.forEach((/** @type {any} */ layer, /** @type {number} */ i) => board(layer, sections[i]));
    /** @type {Unit[]} */
    let shown = units;
    let current = units[0];
    let looked = units[0];
    let frame = 0;
    let naming = 0;

    /** Replace a layer's picture by its tiles. @param {any} layer @param {HTMLElement} section */
    function board(layer, section) {
      const sheet = /** @type {HTMLElement} */ (section.querySelector(".fv-micro__sheet"));
      const source = /** @type {HTMLImageElement} */ (sheet.querySelector("img")).src;
      const { columns, rows } = layer.sprite;
      const tiles = layer.units.map((/** @type {number} */ unit, /** @type {number} */ row) => {
        const label = `${layer.name}:${unit}`;
        const id = FV.slug(label);
        const x = columns > 1 ? (100 * (row % columns)) / (columns - 1) : 0;
        const y = rows > 1 ? (100 * Math.floor(row / columns)) / (rows - 1) : 0;
        const tile = make("button", {
          type: "button", class: "fv-unit", id, "aria-label": label,
          style: `background-position:${x}% ${y}%`,
        });
        const one = { layer, row, label, id, tile };
        units.push(one);
        byId.set(id, one);
        return tile;
      });
      layer.board = make("div", {
        class: "fv-board", role: "group", "aria-label": `Units of ${layer.name}`,
        style: `--fv-size:${columns * 100}% ${rows * 100}%`,
      }, ...tiles);
      layer.section = section;
      layer.source = source;
      sheet.replaceChildren(layer.board);
      // Sheets further down are read from disk when the reader comes near.
      const near = new IntersectionObserver((entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        near.disconnect();
        layer.board.style.setProperty("--fv-sheet", `url("${source}")`);
      }, { rootMargin: "400px" });
      near.observe(section);
    }

    // ---- one unit ------------------------------------------------------------------------------
    const title = make("strong", { tabindex: -1, class: "fv-micro__title" });
    const family = make("span", { class: "fv-micro__family" });
    const back = make("button", { type: "button", class: "fv-button", "aria-label": "Previous unit", click: () => step(-1) }, "\u2190");
    const on = make("button", { type: "button", class: "fv-button", "aria-label": "Next unit", click: () => step(1) }, "\u2192");
    const body = make("div", { class: "fv-micro__body" });
    panel.append(make("div", { class: "fv-micro__head" }, title, family, make("span", { class: "fv-micro__keys" }, back, on)), body);
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
    function views(unit, view) {
      const { layer, row } = unit;
      const size = layer.sizes[view], scale = layer.scales[view];
      const whole = layer.fields.includes(view) ? layer.sees : size;
      const name = data.titles[view] ?? view;
      const note = layer.data.notes[view]?.[row];
      const drawn = scale > 1 ? `, \u00d7 ${scale}` : whole > size ? `, drawn at ${size}` : "";
      return make("div", { class: `fv-micro__view fv-micro__view--${view}` },
        make("p", {}, make("b", {}, name), ` ${whole} px${drawn}`),
        make("div", { class: "fv-micro__row" },
          ...layer.places[view].map((/** @type {any} */ _, /** @type {number} */ i) =>
            picture(unit, view, i, `${unit.label}: ${name}${layer.places[view].length > 1 ? `, ${i + 1}` : ""}`))),
        ...(note ? [make("p", { class: "fv-micro__note" }, note)] : []));
    }
    /** A way to another unit. @param {any} layer @param {number} index @param {string} note */
    function way(layer, index, note) {
      const unit = byId.get(FV.slug(`${layer.name}:${index}`));
      const told = `${layer.name}:${index}${note ? `, ${note}` : ""}`;
      if (!unit) return make("span", { class: "fv-micro__way" }, told);
      const tile = make("span", { class: "fv-micro__thumb" });
      FV.cell(tile, layer.sprite, layer.source, unit.row);
      return make("a", { href: `#${unit.id}`, class: "fv-micro__way", "aria-label": told },
        tile, make("span", {}, String(index)), ...(note ? [make("span", { class: "fv-number" }, note)] : []));
    }
    /** @param {string} name @param {Node[]} ways @param {Node[]} more */
    const ways = (name, ways, ...more) =>
      make("div", { class: "fv-micro__view" }, make("p", {}, make("b", {}, name), ...more),
        make("div", { class: "fv-micro__row" }, ...ways));

    /** @param {Unit} unit */
    function wiring(unit) {
      const { layer, row } = unit;
      const before = data.layers.find((/** @type {any} */ l) => l.name === layer.before);
      const wired = layer.data.wired[row], weights = layer.data.weights[row];
      if (!before || !wired) return [];
      const all = wired.map((/** @type {number} */ index, /** @type {number} */ i) =>
        [weights[i], way(before, index, (weights[i] > 0 ? "+" : "") + FV.number(weights[i]))]);
      const side = (/** @type {boolean} */ up) =>
        all.filter((/** @type {any} */ [w]) => w > 0 === up).map((/** @type {any} */ [, link]) => link);
      const names = [`What feeds it, in ${before.name}`, `What holds it down, in ${before.name}`];
      return [[names[0], side(true)], [names[1], side(false).reverse()]]
        .filter(([, links]) => links.length)
        .map(([name, links]) => ways(/** @type {string} */ (name), /** @type {Node[]} */ (links)));
    }
    /** @param {Unit} unit */
    function look(unit) {
      looked = unit;
      frame ||= requestAnimationFrame(draw);
    }
    function draw() {
      frame = 0;
      const unit = looked, { layer, row } = unit;
      title.textContent = unit.label;
      const at = shown.indexOf(unit);
      back.toggleAttribute("disabled", at <= 0);
      on.toggleAttribute("disabled", at < 0 || at === shown.length - 1);
      if (!layer.data) return;
      family.textContent = layer.data.families[row] ?? "";
      const numbers = make("dl");
      for (const [name, column] of Object.entries(layer.data.values))
        numbers.append(make("dt", {}, name), make("dd", {}, column[row] === null ? "\u2013" : FV.number(column[row])));
      const kin = (layer.data.kin[row] ?? []).map((/** @type {number} */ index) => way(layer, index, ""));
      const only = make("button", { type: "button", class: "fv-micro__only", click: () => alike(unit) }, "show only these");
      body.replaceChildren(
        make("div", { class: "fv-micro__views" }, ...Object.keys(layer.places).map((view) => views(unit, view))),
        ...wiring(unit),
        ...(kin.length ? [ways("Looks like", kin, " ", only)] : []),
        numbers);
    }

    // ---- choosing ------------------------------------------------------------------------------
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
    const unitOf = (/** @type {Event} */ event) => {
      const tile = /** @type {HTMLElement} */ (event.target).closest(".fv-unit");
      return tile ? byId.get(tile.id) : undefined;
    };
    stage.addEventListener("focusin", (event) => {
      const unit = unitOf(event);
      if (!unit || unit === current) return;
      choose(unit);
      name(unit);
    });
    stage.addEventListener("pointerover", (event) => {
      const unit = unitOf(event);
      if (unit && /** @type {PointerEvent} */ (event).pointerType === "mouse") look(unit);
    });
    stage.addEventListener("pointerleave", () => looked !== current && look(current));
    // Safari gives buttons no focus on a click.
    stage.addEventListener("click", (event) => /** @type {HTMLElement} */ (event.target).closest("button")?.focus());
    FV.rove(stage, () => shown.map((unit) => unit.tile));
    panel.addEventListener("click", (event) => {
      const link = /** @type {HTMLElement} */ (event.target).closest("a");
      const unit = byId.get(link?.hash.slice(1) ?? "");
      if (!unit) return;
      event.preventDefault();
      clearTimeout(naming);
      history.pushState(null, "", `#${unit.id}`);
      reach(unit);
      title.focus({ preventScroll: true });
      panel.scrollTop = 0;
    });
    /** Show a unit that a link leads to, whatever is filtered. @param {Unit} unit */
    function reach(unit) {
      if (!shown.includes(unit)) clear();
      choose(unit);
    }
    function follow(scroll = false) {
      const unit = byId.get(decodeURIComponent(location.hash.slice(1)));
      if (!unit) return false;
      reach(unit);
      if (scroll) unit.tile.scrollIntoView({ block: "start" }); // as far down as its style says
      return true;
    }
    addEventListener("popstate", () => follow());
    addEventListener("hashchange", () => follow());

    // ---- filters and order ---------------------------------------------------------------------
    const tools = /** @type {HTMLElement} */ (host.querySelector(".fv-tools"));
    const count = make("output", { class: "fv-micro__count" });
    const find = /** @type {HTMLInputElement} */ (
      make("input", { type: "search", class: "fv-find", placeholder: units[units.length - 1].label, input: filter }));
    /** @param {string} label @param {[string, string][]} options */
    function pick(label, options) {
      const select = /** @type {HTMLSelectElement} */ (
        make("select", { class: "fv-select", change: filter },
          ...options.map(([value, name]) => make("option", { value }, name))));
      return { label: make("label", {}, `${label} `, select), select };
    }
    const anyOf = (/** @type {string[]} */ names) =>
      /** @type {[string, string][]} */ ([["", "any"], ...names.map((n) => [n, n])]);
    const byLayer = pick("Layer", [["", "all"], ...data.layers.map((/** @type {any} */ l) => [l.name, l.name])]);
    const byFamily = pick("Family", [["", "any"]]);
    const bySort = pick("Sort by", [["", "number"]]);
    const filters = Object.entries(data.filters).map(([name, choices]) => ({
      ...pick(name, anyOf(choices.map((/** @type {any} */ c) => c.label))),
      choices,
    }));
    const reset = make("button", { type: "button", class: "fv-button fv-micro__reset", click: () => (clear(), find.focus()) }, "Show all");
    /** @type {Set<Unit> | null} */
    let kin = null;
    let order = "";

    /** @param {Unit} unit */
    function alike(unit) {
      clear();
      const { layer, row } = unit;
      const like = layer.data.kin[row].map((/** @type {number} */ i) => byId.get(FV.slug(`${layer.name}:${i}`)));
      kin = new Set([unit, ...like]);
      filter();
    }
    function clear() {
      find.value = "";
      kin = null;
      for (const one of [byLayer, byFamily, ...filters]) one.select.value = "";
      filter();
    }
    /** @param {Unit} unit @param {string} words */
    function matches(unit, words) {
      const { layer, row, label } = unit;
      if (byLayer.select.value && layer.name !== byLayer.select.value) return false;
      if (kin && !kin.has(unit)) return false;
      const kind = layer.data?.families[row] ?? "";
      if (byFamily.select.value && kind !== byFamily.select.value) return false;
      if (words && label.toLowerCase() !== words && !label.toLowerCase().endsWith(`:${words}`) &&
          !`${label} ${kind}`.toLowerCase().includes(words)) return false;
      return filters.every(({ select, choices }) => {
        const choice = choices.find((/** @type {any} */ c) => c.label === select.value);
        return !choice || choice.tests.some((/** @type {any[]} */ tests) =>
          tests.every(([name, low, high]) => {
            const value = layer.data?.values[name]?.[row];
            return typeof value === "number" && value >= low && value < high;
          }));
      });
    }
    function filter() {
      const words = find.value.trim().toLowerCase();
      sort();
      const exact = units.filter((unit) => unit.label.toLowerCase() === words);
      const found = new Set(exact.length ? exact : units.filter((unit) => matches(unit, words)));
      for (const unit of units) unit.tile.hidden = !found.has(unit);
      for (const layer of data.layers)
        layer.section.hidden = !units.some((unit) => unit.layer === layer && found.has(unit));
      shown = data.layers.flatMap((/** @type {any} */ layer) =>
        [...layer.board.children].map((tile) => byId.get(tile.id)).filter((unit) => found.has(unit)));
      count.textContent = `${shown.length.toLocaleString("en-US")} of ${units.length.toLocaleString("en-US")} units`;
      reset.hidden = shown.length === units.length;
      if (shown.length && !shown.includes(current)) choose(shown[0]);
      else look(current);
    }
    function sort() {
      if (order === bySort.select.value) return;
      order = bySort.select.value;
      for (const layer of data.layers) {
        const column = layer.data?.values[order];
        const own = units.filter((unit) => unit.layer === layer);
        const key = (/** @type {Unit} */ unit) => column?.[unit.row] ?? -Infinity;
        if (column) own.sort((a, b) => key(b) - key(a) || a.row - b.row);
        layer.board.append(...own.map((unit) => unit.tile));
      }
    }
    find.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !shown.length) return;
      event.preventDefault();
      shown[0].tile.focus();
    });

    // ---- data, as its scripts arrive -----------------------------------------------------------
    const load = Promise.all(data.layers.map(async (/** @type {any} */ layer) => {
      layer.data = await FV.part(host, layer.part);
      for (const unit of units)
        if (unit.layer === layer && layer.data.families[unit.row])
          unit.tile.setAttribute("aria-label", `${unit.label}, ${layer.data.families[unit.row]}`);
      if (looked.layer === layer) look(looked);
    }));
    load.then(() => {
      const kinds = new Set(data.layers.flatMap((/** @type {any} */ l) => l.data.families));
      const measures = new Set(data.layers.flatMap((/** @type {any} */ l) => Object.keys(l.data.values)));
      for (const [select, names] of /** @type {[HTMLSelectElement, Set<string>][]} */ ([[byFamily.select, kinds], [bySort.select, measures]]))
        select.append(...[...names].map((value) => make("option", { value }, value)));
      host.dataset.loaded = "true";
    });

    tools.append(make("label", {}, "Find ", find), byLayer.label, byFamily.label,
      ...filters.map((one) => one.label), bySort.label, count, reset);
    filter();
    if (!follow(true)) choose(current);
  });
})();
