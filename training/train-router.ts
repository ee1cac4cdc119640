/**
 * Trains the local classifier and writes `mcp-server/routing/trained.weights`: `npm run train-router`. Deterministic. What it is
 * measured on (`requests/held-out-*`) is not read here.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DIMENSIONS, featuresOf } from "../mcp-server/routing/features.ts";
import { packClasses } from "../mcp-server/routing/trained-classes.ts";
import { makeRequests } from "./grammar.ts";
import { type LabelledRequest, loadRequests, variantsOf } from "./requests.ts";
import { type Example, logits, type Softmax, softmax, trainSoftmax } from "./softmax.ts";

const CLASSES = ["architect", "coder", "debugger", "researcher", "reviewer", "writer", ""];
const MADE_WEIGHT = 0.3;
/** How much a request of nobody counts: to do what nobody asked for is worse than to ask once too often. */
const NOBODY_WEIGHT = 2;
/** The hand that wrote this file wrote neither the other requests nor most frames: with it held back, training is judged as by a stranger. */
const STRANGER = "train-2";
const STRANGER_WEIGHT = 2;

const began = Date.now();
const classOf = (worker: string | null): number => CLASSES.indexOf(worker ?? "");

function exampleOf(text: string, worker: string | null, weight: number): Example {
  return { features: featuresOf(text), label: classOf(worker), weight: worker === null ? weight * NOBODY_WEIGHT : weight };
}

const strangers = loadRequests(STRANGER);
const isStranger = new Set(strangers.map(({ text }) => text));
const examplesOf = (requests: readonly LabelledRequest[], weight: number): readonly Example[] =>
  requests.flatMap((request) => variantsOf(request).map((text, at) => exampleOf(text, request.worker, at === 0 ? weight : weight / 2)));
const familiar: readonly Example[] = [
  ...makeRequests().map(({ text, worker }) => exampleOf(text, worker, MADE_WEIGHT)),
  ...examplesOf(
    loadRequests("train").filter(({ text }) => !isStranger.has(text)),
    1,
  ),
];
const examples: readonly Example[] = [...familiar, ...examplesOf(strangers, STRANGER_WEIGHT)];
const train = (given: readonly Example[]): Softmax =>
  trainSoftmax(given, { classes: CLASSES.length, epochs: 8, rate: 0.15, decay: 0.0005, seed: 1 });

const judge = train(familiar);
const judged = strangers.map(({ text, worker }) => ({
  scores: logits(judge, featuresOf(text), CLASSES.length),
  label: classOf(worker),
}));
const surprise = (temperature: number): number =>
  judged.reduce((sum, { scores, label }) => sum - Math.log((softmax(scores, temperature)[label] ?? 0) + 1e-9), 0) / judged.length;
const temperatures = Array.from({ length: 60 }, (_, at) => 0.3 + at * 0.05);
const temperature = temperatures.reduce((best, each) => (surprise(each) < surprise(best) ? each : best));

const trained = train(examples);
const seen = new Uint32Array(DIMENSIONS);
for (const { features } of examples) for (const index of features.index) seen[index] = (seen[index] ?? 0) + 1;
const idf = Float32Array.from(seen, (count) => Math.log((examples.length + 1) / (count + 1)));

const file = join(import.meta.dirname, "../mcp-server/routing/trained.weights");
const text = packClasses({ classes: CLASSES, bias: [...trained.bias], weights: trained.weights, idf, temperature });
writeFileSync(file, text);

const right = judged.filter(({ scores, label }) => scores.indexOf(Math.max(...scores)) === label).length;
process.stdout.write(
  `${examples.length} examples; of ${judged.length} requests of a hand that was held back ${((100 * right) / judged.length).toFixed(1)} % right, temperature ${temperature.toFixed(2)}\n` +
    `${(text.length / 1024).toFixed(0)} KiB, ${((Date.now() - began) / 1000).toFixed(1)} s\n`,
);
