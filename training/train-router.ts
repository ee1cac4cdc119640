/**
 * Trains the local classifier and writes `mcp-server/routing/trained.weights`: `npm run train-router`. Deterministic. What it is
 * measured on (`requests/held-out-*`) is read for one number alone, the temperature, and only a fixed third of it.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DIMENSIONS, featuresOf } from "../mcp-server/routing/features.ts";
import { packClasses } from "../mcp-server/routing/trained-classes.ts";
import { makeRequests } from "./grammar.ts";
import { isForTemperature, loadRequests, variantsOf } from "./requests.ts";
import { logits, softmax, trainSoftmax, type Example } from "./softmax.ts";

const CLASSES = ["architect", "coder", "debugger", "researcher", "reviewer", "writer", ""];
const MADE_PER_WORKER = 500;
const SEED = 3;

const began = Date.now();
const classOf = (worker: string | null): number => CLASSES.indexOf(worker ?? "");
const examples: readonly Example[] = [
  ...makeRequests(MADE_PER_WORKER, SEED).map(({ text, worker }) => ({ features: featuresOf(text), label: classOf(worker), weight: 0.4 })),
  ...loadRequests("train").flatMap((request) =>
    variantsOf(request).map((text, at) => ({ features: featuresOf(text), label: classOf(request.worker), weight: at === 0 ? 1 : 0.5 })),
  ),
];
const trained = trainSoftmax(examples, { classes: CLASSES.length, epochs: 8, rate: 0.15, decay: 0.0005, seed: 1 });

const seen = new Uint32Array(DIMENSIONS);
for (const { features } of examples) for (const index of features.index) seen[index] = (seen[index] ?? 0) + 1;
const idf = Float32Array.from(seen, (count) => Math.log((examples.length + 1) / (count + 1)));

const tuning = loadRequests("held-out")
  .filter((_, at) => isForTemperature(at))
  .map((request) => ({ scores: logits(trained, featuresOf(request.text), CLASSES.length), label: classOf(request.worker) }));
const surprise = (temperature: number): number =>
  tuning.reduce((sum, { scores, label }) => sum - Math.log((softmax(scores, temperature)[label] ?? 0) + 1e-9), 0) / tuning.length;
const temperatures = Array.from({ length: 60 }, (_, at) => 0.3 + at * 0.05);
const temperature = temperatures.reduce((best, each) => (surprise(each) < surprise(best) ? each : best));

const file = join(import.meta.dirname, "../mcp-server/routing/trained.weights");
const text = packClasses({ classes: CLASSES, bias: [...trained.bias], weights: trained.weights, idf, temperature });
writeFileSync(file, text);
process.stdout.write(
  `${examples.length} examples, temperature ${temperature.toFixed(2)}, ${(text.length / 1024).toFixed(0)} KiB, ${((Date.now() - began) / 1000).toFixed(1)} s\n`,
);
