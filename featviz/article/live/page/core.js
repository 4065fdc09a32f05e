// @ts-check
// What the figures on the reader's photo share: the network, and what its values are compared with.
(() => {
  "use strict";

  /** @type {Promise<LiveTrunk> | undefined} */
  let opening;

  /** @type {LivePage["open"]} */
  async function open(tell) {
    if (!opening) tell("Loading AlexNet: 2.8 MB from this folder\u2026");
    opening ??= FeatvizLive.open(""); // the page lies at the root of the site
    try {
      return await opening;
    } catch (error) {
      opening = undefined; // so that it can be tried again
      throw error;
    }
  }

  /** @type {LivePage["sentence"]} */
  const sentence = (error) => (error instanceof Error ? error.message : String(error));

  /** @type {LivePage["file"]} */
  const file = (base64) =>
    new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], { type: "image/webp" });

  /** @type {LivePage["signed"]} */
  const signed = (value) => `${value < 0 ? "\u2212" : "+"}${Math.abs(value).toFixed(1)}`;

  /** @type {LivePage["scores"]} */
  function scores({ data, units, height, width }, usual, at) {
    const places = height * width;
    return Float32Array.from({ length: units }, (_, unit) => {
      if (at !== null) return (data[unit * places + at] - usual.mean[unit]) / usual.place[unit];
      let sum = 0;
      for (let i = unit * places; i < (unit + 1) * places; i++) sum += data[i];
      return (sum / places - usual.mean[unit]) / usual.photo[unit];
    });
  }

  /** @type {LivePage["strongest"]} */
  const strongest = (layer, values, count) =>
    Array.from(values, (score, unit) => ({ layer, unit, score, after: null }))
      .sort((a, b) => b.score - a.score)
      .slice(0, count);

  /** How far the units are above what is usual at each place, in the mean. @type {LivePage["layerMap"]} */
  function layerMap({ data, units, height, width }, usual, { start, stride }) {
    const places = height * width;
    const values = new Float32Array(places);
    for (let unit = 0; unit < units; unit++)
      for (let i = 0; i < places; i++)
        values[i] += Math.max(0, data[unit * places + i] - usual.mean[unit]) / usual.place[unit] / units;
    // The least of it is everywhere, and says nothing.
    const least = values.reduce((a, b) => Math.min(a, b));
    return { values: values.map((value) => value - least), height, width, start, stride };
  }

  /** What a unit hands on: its values behind the ReLU. @type {LivePage["unitMap"]} */
  function unitMap({ data, height, width }, unit, { start, stride }) {
    const places = height * width;
    const values = data.slice(unit * places, (unit + 1) * places).map((value) => Math.max(0, value));
    return { values, height, width, start, stride };
  }

  // Pixels to either side over which the magnitudes of a gradient are averaged, and how often: single
  // pixels of it flicker, and are not what one looks for.
  const SMOOTH = 4, TIMES = 2;

  /** Where a change of the photo would move the unit most. @type {LivePage["causeMap"]} */
  function causeMap(gradient, side) {
    let values = new Float32Array(side * side);
    gradient.forEach((slope, i) => (values[i % values.length] += Math.abs(slope)));
    for (let i = 0; i < TIMES; i++) values = average(average(values, side, 1, side), side, side, 1);
    return { values, height: side, width: side, start: 0.5, stride: 1 };
  }

  /** A moving mean along rows or columns.
   * @param {Float32Array} values @param {number} side @param {number} step @param {number} line */
  function average(values, side, step, line) {
    const means = new Float32Array(values.length);
    for (let a = 0; a < side; a++) {
      for (let b = 0; b < side; b++) {
        const [low, high] = [Math.max(0, b - SMOOTH), Math.min(side - 1, b + SMOOTH)];
        let sum = 0;
        for (let i = low; i <= high; i++) sum += values[a * line + i * step];
        means[a * line + b * step] = sum / (high - low + 1);
      }
    }
    return means;
  }

  /** @type {LivePage["place"]} */
  function place({ start, stride }, { height, width }, [x, y]) {
    const near = (/** @type {number} */ at, /** @type {number} */ count) =>
      Math.min(count - 1, Math.max(0, Math.round((at - start) / stride)));
    return [near(y, height), near(x, width)];
  }

  // Opacity of the map where it is strongest, and the share from which on it shows: as figures' overlays have it.
  const TOP = 0.85, FROM = 0.25;

  /** A map as a small picture with transparency, one pixel more on each side.
   * @param {PhotoMap} map @param {[number, number, number][]} colors */
  function tint({ values, height, width }, colors) {
    const top = values.reduce((a, b) => Math.max(a, b), 0) || 1;
    const picture = new ImageData(width + 2, height + 2);
    for (let y = 0; y < height + 2; y++) {
      for (let x = 0; x < width + 2; x++) {
        const [row, column] = [Math.min(height, Math.max(1, y)) - 1, Math.min(width, Math.max(1, x)) - 1];
        const share = values[row * width + column] / top;
        const at = Math.min(colors.length - 1, share * (colors.length - 1));
        const [low, high, part] = [colors[Math.floor(at)], colors[Math.ceil(at)], at % 1];
        const color = low.map((c, i) => c + (high[i] - c) * part);
        picture.data.set([...color, 255 * TOP * Math.max(0, (share - FROM) / (1 - FROM))], 4 * (y * (width + 2) + x));
      }
    }
    const small = document.createElement("canvas");
    [small.width, small.height] = [width + 2, height + 2];
    small.getContext("2d")?.putImageData(picture, 0, 0);
    return small;
  }

  /** @type {LivePage["cover"]} */
  function cover(context, map, colors, side) {
    const small = tint(map, colors);
    const scale = context.canvas.width / side;
    const from = (map.start - 1.5 * map.stride) * scale;
    context.drawImage(small, from, from, small.width * map.stride * scale, small.height * map.stride * scale);
  }

  /** @type {LivePage["canvas"]} */
  function canvas(side) {
    const node = document.createElement("canvas");
    node.width = node.height = side;
    const context = node.getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("This browser gives the page no canvas to draw on.");
    context.imageSmoothingQuality = "high";
    return [node, context];
  }

  /** @type {Partial<LivePage>} */
  const page = {
    open, sentence, file, signed, scores, strongest, layerMap, unitMap, causeMap, place, cover, canvas,
    source: null,
  };
  window.LivePage = /** @type {LivePage} */ (page);
})();
