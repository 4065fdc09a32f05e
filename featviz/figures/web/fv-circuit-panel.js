// @ts-check
// The circuit's panel: the kernels of the unit looked at, to what it reads and what reads it.
(() => {
  "use strict";
  const { make } = FV;

  FV.circuitPanel = (host, panel, data, picture) => {
    /** @type {Map<string, Promise<any>>} */
    const parts = new Map();
    let turn = 0;
    panel.setAttribute("aria-live", "polite");

    /** A part of the data, asked for once. @param {string} name @returns {Promise<any>} */
    function part(name) {
      const there = parts.get(name) ?? FV.part(host, name);
      parts.set(name, there);
      return there;
    }
    const read = new WeakMap();
    /** @param {PackedKernels} packed @returns {(index: number) => CircuitKernel} */
    function kernelsOf(packed) {
      if (!read.has(packed)) read.set(packed, FV.circuitKernels(packed));
      return read.get(packed);
    }

    /** Draw a kernel: warm where it excites, blue where it inhibits, empty where it is 0.
     * @param {CircuitKernel} kernel @param {number} top @param {string} name */
    function drawing({ width, height, values }, top, name) {
      const canvas = make("canvas", { width, height, class: "fv-circuit__kernel fv-pixels", role: "img", "aria-label": name });
      const pen = canvas.getContext("2d"), style = getComputedStyle(panel);
      const [up, down] = ["--fv-up", "--fv-down"].map((color) => style.getPropertyValue(color));
      values.forEach((value, i) => {
        if (!pen) return;
        pen.globalAlpha = Math.min(1, Math.abs(value) / (top || 1));
        pen.fillStyle = value > 0 ? up : down;
        pen.fillRect(i % width, Math.floor(i / width), 1, 1);
      });
      return canvas;
    }
    const signed = (/** @type {number} */ value) => (value > 0 ? "+" : "") + FV.number(value);
    const legend = (/** @type {number} */ top) =>
      make("span", { class: "fv-circuit__scale" }, signed(-top), make("i"), signed(top));

    /** Lines as kernels beside each other, on one scale. @param {string} title @param {CircuitLine[]} lines
     * @param {"from" | "to"} end @param {PackedKernels | null} packed @param {CircuitLine} [only] */
    function row(title, lines, end, packed, only) {
      if (!lines.length || !packed) return [];
      const at = kernelsOf(packed);
      const shown = lines.map((line) => at(line.at));
      const top = Math.max(...shown.map((kernel) => kernel.top));
      return [make("div", { class: "fv-circuit__group" },
        make("p", {}, make("b", {}, title), legend(top)),
        make("div", { class: "fv-circuit__row" }, ...lines.map((line, i) =>
          make("div", { class: `fv-circuit__cell${line === only ? " fv-on" : ""}` },
            drawing(shown[i], top, `Kernel from ${line.from.label} to ${line.to.label}`),
            picture(line[end]),
            make("span", {}, String(line[end].index)),
            make("span", { class: `fv-number fv-circuit__kind fv-circuit__kind--${line.weight < 0 ? "down" : "up"}` }, signed(line.weight))))))];
    }
    /** How a unit counts for the root through all that lies between.
     * @param {CircuitGraph} graph @param {CircuitUnit} unit @param {PackedKernels | null} packed */
    function far({ root, columns }, unit, packed) {
      if (!packed) return [];
      const place = columns[unit.layer].indexOf(unit);
      const kernel = kernelsOf(packed)(root.index * columns[unit.layer].length + place);
      return [make("div", { class: "fv-circuit__group fv-circuit__group--far" },
        drawing(kernel, kernel.top, `Expanded weights from ${unit.label} to ${root.label}`),
        make("p", {}, make("b", {}, `To ${root.label}, through all between`), legend(kernel.top)))];
    }
    /** @param {CircuitGraph} graph @param {CircuitUnit} unit @param {CircuitLine} [only] */
    async function show(graph, unit, only) {
      const mine = (turn += 1);
      const { sees } = data.layers[unit.layer], share = graph.share(unit);
      const adds = share === undefined ? "" : `adds ${signed(Math.round(1000 * share) / 10)}% to ${graph.root.label}`;
      const before = data.layers[unit.layer - 1], after = data.layers[unit.layer + 1];
      const distant = unit.layer < graph.root.layer - 1;
      const [own, above, through] = await Promise.all([
        part(data.layers[unit.layer].part), after ? part(after.part) : null,
        distant ? part(`${data.layers[graph.root.layer].part}-through`) : [],
      ]);
      if (mine !== turn) return; // another has been looked at
      const strongest = (/** @type {"from" | "to"} */ end) =>
        graph.lines.filter((line) => line[end] === unit).sort((a, b) => b.weight - a.weight);
      panel.replaceChildren(
        make("div", { class: "fv-circuit__head" }, picture(unit),
          make("p", {}, make("strong", {}, unit.label), make("span", {}, `sees ${sees} px`), make("span", {}, adds),
            ...(unit === graph.root ? [] : [make("a", { href: `#${unit.id}` }, "its circuit")]),
            ...(data.link ? [make("a", { href: `${data.link}#${unit.id}` }, "all its views")] : []))),
        ...(before ? row(`Reads, in ${before.name}`, strongest("to"), "from", own, only) : []),
        ...(above ? row(`Read by, in ${after.name}`, strongest("from"), "to", above, only) : []),
        ...far(graph, unit, through[unit.layer]));
      panel.dataset.of = unit.id;
    }
    return { show };
  };
})();
