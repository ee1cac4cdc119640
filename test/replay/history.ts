/** A run's journal as a file: its events and every payload they name. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import type { RunEvent } from "../../shared/events.ts";
import { BosunError } from "../../shared/errors.ts";
import type { ReplayResult } from "../../mcp-server/engine/port.ts";
import { replayRun } from "../../mcp-server/engine/replay-run.ts";
import type { AnyDurableFunction } from "../../mcp-server/engine/run-instance.ts";
import { fakeActivities, INPUT, openBench } from "../support/fake-crew.ts";
import { planTask, revertRun, runTask } from "../../mcp-server/supervisor/run-task.ts";
import type { Scenario } from "./scenario.ts";

export interface History {
  readonly events: readonly RunEvent[];
  /** Text by SHA-256. */
  readonly blobs: Readonly<Record<string, string>>;
}

const fileOf = (name: string): string => join(import.meta.dirname, "histories", `${name}.json`);

export function loadHistory(name: string): History {
  return JSON.parse(readFileSync(fileOf(name), "utf8")) as History;
}

export function saveHistory(name: string, history: History): void {
  writeFileSync(fileOf(name), `${JSON.stringify(history, null, 1)}\n`);
}

/** Carries a scenario out and gives its journal back. */
export async function record(scenario: Scenario): Promise<History> {
  const folder = mkdtempSync(join(tmpdir(), "bosun-history-"));
  let skipped = 0;
  const clock = { skip: (ms: number): number => (skipped += ms) };
  const world = typeof scenario.world === "function" ? scenario.world() : scenario.world;
  const bench = openBench(world, folder, () => Date.now() + skipped);
  const workflow = scenario.workflow ?? "task";
  const input = workflow === "revert" ? { run_id: "run_1" } : { ...INPUT, ...scenario.input };
  const runId = bench.engine.start({ workflow, session_id: null, input });
  for (let round = 0; round < 20; round += 1) {
    await bench.engine.settled(runId);
    if (bench.journal.run(runId).ended !== null) break;
    await scenario.act?.(bench, runId, clock);
  }
  const events = bench.journal.events(runId);
  await bench.engine.close();
  const db = new Database(join(folder, "journal.db"), { readonly: true });
  const rows = db.prepare("SELECT lower(hex(hash)) AS hash, body FROM blobs ORDER BY id").all() as { hash: string; body: Buffer }[];
  db.close();
  rmSync(folder, { recursive: true, force: true });
  if (events.at(-1)?.kind !== "run-ended") throw new Error("the scenario did not end");
  return { events, blobs: Object.fromEntries(rows.map((row) => [row.hash, row.body.toString("utf8")])) };
}

/** The durable functions by workflow. */
export const FUNCTIONS: Readonly<Record<string, AnyDurableFunction>> = { task: runTask, plan: planTask, revert: revertRun };

/** Replays with models and tools unplugged. @param functions by workflow */
export async function replay(history: History, functions: Readonly<Record<string, AnyDurableFunction>> = FUNCTIONS): Promise<ReplayResult> {
  const first = history.events[0];
  const fn = first?.kind === "run-started" ? functions[first.data.workflow] : undefined;
  if (first === undefined || fn === undefined) throw new Error("the history does not begin with a workflow that is known");
  const unplugged = fakeActivities({ model: () => unexpected() }).map((activity) => ({ ...activity, run: unexpected }));
  const get = (hash: string): Buffer => {
    const text = history.blobs[hash];
    if (text === undefined) throw new BosunError("not_found", `no payload ${hash}`);
    return Buffer.from(text);
  };
  const blobs = { get, has: (hash: string) => Object.hasOwn(history.blobs, hash), put: unexpected };
  return replayRun({
    runId: first.run_id,
    journal: { events: () => history.events, blobs },
    activities: new Map(unplugged.map((activity) => [activity.name, activity])),
    fn,
  });
}

function unexpected(): never {
  throw new Error("a replay must not do anything");
}
