/** The journal's rows out of its SQLite file, read in one transaction on a connection of its own. */
import type { Database } from "better-sqlite3";
import type { ChainedRows, EventRow, HeadRow, TipRow } from "./chained-rows.ts";
import type { LogRow } from "./log-format.ts";
import { schemaVersion } from "./migrations.ts";
import { openDatabase } from "./open-database.ts";

/** Null when there is nothing in the file yet. @throws BosunError internal when it is damaged */
export function openRows(file: string): { readonly rows: ChainedRows; readonly close: () => void } | null {
  const { db } = openDatabase(file, { readonly: true, check: false });
  const version = schemaVersion(db);
  if (version === 0) {
    db.close();
    return null;
  }
  db.exec("BEGIN");
  return { rows: rowsOf(db, { signed: version >= 2 }), close: () => db.close() };
}

/** @param options.signed does the schema know the signed log? */
export function rowsOf(db: Database, { signed }: { readonly signed: boolean }): ChainedRows {
  const log = "SELECT position, time, kind, run_id, data, hash FROM log";
  const ifSigned = <T>(read: () => T, otherwise: T): T => (signed ? read() : otherwise);
  return {
    damage: () => {
      const verdict = String(db.pragma("integrity_check(1)", { simple: true }));
      return verdict === "ok" ? null : verdict;
    },
    tip: () => ifSigned(() => (db.prepare("SELECT count, hash, key, signature FROM log_tip WHERE id = 1").get() as TipRow) ?? null, null),
    log: () => ifSigned(() => db.prepare(`${log} ORDER BY position`).iterate() as Iterable<LogRow>, []),
    logOf: (runId) => ifSigned(() => db.prepare(`${log} WHERE run_id = ? ORDER BY position`).all(runId) as LogRow[], []),
    runs: () => db.prepare("SELECT run, run_id FROM run_keys ORDER BY run").iterate() as Iterable<{ run: number; run_id: string }>,
    run: (runId) => (db.prepare("SELECT run FROM run_keys WHERE run_id = ?").pluck().get(runId) as number | undefined) ?? null,
    events: (run) =>
      db
        .prepare("SELECT seq, time, epoch, kind, path, cause, data, hash FROM events WHERE run = ? ORDER BY seq")
        .iterate(run) as Iterable<EventRow>,
    eventHash: (run, seq) =>
      (db.prepare("SELECT hash FROM events WHERE run = ? AND seq = ?").pluck().get(run, seq) as Buffer | undefined) ?? null,
    strays: () => db.prepare("SELECT count(*) FROM events WHERE run NOT IN (SELECT run FROM run_keys)").pluck().get() as number,
    head: (run) =>
      ifSigned(() => (db.prepare("SELECT seq, hash, epoch, signature FROM run_heads WHERE run = ?").get(run) as HeadRow) ?? null, null),
    payload: (hash) =>
      (db.prepare("SELECT body FROM blobs WHERE hash = ?").pluck().get(Buffer.from(hash, "hex")) as Buffer | undefined) ?? null,
  };
}
