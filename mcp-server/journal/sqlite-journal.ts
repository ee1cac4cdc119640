/** Opening the journal on SQLite (WAL) as its owner; a corrupt one is put aside, and what can be proved of it is carried over. */
import { basename } from "node:path";
import { errorValue, isBosunError } from "../../shared/errors.ts";
import { createCodec } from "../engine/codec.ts";
import { cancelledCall, openCallsOf } from "../engine/recover-call.ts";
import { isCorruption, openChecked, openDatabase } from "./open-database.ts";
import type { Journal } from "./port.ts";
import { openDamaged } from "./read-damaged.ts";
import { needsRebuild } from "./rebuild.ts";
import { salvage } from "./salvage.ts";
import type { SalvagedRun, SalvageReport } from "./salvage.ts";
import type { SigningKey } from "./signing-key.ts";
import { SqliteJournal } from "./sqlite-owner.ts";

export interface JournalOptions {
  readonly file: string;
  /** Run SQLite's check first; after an unclean end. */
  readonly check?: boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Signs starts and ends of runs and seals their heads; without it the journal is unsigned. */
  readonly key?: SigningKey;
  /** Upper bound of the file in pages of 4 KiB; for tests of a full disk. */
  readonly maxPages?: number;
}

export interface OpenedJournal {
  readonly journal: Journal;
  /** Where a corrupt predecessor was put, null when there was none. */
  readonly setAside: string | null;
  /** What was carried over from it; null when there was none, or nothing of it could be read. */
  readonly salvaged: SalvageReport | null;
  /** Runs that were there when its signed log began, 0 if it has begun before. */
  readonly adopted: number;
}

/** Opens as the owner: migrates, takes the next epoch, builds projections of another version again. The caller holds the owner lock. */
export function createSqliteJournal(options: JournalOptions): OpenedJournal {
  let salvaged: CarriedOver | null = null;
  const { db, setAside } = openDatabase(options.file, {
    readonly: false,
    check: options.check ?? false,
    salvage: (corrupt, fresh, aside) => (salvaged = salvageInto(fresh, { ...options, corrupt, aside })),
  });
  if (options.maxPages !== undefined) db.pragma(`max_page_count = ${options.maxPages}`);
  try {
    const journal = new SqliteJournal(db, options.now, options.key);
    if (needsRebuild((text) => journal.sql(text))) journal.rebuild();
    const { report = null, adopted = 0 } = (salvaged as CarriedOver | null) ?? {};
    return { journal, setAside, salvaged: report, adopted: journal.adopted + adopted };
  } catch (error) {
    db.close();
    // Now it is marked as damaged: opened again it is looked at closely.
    if (setAside === null && isBosunError(error) && isCorruption(error.cause)) return createSqliteJournal({ ...options, check: true });
    throw error;
  }
}

interface CarriedOver {
  readonly report: SalvageReport;
  /** Runs with which the signed log of the new journal began. */
  readonly adopted: number;
}

/**
 * Makes the journal at `fresh` from what can be read of the corrupt one, notes in its signed log which payloads are lost, and ends runs that
 * cannot be driven on.
 */
function salvageInto(
  fresh: string,
  at: Pick<JournalOptions, "now" | "key"> & { readonly corrupt: string; readonly aside: string },
): CarriedOver {
  const from = openDamaged(at.corrupt);
  try {
    const to = openChecked(fresh, { readonly: false, check: false });
    try {
      const found = salvage(from, to);
      const journal = new SqliteJournal(to, at.now, at.key);
      journal.rebuild();
      journal.noteMissing(found.damagedRuns());
      for (const run of found.damagedRuns()) if (run.cut || !run.ended) endDamagedRun(journal, run, at.aside);
      return { report: found.report, adopted: journal.adopted };
    } finally {
      to.close();
    }
  } finally {
    from.close();
  }
}

/**
 * What a cut run did after its last known event nobody knows: driven on, it could do it again. One that misses payloads cannot be driven
 * on.
 */
function endDamagedRun(journal: SqliteJournal, { run_id: runId, cut, missing }: SalvagedRun, aside: string): void {
  const codec = createCodec(journal.blobs, journal.blobs);
  const history = journal.events(runId);
  const what = cut
    ? `what this run did after event ${history.length} is lost. It was ended, so that nothing is done twice`
    : `${missing} ${missing === 1 ? "payload" : "payloads"} that this run names ${missing === 1 ? "is" : "are"} lost, without which it cannot go on. It was ended`;
  const error = errorValue(
    "uncertain_effect",
    `the journal was corrupt, and ${what}: look at the workspace, then begin a new run. The corrupt journal was kept as ${basename(aside)} beside the new one`,
  );
  journal.commit(
    [
      ...openCallsOf(history).map((call) => ({ run_id: runId, event: cancelledCall(call, codec) })),
      { run_id: runId, event: { kind: "run-ended", path: "", data: { status: "cancelled", error: codec.keepError(error) } } },
    ],
    false,
  );
}
