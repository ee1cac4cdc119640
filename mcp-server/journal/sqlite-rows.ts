/** The journal's rows out of its SQLite file, read in one transaction on a connection of its own. */
import type { Database, Statement } from "better-sqlite3";
import type { ChainedRows, EventRow, HeadRow, TipRow } from "./chained-rows.ts";
import type { LogRow } from "./log-format.ts";
import { schemaVersion } from "./migrations.ts";
import { openDatabase } from "./open-database.ts";

const STAYS = "run NOT IN (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'removing')";

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

/**
 * Each kind of row has one statement, so of each kind only one iteration may be under way.
 * @param options.signed does the schema know the signed log?
 */
export function rowsOf(db: Database, { signed }: { readonly signed: boolean }): ChainedRows {
  const statements = new Map<string, Statement>();
  // A statement is memory outside the heap that the collector does not see: made for each row they would fill it.
  const sql = (text: string): Statement => {
    const statement = statements.get(text) ?? db.prepare(text);
    statements.set(text, statement);
    return statement;
  };
  const one = (text: string, ...values: readonly unknown[]): unknown => sql(text).get(...values) ?? null;
  const column = (text: string, ...values: readonly unknown[]): unknown => {
    const row = sql(text).get(...values) as Record<string, unknown> | undefined;
    return row === undefined ? null : (Object.values(row)[0] ?? null);
  };
  const each = (text: string, ...values: readonly unknown[]): Iterable<unknown> => sql(text).iterate(...values);
  const log = "SELECT position, time, kind, run_id, data, hash FROM log";
  return {
    damage: () => {
      const verdict = String(db.pragma("integrity_check(1)", { simple: true }));
      return verdict === "ok" ? null : verdict;
    },
    tip: () => (signed ? (one("SELECT count, hash, key, signature FROM log_tip WHERE id = 1") as TipRow | null) : null),
    log: () => (signed ? (each(`${log} ORDER BY position`) as Iterable<LogRow>) : []),
    logOf: (runId) => (signed ? (sql(`${log} WHERE run_id = ? ORDER BY position`).all(runId) as LogRow[]) : []),
    // A run that is on its way out is out already: the log says so.
    runs: () => each(`SELECT run, run_id FROM run_keys WHERE ${STAYS} ORDER BY run`) as Iterable<{ run: number; run_id: string }>,
    run: (runId) => column(`SELECT run FROM run_keys WHERE run_id = ? AND ${STAYS}`, runId) as number | null,
    events: (run) =>
      each("SELECT seq, time, epoch, kind, path, cause, data, hash FROM events WHERE run = ? ORDER BY seq", run) as Iterable<EventRow>,
    eventHash: (run, seq) => column("SELECT hash FROM events WHERE run = ? AND seq = ?", run, seq) as Buffer | null,
    strays: () => Number(column("SELECT count(*) FROM events WHERE run NOT IN (SELECT run FROM run_keys)")),
    head: (run) => (signed ? (one("SELECT seq, hash, epoch, signature FROM run_heads WHERE run = ?", run) as HeadRow | null) : null),
    payload: (hash) => column("SELECT body FROM blobs WHERE hash = ?", Buffer.from(hash, "hex")) as Buffer | null,
  };
}
