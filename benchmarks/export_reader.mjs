// onnxruntime-web, in WebAssembly on Node: the part of export_reader.py for this one reader.
//
//   node export_reader.mjs MODEL PICTURES.json   (each: shape, bytes in base 64)

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const ort = createRequire(pathToFileURL(process.cwd() + "/"))("onnxruntime-web");
ort.env.wasm.numThreads = 1;
const [model, pictures] = process.argv.slice(2);
const session = await ort.InferenceSession.create(readFileSync(model));
const found = [];
for (const { shape, bytes } of JSON.parse(readFileSync(pictures))) {
  const image = new ort.Tensor("uint8", new Uint8Array(Buffer.from(bytes, "base64")), shape);
  const durations = [];
  let outputs;
  for (let k = 0; k < 10; k++) {
    const start = process.cpuUsage();
    outputs = await session.run({ image }, ["score", "heat_map"]);
    const { user, system } = process.cpuUsage(start);
    durations.push((user + system) / 1000);
  }
  const heat = outputs.heat_map.data.reduce((one, other) => Math.max(one, other));
  found.push({ score: outputs.score.data[0], heat, ms: Math.min(...durations) });
}
console.log(JSON.stringify(found));
