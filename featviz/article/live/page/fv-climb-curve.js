// @ts-check
// The value over the steps of a climb, as it grows, above the build's own run of the same unit.
(() => {
  "use strict";
  const { make } = FV;
  const { shape } = FV;
  // Size of the drawing, and the room for numbers left and below, and to the edges.
  const WIDTH = 420, HEIGHT = 230, LEFT = 52, BELOW = 40, EDGE = 10;
  // Numbers along an axis, at most.
  const MOST = 5;

  /** Round values between two ends. @param {number} low @param {number} high */
  function ticks(low, high) {
    const least = (high - low) / MOST;
    const power = 10 ** Math.floor(Math.log10(least));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= least) ?? least;
    const first = Math.ceil(low / step);
    return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
  }

  /** @type {LivePage["curve"]} */
  LivePage.curve = (label) => {
    const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "fv-climb__plot", role: "img" });
    /** @param {number[]} values @param {number[]} build @param {number} steps */
    function draw(values, build, steps) {
      const every = [...values, ...build];
      const [low, high] = every.length ? [Math.min(0, ...every), Math.max(...every, 1e-3)] : [0, 1];
      const x = (/** @type {number} */ step) => LEFT + ((WIDTH - LEFT - EDGE) * step) / steps;
      const y = (/** @type {number} */ value) => HEIGHT - BELOW - ((HEIGHT - BELOW - EDGE) * (value - low)) / (high - low || 1);
      const line = (/** @type {number[]} */ run, /** @type {string} */ kind) =>
        shape("polyline", { class: kind, points: run.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`).join(" ") });
      const text = (/** @type {number} */ left, /** @type {number} */ top, /** @type {string} */ anchor, /** @type {string} */ words) =>
        shape("text", { x: left, y: top, "text-anchor": anchor }, words);
      /** @type {SVGElement[]} */
      const marks = [
        ...ticks(low, high).flatMap((value) => [
          shape("line", { class: "fv-climb__grid", x1: LEFT, x2: WIDTH - EDGE, y1: y(value), y2: y(value) }),
          text(LEFT - 6, y(value) + 4, "end", FV.number(value))]),
        ...ticks(0, steps).map((step) => text(x(step), HEIGHT - BELOW + 17, "middle", String(step))),
        text((LEFT + WIDTH) / 2, HEIGHT - 4, "middle", "step"),
        shape("text", { transform: `translate(12 ${(HEIGHT - BELOW) / 2}) rotate(-90)`, "text-anchor": "middle" }, label),
        line(build, "fv-climb__build"), line(values, "fv-climb__line"),
      ];
      const last = values.at(-1);
      if (last !== undefined)
        marks.push(shape("circle", { class: "fv-dot", r: 4.5, cx: x(values.length - 1), cy: y(last) }));
      svg.replaceChildren(...marks);
      svg.setAttribute("aria-label", last === undefined
        ? `${label} over ${steps} steps; nothing yet.`
        : `${label} over the steps: ${FV.number(values[0])} at first, ${FV.number(last)} at step ${values.length}.`);
    }
    return { element: make("div", { class: "fv-climb__curve" }, svg), draw };
  };
})();
