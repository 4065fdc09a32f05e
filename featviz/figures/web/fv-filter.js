// @ts-check
// Which units of a sheet, or of a microscope, are shown, and in what order.
(() => {
  "use strict";
  const { make } = FV;

  /** `narrow` is told what is left, in order; `enter` takes the first of it. */
  FV.filter = (tools, layers, units, options, narrow, enter) => {
    const byTile = new Map(units.map((unit) => [/** @type {Element} */ (unit.tile), unit]));
    const count = make("output", { class: "fv-count" });
    const find = make("input", {
      type: "search", class: "fv-find", placeholder: units[units.length - 1].label, input: apply,
    });
    /** @param {string} none @param {Iterable<string>} names */
    const offers = (none, names) =>
      [["", none], ...[...names].map((name) => [name, name])].map(([value, name]) => make("option", { value }, name));
    /** @param {string} label @param {string} none @param {Iterable<string>} names */
    function pick(label, none, names) {
      const select = make("select", { class: "fv-select", change: apply }, ...offers(none, names));
      return { label: make("label", {}, `${label} `, select), select };
    }
    const layer = pick("Layer", "all", layers.map((one) => one.name));
    const family = pick("Family", "any", []);
    const sorting = pick("Sort by", "number", []);
    const filters = Object.entries(options.filters ?? {}).map(([name, choices]) => ({
      ...pick(name, "any", choices.map((choice) => choice.label)), choices,
    }));
    const reset = make("button", { type: "button", class: "fv-button fv-reset", click: () => (clear(), find.focus()) }, "Show all");
    /** @type {Set<Unit> | null} */
    let kin = null;
    let order = "";

    /** @param {Unit} unit @param {string} words */
    function answers(unit, words) {
      const label = unit.label.toLowerCase();
      return label === words || label.endsWith(`:${words}`) || `${label} ${kind(unit)}`.includes(words);
    }
    const kind = (/** @type {Unit} */ unit) => unit.layer.data.families[unit.row] ?? "";
    /** @param {Unit} unit @param {Choice} choice */
    const passes = (unit, choice) => choice.tests.some((tests) =>
      tests.every(([name, low, high]) => {
        const value = unit.layer.data.values[name]?.[unit.row];
        return typeof value === "number" && value >= low && value < high;
      }));
    /** @param {Unit} unit @param {string} words */
    function matches(unit, words) {
      if (layer.select.value && unit.layer.name !== layer.select.value) return false;
      if (kin && !kin.has(unit)) return false;
      if (family.select.value && kind(unit) !== family.select.value) return false;
      if (words && !answers(unit, words)) return false;
      return filters.every(({ select, choices }) => {
        const choice = choices.find((c) => c.label === select.value);
        return !choice || passes(unit, choice);
      });
    }
    function apply() {
      const words = find.value.trim().toLowerCase();
      sort();
      const exact = units.filter((unit) => unit.label.toLowerCase() === words);
      const hits = new Set(exact.length ? exact : units.filter((unit) => matches(unit, words)));
      for (const unit of units) unit.tile.hidden = !hits.has(unit);
      for (const one of layers)
        one.section.hidden = !units.some((unit) => unit.layer === one && hits.has(unit));
      const list = layers.flatMap((one) =>
        [...one.board.children].flatMap((tile) => byTile.get(tile) ?? []).filter((unit) => hits.has(unit)));
      const digits = (/** @type {Unit[]} */ list) => list.length.toLocaleString("en-US");
      count.textContent = list.length ? `${digits(list)} of ${digits(units)} units` : missing(words);
      reset.hidden = list.length === units.length;
      narrow(list);
    }
    /** Why nothing is shown. @param {string} words */
    function missing(words) {
      const one = layers.find((each) => words.startsWith(`${each.name.toLowerCase()}:`));
      const last = parseInt(one?.labels.at(-1)?.slice(one.name.length + 1) ?? "");
      // Where some are left out, the numbers of those that are there are no range.
      if (!one || last !== one.labels.length - 1) return "No unit fits: show all.";
      return `No such unit here: ${one.name} has units 0 to ${last}.`;
    }
    function sort() {
      if (order === sorting.select.value) return;
      order = sorting.select.value;
      for (const one of layers) {
        const column = one.data.values[order];
        const own = units.filter((unit) => unit.layer === one);
        const key = (/** @type {Unit} */ unit) => column?.[unit.row] ?? -Infinity;
        if (column) own.sort((a, b) => key(b) - key(a) || a.row - b.row);
        one.board.append(...own.map((unit) => unit.tile));
      }
    }
    function clear() {
      find.value = "";
      kin = null;
      for (const one of [layer, family, ...filters]) one.select.value = "";
      apply();
    }
    /** Show a unit and those that look like it. @param {Unit} unit */
    function alike(unit) {
      clear();
      const like = unit.layer.data.kin[unit.row].map((i) => `${unit.layer.name}:${i}`);
      kin = new Set(units.filter((one) => one === unit || like.includes(one.label)));
      apply();
    }
    /** Offer what the units' data name, as far as it is there. */
    function fill() {
      const kinds = new Set(layers.flatMap((one) => one.data.families));
      const measures = new Set(layers.flatMap((one) => Object.keys(one.data.values)));
      family.select.replaceChildren(...offers("any", kinds));
      sorting.select.replaceChildren(...offers("number", measures));
    }
    fill();
    find.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      enter();
    });
    /** @param {unknown} condition @param {Node[]} controls */
    const show = (condition, ...controls) => condition && tools?.append(...controls);
    show(options.find, make("label", {}, "Find ", find));
    show(layers.length > 1, layer.label);
    show(options.later, family.label);
    show(true, ...filters.map((one) => one.label));
    show(options.later || sorting.select.length > 1, sorting.label);
    show(options.find, count, reset);
    return { apply, clear, alike, fill };
  };
})();
