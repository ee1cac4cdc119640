/** What training leaves behind: weights, how common each feature is, and the temperature; as one text, bundled with the program. */
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { DIMENSIONS } from "./features.ts";

export interface TrainedClasses {
  /** Names of workers, and `""` for what is no task of this crew. */
  readonly classes: readonly string[];
  readonly bias: readonly number[];
  /** Class by class, {@link DIMENSIONS} each. */
  readonly weights: Float32Array;
  /** Inverse document frequency of each feature, natural logarithm; largest for what training never saw. */
  readonly idf: Float32Array;
  /** Divides the logits before they become probabilities. */
  readonly temperature: number;
}

interface Head extends Pick<TrainedClasses, "classes" | "bias" | "temperature"> {
  readonly dimensions: number;
  /** A weight is its byte times this, by class. */
  readonly scales: readonly number[];
  readonly idfScale: number;
}

/** One line of JSON, then the bytes, compressed, as base64. */
export function packClasses(trained: TrainedClasses): string {
  const { classes, weights, idf } = trained;
  const scales = classes.map((_, at) => largest(weights.subarray(at * DIMENSIONS, (at + 1) * DIMENSIONS)) / 127);
  const idfScale = largest(idf) / 255;
  const bytes = new Uint8Array((classes.length + 1) * DIMENSIONS);
  weights.forEach((weight, at) => (bytes[at] = Math.round(weight / (scales[Math.floor(at / DIMENSIONS)] ?? 1)) & 0xff));
  idf.forEach((value, at) => (bytes[classes.length * DIMENSIONS + at] = Math.round(value / idfScale)));
  const head: Head = { classes, bias: trained.bias, temperature: trained.temperature, dimensions: DIMENSIONS, scales, idfScale };
  const packed = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } });
  return `${JSON.stringify(head)}\n${packed.toString("base64")}\n`;
}

export function unpackClasses(text: string): TrainedClasses {
  const end = text.indexOf("\n");
  const head = JSON.parse(text.slice(0, end)) as Head;
  if (head.dimensions !== DIMENSIONS) throw new Error("the classifier's weights were trained for other features: npm run train-router");
  const bytes = brotliDecompressSync(Buffer.from(text.slice(end + 1), "base64"));
  const signed = new Int8Array(bytes.buffer, bytes.byteOffset, head.classes.length * DIMENSIONS);
  const weights = new Float32Array(signed.length);
  for (let at = 0; at < signed.length; at += 1) weights[at] = (signed[at] ?? 0) * (head.scales[(at / DIMENSIONS) | 0] ?? 0);
  const idf = Float32Array.from(bytes.subarray(signed.length), (value) => value * head.idfScale);
  return { classes: head.classes, bias: head.bias, temperature: head.temperature, weights, idf };
}

function largest(values: Float32Array): number {
  let most = 1e-9;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}
