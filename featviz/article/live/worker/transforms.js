// @ts-check
// Small random changes between steps, as featviz.images.transforms; each with its way back.

/**
 * What a change does to images, from the numbers that are drawn for it.
 * @param {Change} change @param {ArrayLike<number>} uniform 4 numbers in [0, 1).
 * @param {LiveImage} image For its size.
 * @returns {{ there(image: LiveImage): LiveImage, back(image: LiveImage): LiveImage }}
 */
function applied(change, uniform, { height, width }) {
  const { frame, pixels, degrees, low = 1, high = 1 } = change;
  const outer = { height: height + 2 * frame, width: width + 2 * frame };
  if (degrees === undefined) {
    // A frame, and a shift by whole pixels, as Jitter.
    const [down, across] = [0, 1].map((i) => Math.floor(uniform[i] * (2 * pixels + 1)) - pixels);
    return {
      there: (image) => moved(image, outer, frame + down, frame + across, outer),
      back: (image) => moved(image, { height, width }, -frame - down, -frame - across, outer),
    };
  }
  // One resampling, as Affine; its gradient is carried back by the inverse resampling.
  const angle = ((degrees * Math.PI) / 180) * (2 * uniform[0] - 1);
  const extent = 1 / (low + (high - low) * uniform[1]);
  const [x, y] = [2, 3].map((i) => pixels * (2 * uniform[i] - 1));
  const [a, b] = [extent * Math.cos(angle), extent * Math.sin(angle)];
  const area = a * a + b * b;
  const [c, d] = [a / area, b / area];
  return {
    there: (image) => resampled(image, outer, [a, b, x, y], 1),
    back: (image) =>
      resampled(image, { height, width }, [c, -d, -c * x - d * y, d * x - c * y], 1 / area),
  };
}

/** @typedef {{ height: number, width: number }} Size */

/**
 * Shifts an image; what leaves a canvas of a size on one side comes back on the other.
 * @param {LiveImage} image @param {Size} size Of the result. @param {number} down
 * @param {number} across @param {Size} canvas
 */
function moved(image, size, down, across, canvas) {
  const { height, width } = size;
  const pixels = new Float32Array(3 * height * width);
  for (let i = 0; i < pixels.length; i++) {
    const color = Math.floor(i / (height * width));
    const y = modulo((Math.floor(i / width) % height) - down, canvas.height);
    const x = modulo((i % width) - across, canvas.width);
    if (y < image.height && x < image.width) {
      pixels[i] = image.pixels[(color * image.height + y) * image.width + x];
    }
  }
  return { pixels, height, width };
}

/** @param {number} value @param {number} size */
function modulo(value, size) {
  return ((value % size) + size) % size;
}

/**
 * Reads an image where a canvas lies on it, bilinearly; the mean color, 0, outside.
 * @param {LiveImage} image @param {Size} size Of the canvas.
 * @param {readonly number[]} way From the canvas to the image, both measured from their middles.
 * @param {number} factor What the result is multiplied by.
 */
function resampled(image, { height, width }, [a, b, x, y], factor) {
  const pixels = new Float32Array(3 * height * width);
  const plane = image.height * image.width;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const u = column - (width - 1) / 2, v = row - (height - 1) / 2;
      const across = a * u - b * v + x + (image.width - 1) / 2;
      const down = b * u + a * v + y + (image.height - 1) / 2;
      const left = Math.floor(across), top = Math.floor(down);
      for (let corner = 0; corner < 4; corner++) {
        const i = top + (corner >> 1), j = left + (corner & 1);
        if (i < 0 || i >= image.height || j < 0 || j >= image.width) continue;
        const weight = factor * (1 - Math.abs(down - i)) * (1 - Math.abs(across - j));
        const from = i * image.width + j, to = row * width + column;
        pixels[to] += weight * image.pixels[from];
        pixels[to + height * width] += weight * image.pixels[from + plane];
        pixels[to + 2 * height * width] += weight * image.pixels[from + 2 * plane];
      }
    }
  }
  return { pixels, height, width };
}
