// @ts-check
// The circuits of all units: which units are drawn for a root, and which lines join them.
(() => {
  "use strict";

  const bytes = (/** @type {string} */ text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const whole = (/** @type {string} */ text) => new Uint16Array(bytes(text).buffer);

  /** Kernels as Python packs them: whole numbers, shares of the largest of each. */
  FV.circuitKernels = ({ size: [height, width], levels, tops }) => {
    const values = new Int8Array(bytes(levels).buffer), largest = new Float32Array(bytes(tops).buffer);
    const count = height * width;
    return (index) => ({
      height, width, top: largest[index],
      values: Array.from(values.subarray(index * count, (index + 1) * count), (level) => (level / 127) * largest[index]),
    });
  };

  FV.circuits = ({ layers, rows }) => {
    /** @type {Map<string, CircuitUnit>} */
    const byId = new Map();
    const units = layers.map(({ name, units: count }, layer) =>
      Array.from({ length: count }, (_, index) => {
        const label = `${name}:${index}`;
        const unit = { layer, index, label, id: FV.slug(label) };
        byId.set(unit.id, unit);
        return unit;
      }));
    const tables = layers.map(({ circuit, shares, readers, pairs, weights, scale }) => {
      const keys = whole(pairs ?? ""), sums = new Int16Array(bytes(weights ?? "").buffer);
      /** @type {Map<number, number>} */
      const places = new Map();
      sums.forEach((_, at) => places.set(keys[2 * at] * 65536 + keys[2 * at + 1], at));
      const parts = (shares ?? []).map((part) => new Int16Array(bytes(part).buffer));
      return { circuit: (circuit ?? []).map(whole), parts, readers: whole(readers ?? ""), places, sums, scale: scale ?? 0 };
    });

    /** A row of a table of units. @param {Uint16Array} table @param {CircuitUnit} unit @param {number} layer */
    function row(table, unit, layer) {
      const k = table.length / layers[unit.layer].units;
      return Array.from(table.subarray(unit.index * k, (unit.index + 1) * k), (index) => units[layer][index]);
    }
    /** @param {CircuitUnit} root @returns {CircuitGraph} */
    function graph(root) {
      /** @type {CircuitUnit[][]} */
      const columns = [];
      columns[root.layer] = [root];
      tables[root.layer].circuit.forEach((table, layer) => (columns[layer] = row(table, root, layer)));
      if (root.layer + 1 < layers.length)
        columns[root.layer + 1] = row(tables[root.layer].readers, root, root.layer + 1);
      /** @type {CircuitLine[]} */
      const lines = [];
      columns.forEach((column, layer) => {
        const before = columns[layer - 1] ?? [], { places, sums, scale } = tables[layer];
        const joined = column.flatMap((to) => before.map((from) => {
          const at = places.get(to.index * 65536 + from.index) ?? -1;
          return { to, from, at, weight: (sums[at] ?? 0) * scale, share: 0 };
        }));
        const top = Math.max(...joined.map((line) => Math.abs(line.weight))) || 1;
        for (const line of joined) line.share = Math.abs(line.weight) / top;
        lines.push(...joined);
      });
      const share = (/** @type {CircuitUnit} */ unit) => {
        const part = tables[root.layer].parts[unit.layer], at = columns[unit.layer].indexOf(unit);
        return part ? part[root.index * columns[unit.layer].length + at] / 1000 : undefined;
      };
      lines.sort((a, b) => b.share - a.share);
      return {
        root, columns, lines, share,
        place: (unit) => {
          const column = columns[unit.layer];
          return [layers.length - 1 - unit.layer, (rows - column.length + 1) / 2 + column.indexOf(unit)];
        },
      };
    }
    const everything = units.flat();
    return {
      graph,
      unit: (id) => byId.get(id),
      any: () => everything[Math.floor(Math.random() * everything.length)],
    };
  };
})();
