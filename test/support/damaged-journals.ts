/** Journals of real runs, damaged at random places, against what must hold of every salvage. */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect } from "vitest";
import type { RunEvent } from "../../shared/events.ts";
import { toErrorValue } from "../../shared/errors.ts";
import { PAGE_BYTES } from "../../mcp-server/journal/open-database.ts";
import { createSqliteJournal } from "../../mcp-server/journal/sqlite-journal.ts";
import type { Activities, BareEngine, Fn } from "./bare-engine.ts";
import { openBareEngine } from "./bare-engine.ts";
import { temporaryFolder } from "./journal-fixture.ts";
import { seeded } from "./random-kills.ts";

const RUNS = 40;
const PAGE = PAGE_BYTES;

/** Three effects with a wait before each of the last two; everything is large enough to be a payload. */
const program: Fn = async (ctx, input) => {
  const words = (input as { words: string }).words;
  for (const part of ["one", "two", "three"]) {
    await ctx.call("read", `${part} ${words}`);
    const outcome = await ctx.call("write", part);
    if (!outcome.ok) return outcome;
    if (part !== "three") await ctx.signal(`after ${part}`, null, { for: "timer" });
  }
  return { ok: true, value: words };
};

/** `done` outlives every process, as the world does. */
function activitiesOf(done: Map<string, number>): Activities {
  return {
    read: { run: async (input: unknown) => `read ${String(input)}` },
    write: {
      kind: "effect",
      run: async (input: unknown, ctx) => {
        const key = `${ctx.runId} ${String(input)}`;
        done.set(key, (done.get(key) ?? 0) + 1);
        return input;
      },
    },
  };
}

interface Original {
  readonly file: string;
  readonly events: ReadonlyMap<string, readonly RunEvent[]>;
  readonly done: ReadonlyMap<string, number>;
}

/** A third of the runs has ended; the others wait after their first or second effect. */
export async function writeJournal(): Promise<Original> {
  const done = new Map<string, number>();
  const at = openBareEngine(program, activitiesOf(done));
  const ids = Array.from({ length: RUNS }, (_, index) => at.start({ input: { words: `${index} `.repeat(500) } }));
  const go = async (chosen: readonly string[], name: string): Promise<void> => {
    for (const id of chosen) await at.engine.settled(id);
    for (const id of chosen) at.engine.signal(id, name, "go");
    for (const id of chosen) await untilQuiet(at, id);
  };
  for (const id of ids) await untilQuiet(at, id);
  await go(
    ids.filter((_, index) => index % 3 !== 0),
    "after one",
  );
  await go(
    ids.filter((_, index) => index % 3 === 1),
    "after two",
  );
  const events = new Map(ids.map((id) => [id, at.journal.events(id)]));
  expect(ids.filter((id) => at.journal.run(id).ended !== null)).toHaveLength(Math.floor((RUNS + 1) / 3));
  const file = join(temporaryFolder(), "original.db");
  new Database(at.file).exec(`VACUUM INTO '${file}'`).close();
  await at.close();
  return { file, events, done };
}

async function untilQuiet(at: BareEngine, id: string): Promise<void> {
  for (;;) {
    await at.engine.settled(id);
    const { ended, waits, held } = at.journal.run(id);
    if (ended !== null || held !== null || Object.keys(waits).length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

type Random = () => number;

function damage(bytes: Buffer, random: Random): { readonly bytes: Buffer; readonly how: string } {
  const pages = Math.floor(bytes.length / PAGE);
  const pick = (): number => Math.floor(random() * pages);
  const kind = random();
  if (kind < 0.12) {
    const length = Math.floor(random() * bytes.length);
    return { bytes: bytes.subarray(0, length), how: `cut off at ${length}` };
  }
  if (kind < 0.16) return { bytes: Buffer.from("no database\n".repeat(500)), how: "not a database" };
  const count = 1 + Math.floor(random() * 8);
  const places: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const page = pick();
    const at = page * PAGE;
    const how = random();
    if (how < 0.4) bytes.fill(0xa5, at, at + PAGE);
    else if (how < 0.6) bytes.fill(0, at, at + PAGE);
    else if (how < 0.8) bytes.copy(bytes, at, pick() * PAGE, (pick() + 1) * PAGE);
    else for (let flip = 0; flip < 20; flip += 1) bytes[at + Math.floor(random() * PAGE)] = Math.floor(random() * 256);
    places.push(String(page));
  }
  return { bytes, how: `pages ${places.join(", ")} of ${pages}` };
}

export interface Salvage {
  readonly whole: number;
  readonly cut: number;
}

/** @throws when anything does not hold @returns null when SQLite found nothing wrong with the file */
export async function salvageDamaged(original: Original, seed: number): Promise<Salvage | null> {
  const random = seeded(seed);
  const damaged = damage(readFileSync(original.file), random);
  const done = new Map(original.done);
  let salvaged = false;
  const at = openBareEngine(program, activitiesOf(done), {
    before: (file) => {
      copyFileSync(original.file, file);
      writeFileSync(file, damaged.bytes);
      const opened = createSqliteJournal({ file, now: Date.now, check: true });
      salvaged = opened.setAside !== null;
      opened.journal.close();
    },
  });
  try {
    return salvaged ? await checkSalvaged(at, original, done) : null;
  } catch (error) {
    throw new Error(`seed ${seed}, ${damaged.how}: ${toErrorValue(error).message}`, { cause: error });
  } finally {
    await at.close();
  }
}

async function checkSalvaged(at: BareEngine, original: Original, done: ReadonlyMap<string, number>): Promise<Salvage> {
  let [whole, cut] = [0, 0];
  const carried = at.journal.runs({ limit: 1_000 }).map((run) => run.run_id);
  for (const id of carried) {
    const before = original.events.get(id) ?? [];
    const now = at.journal.events(id);
    const isCut = now.some((event, index) => JSON.stringify(event) !== JSON.stringify(before[index]));
    const same = isCut ? now.findIndex((event, index) => JSON.stringify(event) !== JSON.stringify(before[index])) : now.length;
    expect(same, "a run begins as it did").toBeGreaterThan(0);
    const added = now.slice(same).map((event) => event.kind);
    expect(added.slice(0, -1).every((kind) => kind === "call-failed")).toBe(true);
    expect(added.at(-1) ?? "run-ended").toBe("run-ended");
    if (isCut) {
      cut += 1;
      expect(at.journal.run(id).ended, "a cut run has ended").toMatchObject({ status: "cancelled", error: { code: "uncertain_effect" } });
    } else {
      whole += 1;
      expect(now, "a whole run is all there").toHaveLength(before.length);
    }
    await replayOrMissing(at, id);
  }
  at.engine.recover();
  for (const name of ["after one", "after two"])
    for (const id of carried)
      if (at.journal.openWaits(id).some((wait) => wait.name === name)) {
        at.engine.signal(id, name, "go");
        await untilQuiet(at, id);
      }
  for (const [key, times] of done) expect(times, `times that "${key}" was done`).toBe(1);
  return { whole, cut };
}

/** A run whose payloads are lost says so, and nothing else is wrong with it. */
async function replayOrMissing(at: BareEngine, id: string): Promise<void> {
  const told = await at.engine.replay(id).then(
    (report) => (report.ok ? null : JSON.stringify(report.divergence)),
    (error: unknown) => toErrorValue(error).message,
  );
  if (told !== null) expect(told).toMatch(/payload [0-9a-f]{12} was removed or never kept/u);
}
