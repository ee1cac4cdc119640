/** Removing one run from the journal. The only way out of it. */
import type { Database } from "better-sqlite3";
import { failpoint } from "../engine/failpoint.ts";
import { PROJECTIONS } from "./projector.ts";

/** Told in the transaction in which the run vanishes; `head` is the hash of its last event, lower-case hex. */
export type OnRemoved = (runId: string, seq: number, head: string) => void;

export interface RunRemover {
  /**
   * Removes a run that ended before `cutoff` and from which nothing unfinished descends; true when it was. One piece of bounded size
   * is removed at each rest.
   */
  removeRun(run: number, cutoff: number): Generator<void, boolean>;
  /** Goes on with a removal that a kill cut off. */
  finish(): Generator<void, void>;
}

/** Events removed in one transaction. */
const PIECE = 2_000;

/**
 * A run of few events goes in one transaction. One of many vanishes from every list first and is noted in `meta`; its events go from the
 * last to the first, its key at last, so that no other run can take its number meanwhile.
 */
export function createRunRemover(db: Database, onRemoved: OnRemoved): RunRemover {
  const mayGo = createMayGo(db);
  const removePiece = db.prepare(
    "DELETE FROM events WHERE position IN (SELECT position FROM events WHERE run = ? ORDER BY seq DESC LIMIT ?)",
  );
  const removeKey = db.prepare("DELETE FROM run_keys WHERE run = ?");
  const unnote = db.prepare("DELETE FROM meta WHERE key = 'removing'");
  const lastOf = db.prepare("SELECT run_id, seq, hash FROM events JOIN run_keys USING (run) WHERE run = ? ORDER BY seq DESC LIMIT 1");
  const removeDerived = [...PROJECTIONS, "parked"].map((table) => db.prepare(`DELETE FROM ${table} WHERE run = ?`));
  const note = db.prepare("INSERT INTO meta VALUES ('removing', ?)");
  const noteUnswept = db.prepare("INSERT INTO meta VALUES ('unswept', '1') ON CONFLICT (key) DO NOTHING");

  const pieceOf = (run: number): boolean => {
    if (removePiece.run(run, PIECE).changes === PIECE) return false;
    removeKey.run(run);
    unnote.run();
    return true;
  };
  const begin = (run: number, cutoff: number): "kept" | "gone" | "begun" => {
    if (!mayGo(run, cutoff)) return "kept";
    const last = lastOf.get(run) as { run_id: string; seq: number; hash: Buffer };
    for (const remove of removeDerived) remove.run(run);
    note.run(String(run));
    // Payloads that only this run named are garbage from here on.
    noteUnswept.run();
    onRemoved(last.run_id, last.seq, last.hash.toString("hex"));
    return pieceOf(run) ? "gone" : "begun";
  };
  const inOne = <T>(work: () => T): T => {
    const result = db.transaction(work).immediate();
    failpoint("gc.after-removal");
    return result;
  };

  function* rest(run: number): Generator<void, void> {
    do yield;
    while (!inOne(() => pieceOf(run)));
  }

  return {
    *removeRun(run, cutoff) {
      const state = inOne(() => begin(run, cutoff));
      if (state === "begun") yield* rest(run);
      return state !== "kept";
    },
    *finish() {
      const row = db.prepare("SELECT CAST(value AS INTEGER) AS run FROM meta WHERE key = 'removing'").get() as { run: number } | undefined;
      if (row !== undefined) yield* rest(row.run);
    },
  };
}

/** Ended long enough ago, and neither it nor anything that was started from it still goes on. */
export function createMayGo(db: Database): (run: number, cutoff: number) => boolean {
  const look = db.prepare(
    `SELECT ended, (SELECT time FROM events WHERE events.run = runs.run ORDER BY seq DESC LIMIT 1) AS time,
         EXISTS (
           WITH RECURSIVE below(run_id) AS (
             SELECT run_id FROM run_keys WHERE run_keys.run = runs.run
             UNION SELECT keys.run_id FROM below JOIN runs child ON child.parent = below.run_id JOIN run_keys keys ON keys.run = child.run
           )
           SELECT 1 FROM below JOIN run_keys USING (run_id) JOIN runs each ON each.run = run_keys.run WHERE each.ended = 0
         ) AS needed
       FROM runs WHERE run = ?`,
  );
  return (run, cutoff) => {
    const row = look.get(run) as { ended: number; time: number | null; needed: number } | undefined;
    return row !== undefined && row.ended === 1 && row.needed === 0 && row.time !== null && row.time < cutoff;
  };
}
