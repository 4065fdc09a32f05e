// @ts-check
// AlexNet's trunk: values and gradients, by the kernels of wasm/trunk.ts.

/** @type {readonly Convolution[]} */
const CONVOLUTIONS = [
  { name: "conv1", units: 64, channels: 3, kernel: 11, stride: 4, frame: 2, pooled: false },
  { name: "conv2", units: 192, channels: 64, kernel: 5, stride: 1, frame: 2, pooled: true },
  { name: "conv3", units: 384, channels: 192, kernel: 3, stride: 1, frame: 1, pooled: true },
  { name: "conv4", units: 256, channels: 384, kernel: 3, stride: 1, frame: 1, pooled: false },
  { name: "conv5", units: 256, channels: 256, kernel: 3, stride: 1, frame: 1, pooled: false },
];

/** Sides of an image in pixels: the poolings need 63, and 1024 keep the memory under 200 MB. */
const SIDES = [63, 1024];

/** Numbers in a panel of 8 positions, panels that share a reading, and numbers in a tile. */
const COLUMNS = 8, BLOCK = 4, TILE_SIZE = 32;

/** @param {LiveLayerName} name */
function layerIndex(name) {
  const index = CONVOLUTIONS.findIndex((one) => one.name === name);
  if (index < 0) throw new Error(`There is no layer ${name}; there are conv1 to conv5.`);
  return index;
}

class Trunk {
  /**
   * @param {TrunkExports} wasm
   * @param {readonly Weights[]} weights
   * @param {{ mean: readonly number[], std: readonly number[] }} input How images are normalized.
   */
  constructor(wasm, weights, input) {
    this.wasm = wasm;
    this.weights = weights;
    this.input = input;
    this.free = 1024;
    const depths = CONVOLUTIONS.map((one) => one.channels * one.kernel ** 2);
    const backs = CONVOLUTIONS.map((one) => one.units * one.kernel ** 2);
    const deepest = Math.max(...depths, ...backs);
    this.scratch = this.take(deepest * COLUMNS * BLOCK + TILE_SIZE);
    this.zeros = this.take(Math.max(...CONVOLUTIONS.map((one) => one.channels)));
    this.biases = weights.map((one) => this.put(this.take(one.bias.length), one.bias));
    this.forwards = weights.map(({ weight }, i) =>
      this.pack(weight, CONVOLUTIONS[i].units, depths[i]));
    // A unit that is a goal has weights of its own, forth and back.
    this.unit = { forth: this.take(4 * deepest), back: this.take(4 * deepest), bias: this.take(4) };
    // Filled when a gradient first asks for them.
    this.backwards = CONVOLUTIONS.map(({ units, channels, kernel }) =>
      this.take(units * Math.ceil((channels * kernel ** 2) / 4) * 4));
    this.filled = CONVOLUTIONS.map(() => false);
    this.kept = this.free;
    this.size = "";
    /** @type {Place[]} */
    this.places = [];
    this.framed = this.map = 0;
  }

  /** Shares out memory, zeros. @param {number} count Of numbers. @returns {number} Its address. */
  take(count) {
    const start = this.free;
    this.free += Math.ceil(count / 4) * 16;
    const missing = this.free - this.wasm.memory.buffer.byteLength;
    if (missing > 0) this.wasm.memory.grow(Math.ceil(missing / 65536));
    this.view(start, Math.ceil(count / 4) * 4).fill(0);
    return start;
  }

  /** Numbers in memory, until it grows. @param {number} start @param {number} count */
  view(start, count) {
    return new Float32Array(this.wasm.memory.buffer, start, count);
  }

  /** @param {number} start @param {ArrayLike<number>} numbers */
  put(start, numbers) {
    this.view(start, numbers.length).set(numbers);
    return start;
  }

  /**
   * Brings a matrix into panels; to new memory, if none is named.
   * @param {Float32Array} matrix @param {number} rows @param {number} depth
   * @param {number} [panels]
   */
  pack(matrix, rows, depth, panels = this.take(Math.ceil(rows / 4) * 4 * depth)) {
    const end = this.free;
    this.wasm.pack(panels, this.put(this.take(matrix.length), matrix), rows, depth);
    this.free = end;
    return panels;
  }

  /**
   * Makes room for images of a size. @param {number} height @param {number} width
   */
  plan(height, width) {
    if (Math.min(height, width) < SIDES[0] || Math.max(height, width) > SIDES[1]) {
      const size = `${width} x ${height}`;
      throw new Error(`An image's sides are ${SIDES.join(" to ")} pixels, not ${size}.`);
    }
    if (this.size === `${height} ${width}`) return;
    this.size = `${height} ${width}`;
    this.free = this.kept;
    this.places = [];
    let framed = 1;
    for (const { units, channels, kernel, stride, frame, pooled } of CONVOLUTIONS) {
      if (pooled) [height, width] = [height, width].map((side) => Math.floor((side - 3) / 2) + 1);
      const input = { height: height + 2 * frame, width: width + 2 * frame };
      const [down, across] = [input.height, input.width].map(
        (side) => Math.floor((side - kernel) / stride) + 1);
      const count = units * down * across;
      this.places.push({
        ...input, down, across, input: this.take(channels * input.height * input.width),
        output: this.take(count), slope: this.take(count),
        back: this.take(channels * input.height * input.width),
      });
      framed = Math.max(framed, units * (down + kernel) * (across + kernel));
      [height, width] = [down, across];
    }
    this.framed = this.take(framed);
    this.map = this.take(this.places[0].down * this.places[0].across);
  }

  /**
   * What the network sees of an image. @param {LiveImage} image @returns {LiveImage}
   */
  normalized({ pixels, height, width }) {
    const plane = height * width;
    return {
      height, width,
      pixels: pixels.map((value, i) => {
        const color = Math.floor(i / plane);
        return (value - this.input.mean[color]) / this.input.std[color];
      }),
    };
  }

  /**
   * Runs layers before their ReLU, and gives the one after them its input.
   * @param {LiveImage} inputs Normalized. @param {number} depth How many layers.
   */
  run(inputs, depth) {
    this.plan(inputs.height, inputs.width);
    const image = this.put(this.places[0].back, inputs.pixels);
    const first = CONVOLUTIONS[0];
    this.wasm.enframe(
      this.places[0].input, image, 3, inputs.height, inputs.width, first.frame, -Infinity);
    for (let i = 0; i < depth; i++) {
      const { units, channels, kernel, stride } = CONVOLUTIONS[i];
      const { input, height, width, output, down, across } = this.places[i];
      this.wasm.convolve(
        output, this.forwards[i], this.biases[i], units, input, channels, height, width, kernel,
        stride, this.scratch);
      const next = CONVOLUTIONS[i + 1];
      if (next?.pooled) {
        this.wasm.pool(this.places[i + 1].input, output, units, down, across, next.frame);
      } else if (next) {
        this.wasm.enframe(this.places[i + 1].input, output, units, down, across, next.frame, 0);
      }
    }
  }

  /**
   * The values of layers before their ReLU.
   * @param {LiveImage} image @param {readonly LiveLayerName[]} names
   */
  forward(image, names) {
    const indices = names.map(layerIndex);
    this.run(this.normalized(image), Math.max(0, ...indices.map((index) => index + 1)));
    return Object.fromEntries(indices.map((index, i) => {
      const { output, down, across } = this.places[index];
      const { units } = CONVOLUTIONS[index];
      const data = this.view(output, units * down * across).slice();
      return [names[i], { data, units, height: down, width: across }];
    }));
  }

  /**
   * The goal's value on an image, and its gradient.
   * @param {LiveImage} image @param {LiveGoal} goal
   */
  gradient(image, goal) {
    const { value, gradient } = this.climb(this.normalized(image), goal);
    const plane = image.height * image.width;
    gradient.forEach((slope, i) => (gradient[i] = slope / this.input.std[Math.floor(i / plane)]));
    return { value, gradient };
  }

  /**
   * The goal's value on normalized inputs, and its gradient with regard to them.
   * @param {LiveImage} inputs @param {LiveGoal} goal
   */
  climb(inputs, goal) {
    const value = this.value(inputs, goal);
    this.backOfUnit(layerIndex(goal.layer), goal.unit);
    for (let i = layerIndex(goal.layer) - 1; i >= 0; i--) this.backThrough(i);
    const { back, height, width } = this.places[0];
    const { frame } = CONVOLUTIONS[0];
    const framed = this.view(back, 3 * height * width);
    const gradient = new Float32Array(inputs.pixels.length);
    for (let row = 0; row < 3 * inputs.height; row++) {
      const y = Math.floor(row / inputs.height) * height + (row % inputs.height) + frame;
      const from = y * width + frame;
      gradient.set(framed.subarray(from, from + inputs.width), row * inputs.width);
    }
    return { value, gradient };
  }

  /**
   * The goal's value on normalized inputs; leaves the gradient of the unit's map in `map`.
   * @param {LiveImage} inputs @param {LiveGoal} goal
   */
  value(inputs, goal) {
    const index = layerIndex(goal.layer);
    const { units, channels, kernel, stride } = CONVOLUTIONS[index];
    if (!(Number.isInteger(goal.unit) && goal.unit >= 0 && goal.unit < units)) {
      throw new Error(`${goal.layer} has the units 0 to ${units - 1}, not ${goal.unit}.`);
    }
    this.run(inputs, index);
    const { input, height, width, down, across } = this.places[index];
    const depth = channels * kernel ** 2;
    const { weight, bias } = this.weights[index];
    const own = weight.subarray(goal.unit * depth, (goal.unit + 1) * depth);
    this.pack(own, 1, depth, this.unit.forth);
    this.put(this.unit.bias, [bias[goal.unit]]);
    this.wasm.convolve(
      this.map, this.unit.forth, this.unit.bias, 1, input, channels, height, width, kernel, stride,
      this.scratch);
    return readMap(this.view(this.map, down * across), down, across, goal);
  }

  /**
   * From the gradient of one unit's map to that of its layer's input.
   * @param {number} index @param {number} unit
   */
  backOfUnit(index, unit) {
    this.packBack(index, unit, unit + 1, this.unit.back);
    this.back(index, this.map, this.unit.back, 1);
  }

  /** Packs a layer's weights for the way back, once. @param {number} index */
  fill(index) {
    if (this.filled[index]) return;
    this.packBack(index, 0, CONVOLUTIONS[index].units, this.backwards[index]);
    this.filled[index] = true;
  }

  /**
   * @param {number} index @param {number} first @param {number} end @param {number} panels
   */
  packBack(index, first, end, panels) {
    const { channels, kernel, stride } = CONVOLUTIONS[index];
    const matrix = turned(this.weights[index].weight, CONVOLUTIONS[index], first, end);
    const rows = stride > 1 ? channels * kernel ** 2 : channels;
    this.pack(matrix, rows, matrix.length / rows, panels);
  }

  /** From the gradient of the next layer's input to that of a layer's own. @param {number} index */
  backThrough(index) {
    this.fill(index);
    const { units } = CONVOLUTIONS[index];
    const { output, slope, down, across } = this.places[index];
    const { back } = this.places[index + 1];
    const count = units * down * across;
    if (CONVOLUTIONS[index + 1].pooled) {
      this.view(slope, count).fill(0);
      this.wasm.unpool(slope, output, units, down, across, back);
    } else {
      this.view(slope, count).set(this.view(back, count));
      this.wasm.mask(slope, output, count);
    }
    this.back(index, slope, this.backwards[index], units);
  }

  /**
   * Takes a gradient back through a convolution: with stride 1 that is a convolution too.
   * @param {number} index @param {number} slope @param {number} panels @param {number} units
   */
  back(index, slope, panels, units) {
    const { channels, kernel, stride, frame } = CONVOLUTIONS[index];
    const { height, width, down, across, back } = this.places[index];
    if (stride > 1) {
      this.view(back, channels * height * width).fill(0);
      this.wasm.spread(
        back, panels, units, slope, channels, height, width, kernel, stride, this.scratch);
      return;
    }
    const around = kernel - 1 - frame;
    const [tall, wide] = [down + 2 * around, across + 2 * around];
    this.view(this.framed, units * tall * wide).fill(0);
    this.wasm.enframe(this.framed, slope, units, down, across, around, -Infinity);
    this.wasm.convolve(
      back, panels, this.zeros, channels, this.framed, units, tall, wide, kernel, 1, this.scratch);
  }
}

/**
 * Weights for the way back: (channels, units, kernel, kernel) turned by half a turn, or for a
 * convolution with a stride (channels * kernel * kernel, units).
 * @param {Float32Array} weight @param {Convolution} convolution @param {number} first
 * @param {number} end
 */
function turned(weight, { channels, kernel, stride }, first, end) {
  const area = kernel ** 2, units = end - first, depth = channels * area;
  const matrix = new Float32Array(units * depth);
  for (let unit = 0; unit < units; unit++) {
    for (let channel = 0; channel < channels; channel++) {
      const from = ((first + unit) * channels + channel) * area;
      for (let k = 0; k < area; k++) {
        const to = stride > 1
          ? (channel * area + k) * units + unit
          : (channel * units + unit) * area + (area - 1 - k);
        matrix[to] = weight[from + k];
      }
    }
  }
  return matrix;
}

/**
 * Reads a goal's value off its unit's map, and replaces the map by the value's gradient.
 * @param {Float32Array} map @param {number} down @param {number} across @param {LiveGoal} goal
 */
function readMap(map, down, across, { layer, at, relu }) {
  const [row, column] = at === "center" ? [down >> 1, across >> 1] : at || [-1, -1];
  if (at && !(row >= 0 && row < down && column >= 0 && column < across)) {
    throw new Error(`${layer} has a map of ${down} x ${across} places, and no ${row}, ${column}.`);
  }
  const place = row * across + column;
  const parts = map.map((_, i) => (at ? Number(i === place) : 1 / map.length));
  const value = map.reduce((sum, one, i) => sum + parts[i] * (relu ? Math.max(one, 0) : one), 0);
  // Where a ReLU would take the whole gradient it is let through, as featviz's redirected_relu.
  const lost = relu && parts.every((part, i) => part === 0 || !(map[i] > 0));
  parts.forEach((part, i) => (map[i] = !relu || lost || map[i] > 0 ? part : 0));
  return value;
}
