/** A run's fold as it is stored, and its events: what every reader of the SQLite file needs. */
import type { EventKind, RunEvent } from "../../shared/events.ts";
import type { EventRow } from "./chained-rows.ts";
import { foldEvent, startFold } from "./fold-run.ts";
import type { RunFold } from "./fold-run.ts";
import type { Sql } from "./open-database.ts";

export interface FoldRow {
  readonly run: number;
  readonly fold: string;
}

type Query = (text: string) => Pick<Sql, "all">;

/** Events of a run with a greater `seq`, in order. */
export function eventsAfter(sql: Query, at: { readonly run: number; readonly run_id: string; readonly seq: number }): readonly RunEvent[] {
  const rows = sql("SELECT seq, time, epoch, kind, path, cause, data FROM events WHERE run = ? AND seq > ? ORDER BY seq").all(
    at.run,
    at.seq,
  ) as Omit<EventRow, "hash">[];
  return rows.map((row) => eventOf(row, at.run_id));
}

/** The first events of a run that are of these kinds, in order. */
export function eventsOfKinds(
  sql: Query,
  at: { readonly run: number; readonly run_id: string },
  { kinds, limit }: { readonly kinds: readonly EventKind[]; readonly limit: number },
): readonly RunEvent[] {
  const rows = sql(
    "SELECT seq, time, epoch, kind, path, cause, data FROM events WHERE run = ? AND kind IN (SELECT value FROM json_each(?)) ORDER BY seq LIMIT ?",
  ).all(at.run, JSON.stringify(kinds), limit) as Omit<EventRow, "hash">[];
  return rows.map((row) => eventOf(row, at.run_id));
}

/** Events of all runs after a position, in the order in which they were written. */
export function placedAfter(sql: Query, after: number, limit: number): readonly { readonly position: number; readonly event: RunEvent }[] {
  const rows = sql(
    "SELECT position, run_id, seq, time, epoch, kind, path, cause, data FROM events JOIN run_keys USING (run) WHERE position > ? ORDER BY position LIMIT ?",
  ).all(after, limit) as (Omit<EventRow, "hash"> & { readonly position: number; readonly run_id: string })[];
  return rows.map(({ position, run_id: runId, ...row }) => ({ position, event: eventOf(row, runId) }));
}

function eventOf(row: Omit<EventRow, "hash">, runId: string): RunEvent {
  return { ...row, run_id: runId, data: JSON.parse(row.data) as unknown } as RunEvent;
}

/**
 * What is stored of a run that goes on may lag behind the events: those that are missing are folded on top. Its end is its last event.
 * @param outdated another version stored it: then it is not read at all, but folded from the first event. The next owner builds it again.
 */
export function readFold(sql: Query, { run, fold: text }: FoldRow, outdated: boolean): RunFold {
  const stored = JSON.parse(text) as RunFold;
  const [first] = outdated ? eventsAfter(sql, { run, run_id: stored.run_id, seq: 0 }) : [];
  const fold = first?.kind === "run-started" ? startFold(first) : stored;
  if (fold.ended !== null && !outdated) return fold;
  for (const event of eventsAfter(sql, { run, run_id: fold.run_id, seq: fold.seq })) foldEvent(fold, event);
  return fold;
}
