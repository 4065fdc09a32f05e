// @ts-check
// The worker: answers the page's questions one after the other.

/** @type {Trunk} */
let trunk;
/** @type {Map<number, Climb>} */
const climbs = new Map();

/** @param {string} text base64 of deflated bytes. @returns {Promise<ArrayBuffer>} */
async function inflated(text) {
  const stream = new Blob([bytesOf(text)]).stream();
  return new Response(stream.pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
}

/** @param {string} text base64. */
function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/**
 * Every layer's weights, and what is usual for its units.
 * @param {Int8Array} integers @param {Float32Array} numbers
 */
function unpacked(integers, numbers) {
  /** @type {Record<string, LiveUsual>} */
  const usual = {};
  let at = 0, from = 0;
  const weights = CONVOLUTIONS.map(({ name, units, channels, kernel }) => {
    const depth = channels * kernel ** 2;
    const next = () => numbers.slice(from, (from += units));
    const scales = next(), bias = next();
    usual[name] = { mean: next(), place: next(), photo: next() };
    const weight = new Float32Array(units * depth);
    for (let unit = 0; unit < units; unit++) {
      for (let k = 0; k < depth; k++) weight[unit * depth + k] = scales[unit] * integers[at++];
    }
    return { weight, bias };
  });
  return { weights, usual };
}

/** @param {string} wasm base64 @returns {Promise<TrunkExports>} */
async function kernels(wasm) {
  const { instance } = await WebAssembly.instantiate(bytesOf(wasm));
  return /** @type {any} */ (instance.exports);
}

/** @param {Question} question @returns {Promise<any>} */
async function answer(question) {
  if (question.kind === "open") {
    const { integers, numbers, mean, std } = question.weights;
    const { weights, usual } = unpacked(
      new Int8Array(await inflated(integers)), new Float32Array(await inflated(numbers)));
    trunk = new Trunk(await kernels(question.wasm), weights, { mean, std });
    return usual;
  }
  if (question.kind === "photo") return readPhoto(question.source, question.side);
  if (question.kind === "forward") return trunk.forward(question.image, question.layers);
  if (question.kind === "gradient") return trunk.gradient(question.image, question.goal);
  if (question.kind === "climb") {
    const { goal, seed = 0 } = question.ascent;
    const climb = new Climb(trunk, question.ascent, await streamOf(goal, seed));
    climbs.set(question.id, climb);
    return { id: question.id, told: climb.told(null) };
  }
  if (question.kind === "step") return climbs.get(question.climb)?.step();
  climbs.delete(question.climb);
}

let turn = Promise.resolve();
/** @param {MessageEvent<Question>} event */
onmessage = ({ data }) => {
  turn = turn.then(async () => {
    /** @type {Answer} */
    const reply = { id: data.id };
    try {
      reply.value = await answer(data);
    } catch (error) {
      reply.error = error instanceof Error ? error.message : String(error);
    }
    postMessage(reply);
  });
};
