/** Looking into a journal without owning it: is the file sound, and do its projections say what its events say? */
import type { Database } from "better-sqlite3";
import { migrate, schemaVersion } from "./migrations.ts";
import { damaged, isCorruption, loadDriver, openChecked } from "./open-database.ts";
import { PROJECTIONS } from "./projector.ts";
import { needsRebuild } from "./rebuild.ts";
import { SqliteJournal } from "./sqlite-owner.ts";
import { readFold } from "./stored-fold.ts";
import type { FoldRow } from "./stored-fold.ts";

export interface JournalFacts {
  readonly schema: number;
  readonly runs: number;
  readonly payloads: number;
  readonly payload_bytes: number;
  /** What SQLite finds wrong with the file; null when nothing. */
  readonly fault: string | null;
  readonly projections: ProjectionFacts;
  /** The run that put this change set up for approval and has not ended; null when there is none. */
  unfinishedRunOf(changeSetId: string): string | null;
  close(): void;
}

export type ProjectionFacts =
  | { readonly state: "equal"; readonly compared: number }
  | { readonly state: "different"; readonly compared: number; readonly runs: readonly string[] }
  /** Another version wrote them, or building them was cut off: the next owner builds them. */
  | { readonly state: "to be built" };

const SAMPLE_RUNS = 100;
const SAMPLE_EVENTS = 20_000;

/**
 * @returns null for a file without tables
 * @throws BosunError internal (damaged; it is marked, so that the next owner salvages it), conflict (newer schema)
 */
export function inspectJournal(file: string): JournalFacts | null {
  try {
    const db = openChecked(file, { readonly: true, check: false });
    try {
      const schema = schemaVersion(db);
      if (schema > 0) return factsOf(db, schema);
      db.close();
      return null;
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    throw isCorruption(error) ? damaged(file, error) : error;
  }
}

function factsOf(db: Database, schema: number): JournalFacts {
  const verdict = String(db.pragma("quick_check(1)", { simple: true }));
  if (verdict !== "ok") damaged(db.name, new Error(verdict));
  const { runs } = db.prepare("SELECT count(*) AS runs FROM run_keys").get() as { runs: number };
  const payloads = db.prepare("SELECT count(*) AS payloads, coalesce(sum(length(body)), 0) AS payload_bytes FROM blobs").get() as {
    payloads: number;
    payload_bytes: number;
  };
  const unfinished = db.prepare(
    "SELECT run_id FROM approvals JOIN runs USING (run) JOIN run_keys USING (run) WHERE ended = 0 AND json_extract(request, '$.change_set_id') = ?",
  );
  return {
    schema,
    runs,
    ...payloads,
    fault: verdict === "ok" ? null : verdict,
    projections: compareProjections(db),
    unfinishedRunOf: (id) => (unfinished.pluck().get(id) as string | undefined) ?? null,
    close: () => db.close(),
  };
}

/** Builds the newest runs again in memory, and compares row by row. */
function compareProjections(db: Database): ProjectionFacts {
  if (needsRebuild((text) => db.prepare(text))) return { state: "to be built" };
  const copy = new (loadDriver())(":memory:");
  try {
    migrate(copy);
    return db.transaction((): ProjectionFacts => {
      const runs = copyNewest(db, copy);
      new SqliteJournal(copy, () => 0, undefined).rebuild();
      const different = runs.filter(({ run }) => PROJECTIONS.some((table) => rowsOf(db, table, run) !== rowsOf(copy, table, run)));
      return different.length === 0
        ? { state: "equal", compared: runs.length }
        : { state: "different", compared: runs.length, runs: different.map((each) => each.run_id) };
    })();
  } finally {
    copy.close();
  }
}

interface Key {
  readonly run: number;
  readonly run_id: string;
}

function copyNewest(db: Database, copy: Database): readonly Key[] {
  const size = db.prepare("SELECT count(*) AS n FROM events WHERE run = ?");
  const runs: Key[] = [];
  let events = 0;
  for (const key of db.prepare(`SELECT run, run_id FROM run_keys ORDER BY run DESC LIMIT ${SAMPLE_RUNS}`).all() as Key[]) {
    const { n } = size.get(key.run) as { n: number };
    events += n;
    if (runs.length > 0 && events > SAMPLE_EVENTS) break;
    runs.push(key);
    copy.prepare("INSERT INTO run_keys VALUES (?, ?)").run(key.run, key.run_id);
    const insert = copy.prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    const rows = db.prepare("SELECT position, run, seq, time, epoch, kind, path, cause, data, hash FROM events WHERE run = ?").raw();
    copy.transaction(() => {
      for (const row of rows.iterate(key.run) as IterableIterator<unknown[]>) insert.run(...row);
    })();
  }
  return runs;
}

/** Of a run's row in `runs` the fold is compared as a reader has it, for it is not stored with each event. */
function rowsOf(db: Database, table: (typeof PROJECTIONS)[number], run: number): string {
  if (table === "runs") {
    const rows = db.prepare("SELECT run, status, session_id, parent, ended, fold FROM runs WHERE run = ?").all(run) as FoldRow[];
    return JSON.stringify(rows.map((row) => ({ ...row, fold: readFold((text) => db.prepare(text), row, false) })));
  }
  return JSON.stringify(
    (db.prepare(`SELECT * FROM ${table} WHERE run = ?`).raw().all(run) as unknown[][]).map((row) => JSON.stringify(row)).toSorted(),
  );
}
