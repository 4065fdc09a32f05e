// @ts-check
// Pixels as featviz.photos makes them: by Pillow, and reduced by torch's antialiased triangle.

/** As in featviz.photos: shortest side, longest side that Python goes through, most pixels. */
const MIN_SIDE = 64, MAX_SIDE = 2048, MAX_PIXELS = 100e6;
/** Rows of a photograph that are read at a time, which bounds what reading an upright one takes beside it. */
const STRIP = 128;

/**
 * Reads a picture and fits it to a square. @param {Blob | ImageData} source @param {number} side
 * @returns {Promise<LiveImage>}
 */
async function readPhoto(source, side) {
  /** @type {ImageBitmap} */
  let bitmap;
  try {
    bitmap = await decoded(source);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    throw new Error("This file is damaged, or no picture that this browser can read.");
  }
  try {
    return fitted(bitmap, side);
  } finally {
    bitmap.close();
  }
}

/** Says why a picture of a size won't do, if so. @param {number} width @param {number} height */
function checkSize(width, height) {
  if (width * height > MAX_PIXELS) {
    throw new Error(
      `This picture of ${width} x ${height} pixels is too large; save it with at most ` +
        `${MAX_PIXELS / 1e6} million pixels.`);
  }
  if (Math.min(width, height) * Math.min(1, MAX_SIDE / Math.max(width, height)) < MIN_SIDE) {
    throw new Error(
      `This picture of ${width} x ${height} pixels is too small or too narrow; its shorter side ` +
        `needs ${MIN_SIDE} pixels once the longer one is at most ${MAX_SIDE}.`);
  }
}

/**
 * As featviz.photos.fit: the shorter side is resized, the middle square cut out.
 * @param {ImageBitmap} bitmap @param {number} side
 */
function fitted(bitmap, side) {
  const { width, height } = bitmap;
  checkSize(width, height);
  const short = Math.min(width, height);
  const [columns, rows] = [width, height].map((length) =>
    taps(length, Math.floor((side * length) / short), side));
  const pixels = new Float32Array(3 * side * side);
  const end = Math.max(...rows.map(({ first, weights }) => first + weights.length));
  let active = 0;
  for (let top = rows[0].first; top < end; top += STRIP) {
    const bytes = strip(bitmap, top, Math.min(STRIP, end - top));
    for (let y = top; y < Math.min(top + STRIP, end); y++) {
      const row = reduced(bytes, (y - top) * width * 4, columns);
      while (rows[active].first + rows[active].weights.length <= y) active++;
      for (let i = active; i < side && rows[i].first <= y; i++) {
        const weight = rows[i].weights[y - rows[i].first] ?? 0;
        for (let color = 0; color < 3; color++) {
          const to = (color * side + i) * side, from = color * side;
          for (let k = 0; k < side; k++) pixels[to + k] += weight * row[from + k];
        }
      }
    }
  }
  return { pixels: pixels.map((value) => Math.min(Math.max(value, 0), 1)), height: side, width: side };
}

/**
 * Rows of a picture on white, as RGBA bytes. @param {ImageBitmap} bitmap @param {number} top
 * @param {number} count
 */
function strip(bitmap, top, count) {
  const canvas = new OffscreenCanvas(bitmap.width, count);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("This browser has no memory left for this picture.");
  context.fillStyle = "white";
  context.fillRect(0, 0, bitmap.width, count);
  context.drawImage(bitmap, 0, -top);
  return context.getImageData(0, 0, bitmap.width, count).data;
}

/**
 * One row, reduced: (3, columns). @param {Uint8ClampedArray} bytes @param {number} start
 * @param {{ first: number, weights: Float64Array }[]} columns
 */
function reduced(bytes, start, columns) {
  const row = new Float64Array(3 * columns.length);
  columns.forEach(({ first, weights }, i) => {
    let red = 0, green = 0, blue = 0;
    for (let k = 0; k < weights.length; k++) {
      const at = start + 4 * (first + k), weight = weights[k] / 255;
      red += weight * bytes[at];
      green += weight * bytes[at + 1];
      blue += weight * bytes[at + 2];
    }
    row[i] = red;
    row[columns.length + i] = green;
    row[2 * columns.length + i] = blue;
  });
  return row;
}

/**
 * What the middle of a resized line reads of the whole one: torch's interpolate with mode
 * "bilinear" and antialias, whose triangle is as wide as a pixel of the smaller line.
 * @param {number} length Of the whole line. @param {number} target Of the resized one.
 * @param {number} side How much of it is read.
 */
function taps(length, target, side) {
  const scale = length / target, support = Math.max(scale, 1);
  const offset = evenRound((target - side) / 2);
  return Array.from({ length: side }, (_, i) => {
    const center = scale * (i + offset + 0.5);
    const first = Math.max(Math.floor(center - support + 0.5), 0);
    const end = Math.min(Math.floor(center + support + 0.5), length);
    const weights = Float64Array.from({ length: end - first }, (_, k) =>
      Math.max(0, 1 - Math.abs((first + k + 0.5 - center) / support)));
    const whole = weights.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: weights.map((weight) => weight / whole) };
  });
}

/** Rounds as Python does: halves to even. @param {number} value */
function evenRound(value) {
  return value % 1 === 0.5 ? 2 * Math.round(value / 2) : Math.round(value);
}
