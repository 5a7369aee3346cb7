// Inspect a picture with an exported model in Node.
//
//   node inspect.mjs part.onnx PICTURE

import { readFileSync } from "node:fs";
import jpeg from "jpeg-js";
import ort from "onnxruntime-node";
import { PNG } from "pngjs";

const [model, picture] = process.argv.slice(2);
const session = await ort.InferenceSession.create(model);

// as decoded, RGB, 8 bits: the model resizes and normalises by itself
const bytes = readFileSync(picture);
const decoded = bytes[0] === 0x89 ? PNG.sync.read(bytes) : jpeg.decode(bytes);
const { width, height, data } = decoded; // RGBA
const pixels = new Uint8Array(height * width * 3);
for (let k = 0; k < height * width; k++) {
  pixels.set(data.subarray(4 * k, 4 * k + 3), 3 * k);
}
const image = new ort.Tensor("uint8", pixels, [1, height, width, 3]);
const found = await session.run({ image });

console.log("score", found.score.data[0].toFixed(6));
if (found.verdict) {
  // a model without a threshold has none
  console.log("verdict", found.verdict.data[0] ? "defect" : "good");
}

const heat = largest(found.heat_map.data);
const [row, column] = [Math.floor(heat / width), heat % width];
console.log(`largest heat ${found.heat_map.data[heat].toFixed(6)} at row ${row}, column ${column}`);

// the worst patch, and the good patch that comes nearest to it
const worst = largest(found.distance.data);
const [number, goodRow, goodColumn] = found.reason.data.slice(3 * worst, 3 * worst + 3);
console.log(
  `nearest good patch: picture ${number} of the contract, ` +
    `row ${goodRow.toFixed(0)}, column ${goodColumn.toFixed(0)}`,
);

function largest(values) {
  return values.reduce((best, value, k) => (value > values[best] ? k : best), 0);
}
