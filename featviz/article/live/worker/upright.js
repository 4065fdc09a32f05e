// @ts-check
// WebP pictures the way up that their EXIF data says, as Pillow turns them: not every browser does.

/** The EXIF tag of the orientation, and its value for a picture that is the right way up. */
const ORIENTATION = 0x0112, UPRIGHT = 1;
/** How the point (1, x, y) of a picture is drawn, by orientation; then what is added of its size. */
const WAYS_UP = /** @type {Record<number, [number, number, number, number, 0 | 1, 0 | 1]>} */ ({
  2: [-1, 0, 0, 1, 1, 0], 3: [-1, 0, 0, -1, 1, 1], 4: [1, 0, 0, -1, 0, 1], 5: [0, 1, 1, 0, 0, 0],
  6: [0, 1, -1, 0, 1, 0], 7: [0, -1, -1, 0, 1, 1], 8: [0, -1, 1, 0, 0, 1],
});

/**
 * Decodes a picture, upright and without its color profile: networks were trained without.
 * @param {Blob | ImageData} source
 */
async function decoded(source) {
  const options = /** @type {const} */ ({ colorSpaceConversion: "none" });
  const mark = source instanceof Blob ? await markOfWebp(source) : null;
  if (!mark || !(mark.orientation in WAYS_UP)) return createImageBitmap(source, options);
  // Without the mark no browser turns it.
  mark.file.setUint16(mark.at, UPRIGHT, mark.little);
  const bitmap = await createImageBitmap(new Blob([mark.file]), options);
  try {
    return drawnUpright(bitmap, mark.orientation);
  } finally {
    bitmap.close();
  }
}

/** @param {ImageBitmap} bitmap @param {number} orientation */
function drawnUpright(bitmap, orientation) {
  checkSize(bitmap.width, bitmap.height);
  const [a, b, c, d, right, down] = WAYS_UP[orientation];
  const size = a ? [bitmap.width, bitmap.height] : [bitmap.height, bitmap.width];
  const canvas = new OffscreenCanvas(size[0], size[1]);
  const context = canvas.getContext("2d");
  try {
    if (!context) throw new DOMException();
    context.imageSmoothingEnabled = false;
    context.setTransform(a, b, c, d, right * size[0], down * size[1]);
    context.drawImage(bitmap, 0, 0);
    return canvas.transferToImageBitmap();
  } catch {
    throw new Error("This browser has no memory left for this picture.");
  }
}

/** A WebP file and where its orientation stands; null for other files, and without one. @param {Blob} blob */
async function markOfWebp(blob) {
  const start = new DataView(await blob.slice(0, 12).arrayBuffer());
  if (start.byteLength < 12 || letters(start, 0) !== "RIFF" || letters(start, 8) !== "WEBP") return null;
  try {
    return markIn(new DataView(await blob.arrayBuffer()));
  } catch (error) {
    if (error instanceof RangeError) return null; // read past its end
    throw error;
  }
}

/** @param {DataView<ArrayBuffer>} file */
function markIn(file) {
  let chunk = 12;
  while (letters(file, chunk) !== "EXIF") {
    const size = file.getUint32(chunk + 4, true);
    chunk += 8 + size + (size % 2);
  }
  const tiff = chunk + (letters(file, chunk + 8) === "Exif" ? 14 : 8);
  const little = letters(file, tiff).startsWith("II");
  const list = tiff + file.getUint32(tiff + 4, little);
  for (let entry = 0; entry < file.getUint16(list, little); entry++) {
    const at = list + 2 + 12 * entry;
    if (file.getUint16(at, little) === ORIENTATION) {
      return { file, at: at + 8, little, orientation: file.getUint16(at + 8, little) };
    }
  }
  return null;
}

/** @param {DataView} file @param {number} at */
function letters(file, at) {
  return String.fromCharCode(...[0, 1, 2, 3].map((i) => file.getUint8(at + i)));
}
