/**
 * How far one process goes: `npm run bench -- many-runs [live runs] [parked runs]`. Live: one-step runs with the scripted model, all begun
 * before the first may end. Parked: runs that wait for a signal; what they cost in memory, at start, and how long one takes to wake.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openService } from "../mcp-server/compose.ts";
import { createEmbeddedEngine } from "../mcp-server/engine/embedded-engine.ts";
import { createSqliteJournal } from "../mcp-server/journal/sqlite-journal.ts";
import type { AnyDurableFunction } from "../mcp-server/engine/run-instance.ts";

const live = Number(process.argv[2] ?? 10_000);
const parked = Number(process.argv[3] ?? 100_000);
const folder = mkdtempSync(join(tmpdir(), "bosun-many-"));

/** What is held after a collection, and what the process has from the system. */
function memory(): { readonly heapMb: number; readonly rssMb: number } {
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return { heapMb: heapUsed / 2 ** 20, rssMb: rss / 2 ** 20 };
}

function print(name: string, value: number, unit: string): void {
  process.stdout.write(`  ${name.padEnd(52)} ${value.toFixed(value < 10 ? 2 : 0)} ${unit}\n`);
}

async function manyLive(): Promise<void> {
  const workspace = join(folder, "workspace");
  const home = join(folder, "home");
  mkdirSync(workspace);
  mkdirSync(home, { mode: 0o700 });
  const script = join(folder, "script.json");
  // Long enough that the last run is begun before the first is answered.
  writeFileSync(script, JSON.stringify([{ when: { purpose: "work" }, reply: { content: "Done." }, delay_ms: 2_000 }]));
  writeFileSync(join(home, "bosun.json"), JSON.stringify({ run: { maxConcurrentRuns: live }, models: { maxConcurrentCalls: 10_000 } }));
  const env = { BOSUN_HOME: home, BOSUN_MODEL: `scripted:${script}` };
  const service = openService({ system: { platform: process.platform, env, homeDir: folder }, workspace, folder: workspace });
  const before = memory().rssMb;
  const began = performance.now();
  const ids = await Promise.all(
    Array.from({ length: live }, (_, index) => service.startRun({ task: `Task ${index}`, worker: "researcher" })),
  );
  const begun = performance.now();
  let most = 0;
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss / 2 ** 20)), 50);
  const views = await Promise.all(ids.map((id) => service.settled(id)));
  clearInterval(watch);
  const completed = views.filter((view) => view.status === "completed").length;
  process.stdout.write(`${live} live one-step runs, scripted model\n`);
  print("completed", completed, "runs");
  print("resident before", before, "MiB");
  print("resident at most", Math.max(most, process.resourceUsage().maxRSS / 1024), "MiB");
  print("begun in", (begun - began) / 1000, "s");
  print("all done in", (performance.now() - began) / 1000, "s");
  await service.close();
  if (completed !== live) process.exitCode = 1;
}

const wait: AnyDurableFunction = async (ctx) => {
  const answer = await ctx.signal("go", null, { for: "answer", question_id: "go", question: ctx.keep({ text: "Go on?", options: [] }) });
  return { ok: true, value: answer.kind };
};

async function manyParked(): Promise<void> {
  const file = join(folder, "parked.db");
  let runs = 0;
  const open = () => {
    const { journal } = createSqliteJournal({ file, now: Date.now });
    const engine = createEmbeddedEngine({
      journal,
      activities: [],
      workflows: [{ name: "wait", version: 1, fn: wait }],
      now: Date.now,
      newRunId: () => `run_${(runs += 1)}`,
    });
    return { journal, engine };
  };
  process.stdout.write(`${parked} parked runs\n`);
  const first = open();
  const none = memory();
  const began = performance.now();
  let few = none;
  for (let index = 0; index < parked; index += 1) {
    first.engine.start({ workflow: "wait", session_id: null, input: index });
    if (index % 200 === 199) await Promise.all(Array.from({ length: 200 }, (_, back) => first.engine.settled(`run_${runs - back}`)));
    if (index === 9_999) few = memory();
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
  print("parked in", (performance.now() - began) / 1000, "s");
  const all = memory();
  print("heap in use with none", none.heapMb, "MiB");
  print("heap in use with 10,000", few.heapMb, "MiB");
  print("heap in use with all", all.heapMb, "MiB");
  print("resident with 10,000", few.rssMb, "MiB");
  print("resident with all", all.rssMb, "MiB");
  await first.engine.close();
  print("journal", statSync(file).size / parked, "bytes a run");
  const opening = performance.now();
  const second = open();
  const recovered = second.engine.recover();
  print("opened and looked through in", performance.now() - opening, "ms");
  print("runs that had to be taken up", recovered.length, "runs");
  const wakes: number[] = [];
  for (let index = 0; index < 200; index += 1) {
    const id = `run_${1 + Math.floor((index * parked) / 200)}`;
    const at = performance.now();
    second.engine.signal(id, "go", "yes");
    await second.engine.settled(id);
    wakes.push(performance.now() - at);
    if (second.journal.run(id).ended?.status !== "completed") throw new Error(`${id} did not end`);
  }
  const sorted = wakes.toSorted((a, b) => a - b);
  print("a signal wakes one and brings it to its end, median", sorted[100] ?? 0, "ms");
  print("the slowest of 200", sorted[199] ?? 0, "ms");
  await second.engine.close();
}

try {
  if (live > 0) await manyLive();
  if (parked > 0) await manyParked();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
