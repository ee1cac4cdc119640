/**
 * The local classifier on requests that it was not trained with: accuracy, confusion, calibration, time; beside multinomial naive Bayes
 * over words, trained on the same requests in this process.
 * `npm run bench -- router [file with other goals, one JSON object {"task", "source"} a line]`
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { RoutableWorker } from "../shared/routing.ts";
import { createTaskClassifier } from "../mcp-server/routing/classify.ts";
import { createToolRegistry } from "../mcp-server/tools/registry.ts";
import { loadBuiltinWorkers } from "../mcp-server/workers/builtin.ts";
import { makeRequests } from "../training/grammar.ts";
import { type LabelledRequest, loadRequests } from "../training/requests.ts";

const ASK_BELOW = 0.45;
const SURE_ABOVE = 0.75;
const NONE = "(none)";

const root = join(import.meta.dirname, "../..");
const folder = join(root, "training/requests");
const FILES = ["held-out-1", "held-out-2", "held-out-3", "held-out-4"];
const requests = FILES.flatMap((file) => loadRequests(file, folder).map((request) => ({ ...request, file })));
const training = loadRequests("train", folder);
const crew: readonly RoutableWorker[] = loadBuiltinWorkers([...createToolRegistry().keys(), "give_up"]);
const classify = createTaskClassifier();
const print = (text = ""): void => void process.stdout.write(`${text}\n`);

interface Judged extends LabelledRequest {
  readonly file: string;
  readonly guessed: string;
  readonly confidence: number;
  /** The worker is right; or there is none, and the person would be asked. */
  readonly right: boolean;
}

const judged: readonly Judged[] = requests.map((request) => {
  const { worker, confidence } = classify(request.text, crew);
  const guessed = confidence < ASK_BELOW ? NONE : worker;
  return { ...request, guessed, confidence, right: request.worker === null ? guessed === NONE : worker === request.worker };
});

/** Share with its 95 % interval (Wilson). */
function share(right: number, all: number): string {
  if (all === 0) return "-";
  const z = 1.96;
  const p = right / all;
  const middle = (p + (z * z) / (2 * all)) / (1 + (z * z) / all);
  const half = (z * Math.sqrt((p * (1 - p)) / all + (z * z) / (4 * all * all))) / (1 + (z * z) / all);
  const percent = (value: number): string => (100 * value).toFixed(1);
  return `${percent(p)} % (${percent(middle - half)} to ${percent(middle + half)}, n = ${all})`;
}

function accuracy(some: readonly Judged[]): string {
  return share(some.filter((each) => each.right).length, some.length);
}

const tasks = judged.filter((each) => each.worker !== null);
const others = judged.filter((each) => each.worker === null);
print(`${requests.length} requests that it was not trained with`);
print(`right worker, or asked where there is none: ${accuracy(judged)}`);
print(`right worker, of tasks for the crew: ${accuracy(tasks)}`);
print(`asked, of what is no task for it: ${accuracy(others)}`);
print(`asked, of tasks for the crew: ${share(tasks.filter((each) => each.guessed === NONE).length, tasks.length)}`);
print(`right worker, where not asked: ${accuracy(tasks.filter((each) => each.guessed !== NONE))}`);
const sure = judged.filter((each) => each.confidence >= SURE_ABOVE);
print(
  `right where the confidence is ${SURE_ABOVE} or more: ${share(sure.filter((each) => each.guessed === each.worker).length, sure.length)}`,
);
for (const file of FILES) print(`  ${file}: ${accuracy(judged.filter((each) => each.file === file))}`);
for (const kind of ["command", "question", "issue", "chat"]) print(`  ${kind}: ${accuracy(judged.filter((each) => each.kind === kind))}`);
print(
  `  English: ${accuracy(judged.filter((each) => each.lang === "en"))}; other languages: ${accuracy(judged.filter((each) => each.lang !== "en"))}`,
);

print("\nconfusion (rows: whose it is; columns: who gets it)");
const names = [...crew.map((worker) => worker.name), NONE];
print(["".padEnd(11), ...names.map((name) => name.slice(0, 10).padStart(11))].join(""));
for (const row of names) {
  const own = judged.filter((each) => (each.worker ?? NONE) === row);
  print([row.padEnd(11), ...names.map((name) => String(own.filter((each) => each.guessed === name).length).padStart(11))].join(""));
}

print("\ncalibration (confidence of the best worker; how often it is the right one)");
let error = 0;
for (let from = 0; from < 1; from += 0.2) {
  const bin = judged.filter((each) => each.confidence >= from && (each.confidence < from + 0.2 || from > 0.79));
  const said = bin.reduce((sum, each) => sum + each.confidence, 0) / Math.max(1, bin.length);
  const right = bin.filter((each) => classify(each.text, crew).worker === each.worker).length;
  error += (Math.abs(said - right / Math.max(1, bin.length)) * bin.length) / judged.length;
  print(`  ${from.toFixed(1)} to ${(from + 0.2).toFixed(1)}: said ${said.toFixed(2)}, right ${share(right, bin.length)}`);
}
print(`expected calibration error ${error.toFixed(3)}`);

/** The plainest trained model there is, to see what the rest is worth. */
function naiveBayes(): (text: string) => string {
  const wordsOf = (text: string): readonly string[] => text.toLowerCase().match(/[\p{L}\d]+/gu) ?? [];
  const counts = new Map<string, Map<string, number>>();
  const totals = new Map<string, number>();
  const vocabulary = new Set<string>();
  for (const { text, worker } of [...training, ...makeRequests()]) {
    const label = worker ?? NONE;
    const own = counts.get(label) ?? new Map<string, number>();
    counts.set(label, own);
    for (const word of wordsOf(text)) {
      own.set(word, (own.get(word) ?? 0) + 1);
      totals.set(label, (totals.get(label) ?? 0) + 1);
      vocabulary.add(word);
    }
  }
  return (text) => {
    const scores = [...counts].map(([label, own]) => {
      const all = (totals.get(label) ?? 0) + vocabulary.size;
      return { label, score: wordsOf(text).reduce((sum, word) => sum + Math.log(((own.get(word) ?? 0) + 1) / all), 0) };
    });
    return scores.reduce((best, each) => (each.score > best.score ? each : best)).label;
  };
}
const plain = naiveBayes();
const plainRight = requests.filter(({ text, worker }) => plain(text) === (worker ?? NONE)).length;
print(`\nnaive Bayes over words, trained on the same: ${share(plainRight, requests.length)}`);

function timed(act: (text: string) => unknown): readonly number[] {
  for (const { text } of requests) act(text);
  const times = Array.from({ length: 5 }, () =>
    requests.map(({ text }) => {
      const began = performance.now();
      act(text);
      return performance.now() - began;
    }),
  ).flat();
  return times.toSorted((a, b) => a - b);
}
const at = (times: readonly number[], part: number): string => (times[Math.floor(times.length * part)] ?? 0).toFixed(3);
const own = timed((text) => classify(text, crew));
const beside = timed(plain);
const sum = (times: readonly number[]): number => times.reduce((total, each) => total + each, 0);
print(`time per request: p50 ${at(own, 0.5)} ms, p95 ${at(own, 0.95)} ms; ${(sum(own) / sum(beside)).toFixed(1)} times naive Bayes`);
const long = "The login page crashes when I open it. See the log below.\n".repeat(1_700);
const huge = timed(() => classify(long, crew));
print(`a task of ${long.length.toLocaleString("en")} characters: p50 ${at(huge, 0.5)} ms, p95 ${at(huge, 0.95)} ms`);
print(`weights: ${(statSync(join(root, "mcp-server/routing/trained.weights")).size / 1024).toFixed(0)} KiB`);

const file = process.argv[2];
if (file === undefined) print("\nother goals: no file was named");
else {
  const goals = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as { readonly task: string; readonly source: string });
  print(`\n${goals.length} goals of other agents; those of households, shops, facts and travel are no task for this crew`);
  for (const source of [...new Set(goals.map((goal) => goal.source))].toSorted()) {
    const some = goals.filter((goal) => goal.source === source).map((goal) => classify(goal.task, crew));
    const asked = some.filter((guess) => guess.confidence < ASK_BELOW).length;
    const firm = some.filter((guess) => guess.confidence >= SURE_ABOVE).length;
    print(`  ${source}: asked ${share(asked, some.length)}; followed without a word ${share(firm, some.length)}`);
  }
}
