// @ts-check
// The microscope's filters: which units are shown, and in what order.
(() => {
  "use strict";
  const { make } = FV;

  /** `changed` is told what is left, in order; `enter` takes the first of it. */
  FV.microscopeFilter = (tools, data, units, byId, changed, enter) => {
    const count = make("output", { class: "fv-micro__count" });
    const find = make("input", {
      type: "search", class: "fv-find", placeholder: units[units.length - 1].label, input: apply,
    });
    /** @param {string} label @param {[string, string][]} options */
    function pick(label, options) {
      const select = make("select", { class: "fv-select", change: apply },
        ...options.map(([value, name]) => make("option", { value }, name)));
      return { label: make("label", {}, `${label} `, select), select };
    }
    /** @param {string} none @param {string[]} names @returns {[string, string][]} */
    const offered = (none, names) => [["", none], .../** @type {[string, string][]} */ (names.map((n) => [n, n]))];
    const layer = pick("Layer", offered("all", data.layers.map((l) => l.name)));
    const family = pick("Family", offered("any", []));
    const sorting = pick("Sort by", offered("number", []));
    const filters = Object.entries(data.filters).map(([name, choices]) => ({
      ...pick(name, offered("any", choices.map((c) => c.label))), choices,
    }));
    const reset = make("button", { type: "button", class: "fv-button fv-micro__reset", click: () => (clear(), find.focus()) }, "Show all");
    /** @type {Set<Unit> | null} */
    let kin = null;
    let order = "";

    /** @param {Unit} unit @param {string} words */
    function named(unit, words) {
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
      if (words && !named(unit, words)) return false;
      return filters.every(({ select, choices }) => {
        const choice = choices.find((c) => c.label === select.value);
        return !choice || passes(unit, choice);
      });
    }
    function apply() {
      const words = find.value.trim().toLowerCase();
      sort();
      const exact = units.filter((unit) => unit.label.toLowerCase() === words);
      const found = new Set(exact.length ? exact : units.filter((unit) => matches(unit, words)));
      for (const unit of units) unit.tile.hidden = !found.has(unit);
      for (const one of data.layers)
        one.section.hidden = !units.some((unit) => unit.layer === one && found.has(unit));
      const shown = data.layers.flatMap((one) =>
        [...one.board.children].flatMap((tile) => byId.get(tile.id) ?? []).filter((unit) => found.has(unit)));
      const written = (/** @type {Unit[]} */ list) => list.length.toLocaleString("en-US");
      count.textContent = shown.length ? `${written(shown)} of ${written(units)} units` : missing(words);
      reset.hidden = shown.length === units.length;
      changed(shown);
    }
    /** Why nothing is shown. @param {string} words */
    function missing(words) {
      const one = data.layers.find((each) => words.startsWith(`${each.name.toLowerCase()}:`));
      if (!one) return "No unit fits: show all.";
      const last = units.filter((unit) => unit.layer === one).length - 1;
      return `No such unit here: ${one.name} has units 0 to ${last}.`;
    }
    function sort() {
      if (order === sorting.select.value) return;
      order = sorting.select.value;
      for (const one of data.layers) {
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
      const like = unit.layer.data.kin[unit.row];
      kin = new Set([unit, ...like.flatMap((i) => byId.get(FV.slug(`${unit.layer.name}:${i}`)) ?? [])]);
      apply();
    }
    /** Offer what the units' data name, now that it is there. */
    function fill() {
      const kinds = data.layers.flatMap((one) => one.data.families);
      const measures = data.layers.flatMap((one) => Object.keys(one.data.values));
      family.select.append(...[...new Set(kinds)].map((value) => make("option", { value }, value)));
      sorting.select.append(...[...new Set(measures)].map((value) => make("option", { value }, value)));
    }
    find.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      enter();
    });
    tools.append(make("label", {}, "Find ", find), layer.label, family.label,
      ...filters.map((one) => one.label), sorting.label, count, reset);
    return { apply, clear, alike, fill };
  };
})();
