// Convolution, pooling and their ways back, in WebAssembly SIMD; AssemblyScript, by `make live`.
//
// All arguments are addresses in bytes and sizes in numbers; every array holds float32. The caller
// shares out the memory. Products are tiles of 4 rows and 8 columns, what fits into the 16 vector
// registers of x86: weights lie in panels of 4 rows, inputs in panels of 8 positions.

const ROWS: i32 = 4;
const COLUMNS: i32 = 8;
// Panels of positions that share one reading of the weights: up to 440 kB, for a level-2 cache.
const BLOCK: i32 = 4;

/** Brings a matrix (rows, depth) into panels of 4 rows; missing rows are zero. */
export function pack(panels: usize, matrix: usize, rows: i32, depth: i32): void {
  for (let first = 0; first < rows; first += ROWS) {
    for (let k = 0; k < depth; k++) {
      for (let row = first; row < first + ROWS; row++) {
        store<f32>(panels, row < rows ? load<f32>(matrix + (<usize>(row * depth + k) << 2)) : 0);
        panels += 4;
      }
    }
  }
}

/** Multiplies a panel of 4 rows with one of 8 columns; writes (4, 8) to `tile`. */
// @ts-ignore: decorator
@inline
function multiply(tile: usize, rows: usize, columns: usize, depth: i32): void {
  let a0 = f32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
  for (let k = 0; k < depth; k++) {
    const left = v128.load(columns), right = v128.load(columns, 16);
    let row = v128.load32_splat(rows);
    a0 = f32x4.add(a0, f32x4.mul(row, left));
    a1 = f32x4.add(a1, f32x4.mul(row, right));
    row = v128.load32_splat(rows, 4);
    b0 = f32x4.add(b0, f32x4.mul(row, left));
    b1 = f32x4.add(b1, f32x4.mul(row, right));
    row = v128.load32_splat(rows, 8);
    c0 = f32x4.add(c0, f32x4.mul(row, left));
    c1 = f32x4.add(c1, f32x4.mul(row, right));
    row = v128.load32_splat(rows, 12);
    d0 = f32x4.add(d0, f32x4.mul(row, left));
    d1 = f32x4.add(d1, f32x4.mul(row, right));
    rows += 16;
    columns += 32;
  }
  v128.store(tile, a0);
  v128.store(tile, a1, 16);
  v128.store(tile, b0, 32);
  v128.store(tile, b1, 48);
  v128.store(tile, c0, 64);
  v128.store(tile, c1, 80);
  v128.store(tile, d0, 96);
  v128.store(tile, d1, 112);
}

/** Gathers what 8 positions read: (channels, kernel, kernel, 8), from a padded input. */
function gather(
  panel: usize, input: usize, channels: i32, height: i32, width: i32, kernel: i32, stride: i32,
  across: i32, first: i32, count: i32,
): void {
  // Positions past the last one read the last one again; their products are not written.
  const last = count - 1;
  const p0 = place(first, last, across, stride, width);
  const p1 = place(first + 1, last, across, stride, width);
  const p2 = place(first + 2, last, across, stride, width);
  const p3 = place(first + 3, last, across, stride, width);
  const p4 = place(first + 4, last, across, stride, width);
  const p5 = place(first + 5, last, across, stride, width);
  const p6 = place(first + 6, last, across, stride, width);
  const p7 = place(first + 7, last, across, stride, width);
  const beside = p7 - p0 == 28;
  for (let channel = 0; channel < channels; channel++) {
    for (let y = 0; y < kernel; y++) {
      let from = input + (<usize>((channel * height + y) * width) << 2);
      for (let x = 0; x < kernel; x++) {
        if (beside) {
          v128.store(panel, v128.load(from + p0));
          v128.store(panel, v128.load(from + p0, 16), 16);
        } else {
          store<f32>(panel, load<f32>(from + p0));
          store<f32>(panel, load<f32>(from + p1), 4);
          store<f32>(panel, load<f32>(from + p2), 8);
          store<f32>(panel, load<f32>(from + p3), 12);
          store<f32>(panel, load<f32>(from + p4), 16);
          store<f32>(panel, load<f32>(from + p5), 20);
          store<f32>(panel, load<f32>(from + p6), 24);
          store<f32>(panel, load<f32>(from + p7), 28);
        }
        panel += 32;
        from += 4;
      }
    }
  }
}

/** Where a position's window starts, in bytes from the first one's. */
// @ts-ignore: decorator
@inline
function place(position: i32, last: i32, across: i32, stride: i32, width: i32): usize {
  position = min(position, last);
  return <usize>((position / across) * stride * width + (position % across) * stride) << 2;
}

/**
 * Convolves a padded input (channels, height, width) to an output (units, down, across).
 * `scratch` has room for 4 panels (channels * kernel * kernel, 8) and a tile.
 */
export function convolve(
  output: usize, weights: usize, bias: usize, units: i32, input: usize, channels: i32,
  height: i32, width: i32, kernel: i32, stride: i32, scratch: usize,
): void {
  const down = (height - kernel) / stride + 1, across = (width - kernel) / stride + 1;
  const count = down * across, depth = channels * kernel * kernel;
  const size = <usize>(depth * COLUMNS) << 2;
  const tile = scratch + size * BLOCK;
  for (let start = 0; start < count; start += COLUMNS * BLOCK) {
    const panels = min(BLOCK, (count - start + COLUMNS - 1) / COLUMNS);
    for (let panel = 0; panel < panels; panel++) {
      gather(
        scratch + size * panel, input, channels, height, width, kernel, stride, across,
        start + panel * COLUMNS, count,
      );
    }
    for (let unit = 0; unit < units; unit += ROWS) {
      for (let panel = 0; panel < panels; panel++) {
        multiply(tile, weights + (<usize>(unit * depth) << 2), scratch + size * panel, depth);
        put(output, tile, bias, unit, units, start + panel * COLUMNS, count);
      }
    }
  }
}

/** Writes a tile to its rows of the output (units, count), with the bias. */
function put(
  output: usize, tile: usize, bias: usize, unit: i32, units: i32, first: i32, count: i32,
): void {
  const columns = min(COLUMNS, count - first);
  for (let row = 0; row < min(ROWS, units - unit); row++) {
    const to = output + (<usize>((unit + row) * count + first) << 2);
    const from = tile + (<usize>row << 5);
    const more = load<f32>(bias + (<usize>(unit + row) << 2));
    for (let column: usize = 0; column < <usize>columns << 2; column += 4) {
      store<f32>(to + column, load<f32>(from + column) + more);
    }
  }
}

/**
 * Takes a gradient (units, down, across) back through a convolution with a stride, and adds it to
 * that of the padded input (channels, height, width). `weights` are (channels * kernel * kernel,
 * units) in panels; `scratch` has room for a panel (units, 8) and a tile.
 */
export function spread(
  input: usize, weights: usize, units: i32, gradient: usize, channels: i32, height: i32,
  width: i32, kernel: i32, stride: i32, scratch: usize,
): void {
  const down = (height - kernel) / stride + 1, across = (width - kernel) / stride + 1;
  const count = down * across, depth = channels * kernel * kernel;
  const tile = scratch + (<usize>(units * COLUMNS) << 2);
  for (let first = 0; first < count; first += COLUMNS) {
    const columns = min(COLUMNS, count - first);
    for (let unit = 0; unit < units; unit++) {
      for (let column = 0; column < COLUMNS; column++) {
        const from = gradient + (<usize>(unit * count + first + column) << 2);
        const to = scratch + (<usize>(unit * COLUMNS + column) << 2);
        store<f32>(to, column < columns ? load<f32>(from) : 0);
      }
    }
    for (let row = 0; row < depth; row += ROWS) {
      multiply(tile, weights + (<usize>(row * units) << 2), scratch, units);
      for (let k = row; k < min(row + ROWS, depth); k++) {
        const x = k % kernel, y = (k / kernel) % kernel, channel = k / (kernel * kernel);
        const to = input + (<usize>((channel * height + y) * width + x) << 2);
        for (let column = 0; column < columns; column++) {
          const at = to + place(first + column, count, across, stride, width);
          const from = tile + (<usize>((k - row) * COLUMNS + column) << 2);
          store<f32>(at, load<f32>(at) + load<f32>(from));
        }
      }
    }
  }
}

/**
 * Puts (planes, height, width) into the middle of (planes, height + 2 * frame, ...), nothing below
 * `floor`: 0 is a ReLU.
 */
export function enframe(
  output: usize, input: usize, planes: i32, height: i32, width: i32, frame: i32, floor: f32,
): void {
  const pitch = width + 2 * frame;
  for (let plane = 0; plane < planes; plane++) {
    for (let y = 0; y < height; y++) {
      let to = output + (<usize>((plane * (height + 2 * frame) + y + frame) * pitch + frame) << 2);
      for (let x = 0; x < width; x++) {
        store<f32>(to, max<f32>(load<f32>(input), floor));
        to += 4;
        input += 4;
      }
    }
  }
}

/** Lets a gradient (numbers,) through where the values before the ReLU are above zero. */
export function mask(gradient: usize, values: usize, count: i32): void {
  for (const end = gradient + (<usize>count << 2); gradient < end; gradient += 4, values += 4) {
    if (!(load<f32>(values) > 0)) store<f32>(gradient, 0);
  }
}

/** Where the maximum of a 3 x 3 window is; the first one of equals, as in torch. */
// @ts-ignore: decorator
@inline
function highest(window: usize, width: i32): usize {
  let best = window;
  for (let y = 0; y < 3; y++) {
    const row = window + (<usize>(y * width) << 2);
    for (let at = row; at < row + 12; at += 4) {
      if (load<f32>(at) > load<f32>(best)) best = at;
    }
  }
  return best;
}

/** Rectifies and pools (3 x 3, stride 2) into the middle of a frame. */
export function pool(
  output: usize, input: usize, planes: i32, height: i32, width: i32, frame: i32,
): void {
  const down = (height - 3) / 2 + 1, across = (width - 3) / 2 + 1, pitch = across + 2 * frame;
  for (let plane = 0; plane < planes; plane++) {
    for (let y = 0; y < down; y++) {
      let to = output + (<usize>((plane * (down + 2 * frame) + y + frame) * pitch + frame) << 2);
      let from = input + (<usize>((plane * height + 2 * y) * width) << 2);
      for (let x = 0; x < across; x++) {
        store<f32>(to, max<f32>(load<f32>(highest(from, width)), 0));
        to += 4;
        from += 8;
      }
    }
  }
}

/** Takes a gradient back through `pool`, and adds it to that of its input. */
export function unpool(
  result: usize, input: usize, planes: i32, height: i32, width: i32, gradient: usize,
): void {
  const down = (height - 3) / 2 + 1, across = (width - 3) / 2 + 1;
  const shift = result - input;
  for (let plane = 0; plane < planes; plane++) {
    for (let y = 0; y < down; y++) {
      let from = input + (<usize>((plane * height + 2 * y) * width) << 2);
      for (let x = 0; x < across; x++) {
        const best = highest(from, width);
        if (load<f32>(best) > 0) {
          store<f32>(best + shift, load<f32>(best + shift) + load<f32>(gradient));
        }
        gradient += 4;
        from += 8;
      }
    }
  }
}
