// Runs a script of a test beside the worker's own: node run.mjs FOLDER.
//
// FOLDER holds engine.js, script.js and inputs.json, whose arrays (float32) lie beside it. The
// script sees the worker's names, `inputs`, and `weights`, and returns arrays by their names.
import { readFileSync, writeFileSync } from "node:fs";

const folder = process.argv[2];
const read = (name) => readFileSync(`${folder}/${name}`);
const floats = (name) => new Float32Array(new Uint8Array(read(name)).buffer);

const names = JSON.parse(read("inputs.json"));
const inputs = Object.fromEntries(names.map((name) => [name, floats(`${name}.f32`)]));
let engine;
globalThis.FeatvizLive = { deliver: (name, part) => (engine = part) };
(0, eval)(String(read("engine.js")));
globalThis.onmessage = null; // the worker's script sets it

const start = `
  const input = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
  const cut = (numbers) => {
    let from = 0;
    const next = (count) => numbers.subarray(from, (from += count));
    return CONVOLUTIONS.map(({ units, channels, kernel }) =>
      ({ weight: next(units * channels * kernel ** 2), bias: next(units) }));
  };
  const open = async (numbers) => new Trunk(await kernels(engine.wasm), cut(numbers), input);
  const picture = (pixels, height, width = height) => ({ pixels, height, width });
`;
const Script = Object.getPrototypeOf(async () => {}).constructor;
const run = new Script("inputs", "engine", `${engine.source}\n${start}\n{${read("script.js")}}`);
const outputs = await run(inputs, engine);
writeFileSync(`${folder}/outputs.json`, JSON.stringify(Object.keys(outputs)));
for (const [name, numbers] of Object.entries(outputs)) {
  writeFileSync(`${folder}/${name}.f32`, Float32Array.from(numbers));
}
