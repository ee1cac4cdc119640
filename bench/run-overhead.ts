/**
 * What a run costs beside the floor: CPU per task and throughput, interleaved in one process; commits and bytes on disk per task; and
 * whether a long session stays as cheap as it began.
 * `npm run bench -- run-overhead [tasks per round] [rounds]`
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openService } from "../mcp-server/compose.ts";
import type { Service } from "../mcp-server/service.ts";
import { bytesOf, countCommits, journalIn } from "./journal-file.ts";
import { measure, median, print } from "./measure.ts";
import type { Measured } from "./measure.ts";
import { openFloor } from "./open-floor.ts";
import { FILE_BYTES, FILES } from "./task.ts";

const tasks = Number(process.argv[2] ?? 100);
const rounds = Number(process.argv[3] ?? 5);
const folder = mkdtempSync(join(tmpdir(), "bosun-bench-"));
const workspace = join(folder, "workspace");
mkdirSync(workspace);
for (const name of FILES) writeFileSync(join(workspace, name), `${"x".repeat(78)}\n`.repeat(FILE_BYTES / 79));

/** Tasks of each kind before anything is measured. */
const WARM = 100;
const SESSION_RUNS = 30;
const SESSIONS = 5;
const SESSION_ENDS = 5;
const commits = countCommits();

let told = 0;

/** No two tasks are the same: what is equal is stored once. */
function newTask(): string {
  return `Benchmark task ${(told += 1)}: what do the files hold?`;
}

async function bosunTask(service: Service, session?: string): Promise<void> {
  const task = newTask();
  const run = await service.settled(await service.startRun({ task, ...(session === undefined ? {} : { session_id: session }) }));
  if (run.status !== "completed") throw new Error(`${run.status}: ${run.error?.message ?? ""}`);
}

async function compare(delayMs: number, parallel: number): Promise<void> {
  // This file is bundled into dist/bench; the server runs as it is.
  const server = spawn(process.execPath, [join(import.meta.dirname, "../../bench/server.ts"), String(delayMs)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [line] = (await once(server.stdout, "data")) as [Buffer];
  const baseUrl = line.toString().trim();
  const env = {
    BOSUN_HOME: join(folder, `home-${delayMs}`),
    OPENAI_API_KEY: "bench",
    OPENAI_BASE_URL: baseUrl,
    BOSUN_MODEL: "openai:bench",
  };
  const service = openService({ system: { platform: process.platform, env, homeDir: folder }, workspace, folder: workspace });
  const floor = openFloor({ file: join(folder, `floor-${delayMs}.db`), baseUrl, workspace });
  await measure(WARM, 4, () => floor.run(newTask()));
  await measure(WARM, 4, () => bosunTask(service));
  const results: { floor: Measured; bosun: Measured }[] = [];
  const before = { ...commits };
  for (let round = 0; round < rounds; round += 1) {
    const f = await measure(tasks, parallel, () => floor.run(newTask()));
    const b = await measure(tasks, parallel, () => bosunTask(service));
    results.push({ floor: f, bosun: b });
  }
  const made = { all: commits.all - before.all, flushed: commits.flushed - before.flushed };
  const middle = (pick: (each: (typeof results)[number]) => number): number => median(results.map(pick));
  print(`model ${delayMs} ms, ${parallel} at once`, {
    "floor CPU ms/task": middle((each) => each.floor.cpuMs),
    "bosun CPU ms/task": middle((each) => each.bosun.cpuMs),
    "CPU ratio": middle((each) => each.bosun.cpuMs / each.floor.cpuMs),
    "throughput of the floor, %": middle((each) => (100 * each.floor.wallMs) / each.bosun.wallMs),
    "bosun commits/task": made.all / (tasks * rounds),
    "bosun commits/task that are flushed": made.flushed / (tasks * rounds),
  });
  if (parallel === 1) await oneSession(service);
  floor.close();
  await service.close();
  server.stdin.end();
  const floorTasks = WARM + tasks * rounds;
  const bosunTasks = floorTasks + (parallel === 1 ? SESSION_RUNS * SESSIONS : 0);
  const bytes = bytesOf(journalIn(env.BOSUN_HOME));
  print("on disk", {
    "floor kB/task": statSync(join(folder, `floor-${delayMs}.db`)).size / floorTasks / 1000,
    "bosun kB/task": (bytes.events + bytes.blobs + bytes.projections) / bosunTasks / 1000,
    "of it events": bytes.events / bosunTasks / 1000,
    "of it payloads": bytes.blobs / bosunTasks / 1000,
    "of it projections": bytes.projections / bosunTasks / 1000,
  });
}

/** A session does not make its runs dearer as it grows. */
async function oneSession(service: Service): Promise<void> {
  const first: number[] = [];
  const last: number[] = [];
  for (let session = 0; session < SESSIONS; session += 1) {
    const cpuMs: number[] = [];
    for (let run = 1; run <= SESSION_RUNS; run += 1) cpuMs.push((await measure(1, 1, () => bosunTask(service, `bench-${session}`))).cpuMs);
    first.push(...cpuMs.slice(0, SESSION_ENDS));
    last.push(...cpuMs.slice(-SESSION_ENDS));
  }
  print(`a session of ${SESSION_RUNS} runs, ${SESSIONS} times`, {
    [`CPU ms/task, first ${SESSION_ENDS}`]: median(first),
    [`CPU ms/task, last ${SESSION_ENDS}`]: median(last),
    "last to first": median(last) / median(first),
  });
}

try {
  await compare(0, 1);
  await compare(50, 50);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
