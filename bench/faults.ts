/**
 * How runs fare when many come at once and when providers fail: `npm run bench -- faults [tasks] [seed]`. The task is that of the other
 * benchmarks (11 model calls, 5 of them one after the other).
 */
import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openService } from "../mcp-server/compose.ts";
import type { Service } from "../mcp-server/service.ts";
import type { RunView } from "../shared/run-view.ts";
import { print } from "./measure.ts";
import { FILE_BYTES, FILES } from "./task.ts";

const tasks = Number(process.argv[2] ?? 100);
const seed = Number(process.argv[3] ?? 1);
const folder = mkdtempSync(join(tmpdir(), "bosun-faults-"));
const workspace = join(folder, "workspace");
mkdirSync(workspace);
for (const name of FILES) writeFileSync(join(workspace, name), `${"x".repeat(78)}\n`.repeat(FILE_BYTES / 79));

/** Calls of a task that wait for each other: the plan, three turns, the last words. */
const DEPTH = 5;
const MODEL_MS = 500;
const IDLE_SECONDS = 2;

interface Provider {
  readonly url: string;
  readonly child: ChildProcessWithoutNullStreams;
}

async function startProvider(delayMs: number, share: number): Promise<Provider> {
  // This file is bundled into dist/bench; the server runs as it is.
  const script = join(import.meta.dirname, "../../bench/faulty-server.ts");
  const child = spawn(process.execPath, [script, String(delayMs), String(share), String(seed)], { stdio: ["pipe", "pipe", "pipe"] });
  child.stderr.pipe(process.stderr);
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { url: line.toString().trim(), child };
}

let opened = 0;

/** @param models of all tiers, in order of preference */
function open(providers: Readonly<Record<string, Provider>>, models: readonly string[]): Service {
  const home = join(folder, `home-${(opened += 1)}`);
  mkdirSync(home, { mode: 0o700 });
  const config = {
    providers: Object.fromEntries(Object.entries(providers).map(([name, { url }]) => [name, { baseUrl: url }])),
    models: { small: models, medium: models, large: models, idleTimeoutSeconds: IDLE_SECONDS },
  };
  writeFileSync(join(home, "bosun.json"), JSON.stringify(config));
  const system = { platform: process.platform, env: { BOSUN_HOME: home }, homeDir: folder };
  return openService({ system, workspace, folder: workspace });
}

interface Outcome {
  readonly view: RunView;
  readonly ms: number;
}

async function task(service: Service, model?: string): Promise<Outcome> {
  const began = performance.now();
  const run = await service.startRun({ task: `Task ${Math.random()}: what do the files hold?`, ...(model === undefined ? {} : { model }) });
  const view = await service.settled(run);
  return { view, ms: performance.now() - began };
}

async function many(service: Service, count: number, parallel: number, model?: string): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  let begun = 0;
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      while (begun < count) {
        begun += 1;
        outcomes.push(await task(service, model));
      }
    }),
  );
  return outcomes;
}

function figures(outcomes: readonly Outcome[], modelMs: number): Readonly<Record<string, number>> {
  const beyond = outcomes.map(({ ms }) => (ms - modelMs) / 1000).toSorted((a, b) => a - b);
  return {
    "completed, of all": (100 * outcomes.filter(({ view }) => view.status === "completed").length) / outcomes.length,
    "beyond the model's own time, mean s": beyond.reduce((sum, each) => sum + each, 0) / beyond.length,
    "p95 s": beyond[Math.floor(beyond.length * 0.95)] ?? 0,
    "slowest s": beyond.at(-1) ?? 0,
    "model calls a task": outcomes.reduce((sum, { view }) => sum + view.usage.model_calls, 0) / outcomes.length,
  };
}

function printEnds(outcomes: readonly Outcome[]): void {
  for (const { view } of outcomes.filter(({ view: { status } }) => status !== "completed").slice(0, 3))
    process.stdout.write(`    ${view.status}: ${view.error?.message ?? ""}\n`);
}

async function load(): Promise<void> {
  const provider = await startProvider(MODEL_MS, 0);
  const service = open({ one: provider }, ["one:m"]);
  const outcomes = await many(service, tasks, tasks);
  print(`${tasks} tasks at once, model ${MODEL_MS} ms`, figures(outcomes, DEPTH * MODEL_MS));
  printEnds(outcomes);
  await service.close();
  provider.child.stdin.end();
}

async function failing(share: number): Promise<void> {
  const provider = await startProvider(20, share);
  const service = open({ one: provider }, ["one:m"]);
  const outcomes = await many(service, tasks, 20);
  print(`${share * 100} % of answers fail in one of ten ways, one model, 20 tasks at once, seed ${seed}`, figures(outcomes, DEPTH * 20));
  printEnds(outcomes);
  await service.close();
  provider.child.stdin.end();
}

/** Is a run on another provider slowed by one that fails; and does a run whose first model is down go on with the second? */
async function apart(): Promise<void> {
  const [well, ill] = await Promise.all([startProvider(20, 0), startProvider(20, 1)]);
  const service = open({ well, ill }, ["well:m"]);
  const alone = await many(service, 20, 4, "well:m");
  const failed = many(service, 20, 20, "ill:m");
  const beside = await many(service, 20, 4, "well:m");
  const mean = (outcomes: readonly Outcome[]): number => outcomes.reduce((sum, { ms }) => sum + ms, 0) / outcomes.length;
  print("a provider that always fails beside one that is well", {
    "task on the one that is well, alone, ms": mean(alone),
    "beside 20 runs on the one that fails, ms": mean(beside),
  });
  for (const { view } of await failed) if (view.status === "running") throw new Error("a run hangs");
  await service.close();
  const both = open({ well, ill }, ["ill:m", "well:m"]);
  const fallen = await many(both, 20, 4);
  print("the first model of the tier always fails, the second is well", figures(fallen, DEPTH * 20));
  printEnds(fallen);
  await both.close();
  well.child.stdin.end();
  ill.child.stdin.end();
}

try {
  await load();
  await failing(0.1);
  await failing(0.3);
  await apart();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
