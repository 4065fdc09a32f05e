// @ts-check
// Images that move: featviz.images.pixels, .fourier and .natural, with gradients written out.

const TILE = 16;
const LOGIT_MARGIN = 1 / 512;
const REFERENCE_FREQUENCY = 1 / 16;
const SPECTRUM_GAIN = 0.25;
const EXPONENTS = [-1.18, -1.11, -0.93];
const AMPLITUDES = [4.17, 4.67, 4.19];
const COVARIANCE_ROOT = [[0.26, 0.09, 0.02], [0.27, 0.0, -0.05], [0.27, -0.09, 0.03]];
/** From decorrelated channels to red, green and blue, largest column of length 1. */
const COLORS = (() => {
  const lengths = [0, 1, 2].map((k) => Math.hypot(...COVARIANCE_ROOT.map((row) => row[k])));
  return COVARIANCE_ROOT.map((row) => row.map((one) => one / Math.max(...lengths)));
})();
const FROM_COLORS = inverse(COLORS);

/** @param {number[][]} matrix 3 x 3. */
function inverse([[a, b, c], [d, e, f], [g, h, i]]) {
  const [x, y, z] = [e * i - f * h, f * g - d * i, d * h - e * g];
  const whole = a * x + b * y + c * z;
  return [
    [x, c * h - b * i, b * f - c * e], [y, a * i - c * g, c * d - a * f],
    [z, b * g - a * h, a * e - b * d],
  ].map((row) => row.map((one) => one / whole));
}

/** @param {number[][]} matrix */
function transposed(matrix) {
  return matrix.map((_, i) => matrix.map((row) => row[i]));
}

/**
 * The product of a matrix with three planes. @param {number[][]} matrix
 * @param {Float64Array[]} planes
 */
function mix(matrix, [first, second, third]) {
  return matrix.map(([a, b, c]) => {
    const plane = new Float64Array(first.length);
    for (let i = 0; i < plane.length; i++) {
      plane[i] = a * first[i] + b * second[i] + c * third[i];
    }
    return plane;
  });
}

/** @param {number} logit */
function sigmoid(logit) {
  return 1 / (1 + Math.exp(-logit));
}

/**
 * A size in whole tiles, and what to start from. @param {number} height @param {number} width
 * @param {LiveImage | null} start @returns {Canvas}
 */
function canvasOf(height, width, start) {
  const [down, across] = [height, width].map((side) => Math.ceil(side / TILE) * TILE);
  return { height, width, down, across, start };
}

/**
 * The logits of what to start from, continued to whole tiles by the colors of its border.
 * @param {Canvas} canvas
 */
function startLogits({ height, width, down, across, start }) {
  const { pixels } = /** @type {LiveImage} */ (start);
  return [0, 1, 2].map((color) => Float64Array.from({ length: down * across }, (_, i) => {
    const y = Math.min(Math.floor(i / across), height - 1), x = Math.min(i % across, width - 1);
    const pixel = pixels[(color * height + y) * width + x];
    const inside = Math.min(Math.max(pixel, LOGIT_MARGIN), 1 - LOGIT_MARGIN);
    return Math.log(inside / (1 - inside));
  }));
}

/**
 * The image of logits, cut out of their tiles. @param {Float64Array[]} planes
 * @param {Canvas} canvas
 */
function squashed(planes, canvas) {
  const image = new Float32Array(3 * canvas.height * canvas.width);
  eachPixel(canvas, (i, color, at) => (image[i] = sigmoid(planes[color][at])));
  return image;
}

/**
 * The gradient of the logits from that of the image that `squashed` gave.
 * @param {Float32Array} gradient @param {Float32Array} image @param {Canvas} canvas
 */
function unsquashed(gradient, image, canvas) {
  const planes = [0, 1, 2].map(() => new Float64Array(canvas.down * canvas.across));
  eachPixel(canvas, (i, color, at) => {
    planes[color][at] = gradient[i] * image[i] * (1 - image[i]);
  });
  return planes;
}

/**
 * Goes through the numbers of an image, and their places on the tiles.
 * @param {Canvas} canvas @param {(i: number, color: number, at: number) => void} visit
 */
function eachPixel({ height, width, across }, visit) {
  let i = 0;
  for (let color = 0; color < 3; color++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) visit(i++, color, y * across + x);
    }
  }
}

/** Logits of pixels. @implements {Moving} */
class PixelImage {
  /** @param {(count: number) => Float32Array} noise @param {Canvas} canvas */
  constructor(noise, canvas) {
    this.canvas = canvas;
    this.plane = canvas.down * canvas.across;
    this.parameters = new Float32Array(3 * this.plane);
    const drawn = noise(this.parameters.length);
    if (canvas.start) {
      startLogits(canvas).forEach((logits, k) => this.parameters.set(logits, k * this.plane));
    } else this.parameters.set(drawn.map((number) => 0.01 * number));
    this.image = new Float32Array(0);
  }

  forward() {
    const planes = [0, 1, 2].map((k) =>
      new Float64Array(this.parameters.subarray(k * this.plane, (k + 1) * this.plane)));
    return (this.image = squashed(planes, this.canvas));
  }

  /** @param {Float32Array} gradient */
  backward(gradient) {
    const result = new Float32Array(this.parameters.length);
    const planes = unsquashed(gradient, this.image, this.canvas);
    planes.forEach((plane, k) => result.set(plane, k * this.plane));
    return result;
  }

  amplify() {}
}

/**
 * Coefficients to start from: noise, of which none is drawn where there is an image.
 * @param {(count: number) => Float32Array} noise @param {Canvas} canvas
 * @param {number} deviation
 */
function firstNoise(noise, { down, across, start }, deviation) {
  const count = 3 * down * (across / 2 + 1) * 2;
  return start ? new Float32Array(count) : noise(count).map((number) => deviation * number);
}

/** Scaled coefficients of a real Fourier transform, in decorrelated colors. @implements {Moving} */
class SpectrumImage {
  /**
   * @param {Canvas} canvas @param {Float64Array[]} scale Of the coefficients of each channel.
   * @param {Float32Array} noise What to start from without an image.
   * @param {number} norm Factor of the inverse transform: 1 without a norm of its own.
   */
  constructor(canvas, scale, noise, norm) {
    this.canvas = canvas;
    this.scale = scale;
    this.norm = norm;
    this.size = scale[0].length * 2;
    this.parameters = noise;
    if (canvas.start) {
      const channels = mix(FROM_COLORS, startLogits(canvas));
      const { down, across } = canvas, count = down * across;
      channels.forEach((channel, k) => realTransform(channel, down, across).forEach((value, i) => {
        this.parameters[k * this.size + i] = value / (count * norm * scale[k][i >> 1]);
      }));
    }
    this.image = new Float32Array(0);
  }

  /** The spectrum of one channel. @param {number} channel */
  spectrum(channel) {
    const scale = this.scale[channel];
    const start = channel * this.size;
    const own = new Float64Array(this.parameters.subarray(start, start + this.size));
    for (let i = 0; i < own.length; i++) own[i] *= scale[i >> 1];
    return own;
  }

  forward() {
    const { down, across } = this.canvas;
    const channels = [0, 1, 2].map((k) =>
      inverseTransform(this.spectrum(k), down, across).map((value) => value * this.norm));
    return (this.image = squashed(mix(COLORS, channels), this.canvas));
  }

  /** @param {Float32Array} gradient */
  backward(gradient) {
    const { down, across } = this.canvas, bins = across / 2 + 1;
    const result = new Float32Array(this.parameters.length);
    const channels = mix(transposed(COLORS), unsquashed(gradient, this.image, this.canvas));
    channels.forEach((channel, k) => realTransform(channel, down, across).forEach((value, i) => {
      const bin = (i >> 1) % bins;
      // What the half of a spectrum leaves out counts where it is left out.
      const times = bin === 0 || bin === bins - 1 ? 1 : 2;
      result[k * this.size + i] = times * this.norm * this.scale[k][i >> 1] * value;
    }));
    return result;
  }

  amplify() {}
}

/**
 * featviz.images.fourier.Fourier(). @param {(count: number) => Float32Array} noise
 * @param {Canvas} canvas
 */
function fourierImage(noise, canvas) {
  const { down, across } = canvas, decay = 1.25;
  const gain = SPECTRUM_GAIN * REFERENCE_FREQUENCY ** (decay - 1) / Math.sqrt(down * across);
  const scale = radialFrequencies(down, across).map((frequency) =>
    gain * Math.max(frequency, 1 / Math.max(down, across)) ** -decay);
  return new SpectrumImage(canvas, [scale, scale, scale], firstNoise(noise, canvas, 0.01), 1);
}

/** featviz.images.natural.Natural. */
class NaturalImage extends SpectrumImage {
  /**
   * @param {(count: number) => Float32Array} noise @param {Canvas} canvas
   * @param {number} energy @param {number} deviation Of the noise.
   */
  constructor(noise, canvas, energy, deviation) {
    const { down, across } = canvas;
    const frequencies = radialFrequencies(down, across);
    const scale = EXPONENTS.map((exponent, k) => frequencies.map((frequency) => {
      const clamped = Math.max(frequency, 1 / Math.max(down, across));
      const law = AMPLITUDES[k] * (clamped / REFERENCE_FREQUENCY) ** exponent;
      return Math.sqrt(energy) * law;
    }));
    super(canvas, scale, firstNoise(noise, canvas, deviation), 1 / Math.sqrt(down * across));
    // The mean is a group of its own; octaves are counted from the lowest.
    const numbers = frequencies.map((frequency) =>
      Math.min(Math.floor(Math.log2(2 * frequency) + 1e-6), -1));
    const lowest = Math.min(...numbers.filter(Number.isFinite));
    this.octaves = Int32Array.from(numbers, (number) => Math.max(number - lowest + 1, 0));
    // A coefficient's energy is the sum of the squares of two parts, half of the law's each.
    this.limits = this.energies((k, i) => scale[k][i] ** 2);
    if (canvas.start) {
      const own = this.energies((k, i) => this.power(k, i));
      this.limits = this.limits.map((limit, i) => Math.max(limit, own[i]));
    }
  }

  /** The energy of one coefficient. @param {number} channel @param {number} i */
  power(channel, i) {
    const at = channel * this.size + 2 * i;
    return (this.parameters[at] ** 2 + this.parameters[at + 1] ** 2) * this.scale[channel][i] ** 2;
  }

  /** Energies of all octaves. @param {(channel: number, i: number) => number} power */
  energies(power) {
    const bins = this.canvas.across / 2 + 1;
    const energies = new Float64Array(Math.max(...this.octaves) + 1);
    for (let k = 0; k < 3; k++) {
      this.octaves.forEach((octave, i) => {
        const bin = i % bins;
        energies[octave] += (bin === 0 || bin === bins - 1 ? 1 : 2) * power(k, i);
      });
    }
    return energies;
  }

  /** Projects the parameters under the bound first. */
  forward() {
    const energies = this.energies((k, i) => this.power(k, i));
    const factors = energies.map((energy, i) => Math.min(1, Math.sqrt(this.limits[i] / energy)));
    if (factors.some((factor) => factor < 1)) {
      for (let i = 0; i < this.parameters.length; i++) {
        this.parameters[i] *= factors[this.octaves[(i >> 1) % this.octaves.length]];
      }
    }
    return super.forward();
  }

  /** Wakes an image of noise to which no unit answers; a photograph is not to be made louder. */
  amplify() {
    if (!this.canvas.start) this.parameters.forEach((value, i) => (this.parameters[i] = 2 * value));
  }
}
