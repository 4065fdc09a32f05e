// @ts-check
// Fourier transforms of three planes whose sides are whole tiles, so that their factors are small.

/** @param {number} size @returns {number[]} */
function factors(size) {
  for (let factor = 2; factor < size; factor++) {
    if (size % factor === 0) return [factor, ...factors(size / factor)];
  }
  return size > 1 ? [size] : [];
}

/**
 * Transforms the columns of (size, width) complex numbers at once: a self-sorting decimation in
 * time, factor by factor. Source: C. Van Loan, "Computational Frameworks for the Fast Fourier
 * Transform", 1992, section 1.7 (Stockham).
 * @param {Float64Array} re @param {Float64Array} im Both are overwritten.
 * @param {number} size @param {number} width @param {number} sign -1, or 1 for the inverse.
 * @returns {[Float64Array, Float64Array]}
 */
function transform(re, im, size, width, sign) {
  /** @type {[Float64Array, Float64Array]} */
  let to = [new Float64Array(re.length), new Float64Array(im.length)];
  let done = 1;
  for (const factor of factors(size)) {
    const run = (size / (done * factor)) * width;
    for (let out = 0; out < done * factor; out++) {
      const start = out * run, first = (out % done) * factor * run;
      to[0].set(re.subarray(first, first + run), start);
      to[1].set(im.subarray(first, first + run), start);
      for (let part = 1; part < factor; part++) {
        const angle = (sign * 2 * Math.PI * ((part * out) % (done * factor))) / (done * factor);
        const from = first + part * run;
        add(to[0], to[1], start, re, im, from, run, Math.cos(angle), Math.sin(angle));
      }
    }
    [[re, im], to] = [to, [re, im]];
    done *= factor;
  }
  return [re, im];
}

/**
 * Adds a run of complex numbers, times one.
 * @param {Float64Array} toRe @param {Float64Array} toIm @param {number} to
 * @param {Float64Array} re @param {Float64Array} im @param {number} from @param {number} count
 * @param {number} cos @param {number} sin
 */
function add(toRe, toIm, to, re, im, from, count, cos, sin) {
  for (let i = 0; i < count; i++) {
    const a = re[from + i], b = im[from + i];
    toRe[to + i] += a * cos - b * sin;
    toIm[to + i] += a * sin + b * cos;
  }
}

/**
 * As torch.fft.rfft2 with norm="backward": (height, width) to (height, width / 2 + 1, 2). Two rows
 * are transformed as one, the second as its imaginary part.
 * @param {Float64Array} plane @param {number} height Even. @param {number} width Even.
 */
function realTransform(plane, height, width) {
  const half = height / 2, bins = width / 2 + 1;
  /** @type {[Float64Array, Float64Array]} */
  let rows = [new Float64Array(half * width), new Float64Array(half * width)];
  for (let y = 0; y < half; y++) {
    for (let x = 0; x < width; x++) {
      rows[0][x * half + y] = plane[y * width + x];
      rows[1][x * half + y] = plane[(y + half) * width + x];
    }
  }
  rows = transform(...rows, width, half, -1);
  const re = new Float64Array(height * bins), im = new Float64Array(height * bins);
  for (let x = 0; x < bins; x++) {
    for (let y = 0; y < half; y++) {
      const at = x * half + y, mirror = ((width - x) % width) * half + y;
      const first = y * bins + x, second = (y + half) * bins + x;
      re[first] = (rows[0][at] + rows[0][mirror]) / 2;
      im[first] = (rows[1][at] - rows[1][mirror]) / 2;
      re[second] = (rows[1][at] + rows[1][mirror]) / 2;
      im[second] = (rows[0][mirror] - rows[0][at]) / 2;
    }
  }
  return interleave(...transform(re, im, height, bins, -1));
}

/**
 * As torch.fft.irfft2 with norm="forward", the adjoint but for weights of 2:
 * (height, width / 2 + 1, 2) to (height, width).
 * @param {Float64Array} spectrum @param {number} height Even. @param {number} width Even.
 */
function inverseTransform(spectrum, height, width) {
  const half = height / 2, bins = width / 2 + 1;
  /** @type {[Float64Array, Float64Array]} */
  let [re, im] = [new Float64Array(height * bins), new Float64Array(height * bins)];
  for (let i = 0; i < re.length; i++) [re[i], im[i]] = [spectrum[2 * i], spectrum[2 * i + 1]];
  [re, im] = transform(re, im, height, bins, 1);
  /** @type {[Float64Array, Float64Array]} */
  let rows = [new Float64Array(half * width), new Float64Array(half * width)];
  for (let x = 0; x < bins; x++) {
    const edge = x === 0 || x === width / 2; // Their imaginary parts add nothing to real numbers.
    for (let y = 0; y < half; y++) {
      const first = y * bins + x, second = (y + half) * bins + x;
      const [a, b] = [re[first], edge ? 0 : im[first]], [c, d] = [re[second], edge ? 0 : im[second]];
      const at = x * half + y;
      [rows[0][at], rows[1][at]] = [a - d, b + c];
      if (!edge) {
        const mirror = (width - x) * half + y;
        [rows[0][mirror], rows[1][mirror]] = [a + d, c - b];
      }
    }
  }
  rows = transform(...rows, width, half, 1);
  const plane = new Float64Array(height * width);
  for (let y = 0; y < half; y++) {
    for (let x = 0; x < width; x++) {
      plane[y * width + x] = rows[0][x * half + y];
      plane[(y + half) * width + x] = rows[1][x * half + y];
    }
  }
  return plane;
}

/** @param {Float64Array} re @param {Float64Array} im */
function interleave(re, im) {
  const pairs = new Float64Array(2 * re.length);
  for (let i = 0; i < re.length; i++) [pairs[2 * i], pairs[2 * i + 1]] = [re[i], im[i]];
  return pairs;
}

/**
 * The frequency of each coefficient in cycles per pixel, as featviz's radial_frequencies.
 * @param {number} height @param {number} width
 */
function radialFrequencies(height, width) {
  const bins = width / 2 + 1;
  return Float64Array.from({ length: height * bins }, (_, i) => {
    const y = Math.floor(i / bins);
    return Math.hypot((y < height / 2 ? y : y - height) / height, (i % bins) / width);
  });
}
