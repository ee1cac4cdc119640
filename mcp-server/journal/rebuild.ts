/** Building the projections again from the events: run by run, in transactions of bounded size, with a mark that stands until all is done. */
import type { Database } from "better-sqlite3";
import type { RunEvent } from "../../shared/events.ts";
import { failpoint } from "../engine/failpoint.ts";
import { foldEvent, labelOf, startFold } from "./fold-run.ts";
import type { RunFold } from "./fold-run.ts";
import type { Sql } from "./open-database.ts";
import { PROJECTIONS, PROJECTIONS_VERSION } from "./projector.ts";
import type { ProjectedWith } from "./projector.ts";

export interface RebuildParts {
  readonly db: Database;
  readonly sql: (text: string) => Sql;
  readonly project: (run: number, event: RunEvent, at: ProjectedWith) => void;
  readonly save: (run: number, fold: RunFold) => void;
  /** Asked in each transaction. @throws BosunError conflict when another owner took over since */
  readonly assertOwner: () => void;
}

/** Events after which a transaction ends, at the end of the run that it is at. */
const EVENTS_PER_TRANSACTION = 2_000;
/** Events in memory at once. */
const PAGE = 500;
const UNFINISHED = "rebuilding";

/** Were the projections written by another version of the projector, or was a rebuild cut off? */
export function needsRebuild(sql: (text: string) => Sql): boolean {
  const rows = sql(`SELECT key, value FROM meta WHERE key IN ('projections', '${UNFINISHED}')`).all() as { key: string; value: string }[];
  const written = rows.find((row) => row.key === "projections")?.value;
  return written !== String(PROJECTIONS_VERSION) || rows.some((row) => row.key === UNFINISHED);
}

/** Killed at any point it leaves {@link needsRebuild} true; the next owner begins again. @returns how many runs were built */
export function rebuildProjections(parts: RebuildParts): number {
  const { db, sql, assertOwner } = parts;
  db.transaction(() => {
    assertOwner();
    sql(`INSERT INTO meta VALUES ('${UNFINISHED}', '1') ON CONFLICT (key) DO NOTHING`).run();
    for (const table of PROJECTIONS) sql(`DELETE FROM ${table} WHERE run NOT IN (SELECT run FROM run_keys)`).run();
  }).immediate();
  let at: number | null = 0;
  let runs = 0;
  while (at !== null) {
    failpoint("journal.rebuilding");
    const from: number = at;
    at = db
      .transaction(() => {
        assertOwner();
        let next: number | null = from;
        for (let events = 0; next !== null && events < EVENTS_PER_TRANSACTION;) {
          const key = nextRun(sql, next);
          if (key === null) return null;
          events += rebuildRun(parts, key);
          runs += 1;
          next = key.run;
        }
        return next;
      })
      .immediate();
  }
  db.transaction(() => {
    assertOwner();
    sql("INSERT INTO meta VALUES ('projections', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value").run(
      String(PROJECTIONS_VERSION),
    );
    sql(`DELETE FROM meta WHERE key = '${UNFINISHED}'`).run();
  }).immediate();
  return runs;
}

interface Key {
  readonly run: number;
  readonly run_id: string;
}

/** Runs that are on their way out have no projections any more. */
function nextRun(sql: RebuildParts["sql"], after: number): Key | null {
  const row = sql(
    `SELECT run, run_id FROM run_keys WHERE run > ? AND run NOT IN (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'removing')
     ORDER BY run LIMIT 1`,
  ).get(after) as Key | undefined;
  return row ?? null;
}

function rebuildRun({ sql, project, save }: RebuildParts, { run, run_id: runId }: Key): number {
  // An approval may stand under a wrong run in a table that is not sound: it would be in the way.
  sql(
    "DELETE FROM approvals WHERE approval_id IN (SELECT json_extract(data, '$.approval_id') FROM events WHERE run = ? AND kind = 'approval-requested')",
  ).run(run);
  for (const table of PROJECTIONS) sql(`DELETE FROM ${table} WHERE run = ?`).run(run);
  let fold: RunFold | null = null;
  let count = 0;
  for (let seq = 0; ;) {
    const rows = sql("SELECT seq, time, epoch, kind, path, cause, data FROM events WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?").all(
      run,
      seq,
      PAGE,
    ) as { readonly seq: number; readonly data: string }[];
    for (const row of rows) {
      const event = { ...row, run_id: runId, data: JSON.parse(row.data) as unknown } as RunEvent;
      const label = fold === null ? null : labelOf(fold, event);
      if (event.kind === "run-started") fold = startFold(event);
      else if (fold !== null) foldEvent(fold, event);
      if (fold !== null) project(run, event, { label, fold });
      seq = event.seq;
    }
    count += rows.length;
    if (rows.length < PAGE) break;
  }
  if (fold !== null) save(run, fold);
  return count;
}
