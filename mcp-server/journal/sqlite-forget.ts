/** Removes the payloads of a run from the journal's SQLite file, with an entry in the signed log. The events stay, and so does the chain. */
import type { Database } from "better-sqlite3";
import { BosunError } from "../../shared/errors.ts";
import type { ChainedRows } from "./chained-rows.ts";
import type { LogData } from "./log-format.ts";
import { openDatabase } from "./open-database.ts";
import type { Sql } from "./open-database.ts";
import { EventRefs, walkPayloads } from "./payload-refs.ts";
import type { PayloadRef } from "./payload-refs.ts";
import { SignedLog } from "./signed-log.ts";
import type { SigningKey } from "./signing-key.ts";
import { rowsOf } from "./sqlite-rows.ts";

/** What was forgotten. */
export interface Forgotten {
  /** Removed, with drafts that no run names. */
  readonly payloads: number;
  readonly bytes: number;
  /** Payloads that stay, for other runs name them too. */
  readonly shared: number;
  /** Runs that have not ended and were at work at the same time: drafts of this run may stay until they have and it is forgotten again. */
  readonly waiting_for: readonly string[];
}

export interface ForgetOptions {
  readonly file: string;
  readonly run_id: string;
  readonly key: SigningKey;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** The owner's epoch. */
  readonly epoch: number;
}

/**
 * Runs in one transaction on a connection of its own. The caller owns the data folder.
 * @throws BosunError not_found, conflict when the run has not ended, or when somebody who reads the journal keeps the bytes on the disk
 */
export function forgetPayloads(options: ForgetOptions): Forgotten {
  const { db } = openDatabase(options.file, { readonly: false, check: false });
  try {
    db.pragma("synchronous = FULL");
    // What is deleted is overwritten, not just unlinked.
    db.pragma("secure_delete = ON");
    const forgotten = db.transaction(() => forget(db, options)).immediate();
    const [checkpoint] = db.pragma("wal_checkpoint(TRUNCATE)") as { readonly busy: number }[];
    if (checkpoint?.busy !== 0)
      throw new BosunError(
        "conflict",
        `the payloads of ${options.run_id} were removed, but their bytes stay on the disk as long as another process reads the journal: forget ${options.run_id} again when it is done`,
      );
    return forgotten;
  } finally {
    db.close();
  }
}

function forget(db: Database, { run_id: runId, key, now, epoch }: ForgetOptions): Forgotten {
  const rows = rowsOf(db, { signed: true });
  const run = rows.run(runId);
  if (run === null) throw new BosunError("not_found", `no run ${runId}: \`bosun runs\` lists them`);
  if (!hasEnded(rows, run))
    throw new BosunError("conflict", `run ${runId} has not ended: \`bosun cancel ${runId}\` first`, { retryable: false });
  const heirs = db
    .prepare("SELECT run_id FROM runs JOIN run_keys USING (run) WHERE parent = ? AND ended = 0")
    .pluck()
    .all(runId) as string[];
  if (heirs.length > 0)
    throw new BosunError("conflict", `run ${heirs.join(", ")} comes from ${runId} and has not ended: it may need what is to be forgotten`, {
      retryable: false,
    });
  const own = payloadsOf(rows, run, new Set());
  const { before, waitingFor } = unfinishedSince(db, rows, own);
  // On disk, for it may be all that the journal has.
  db.exec("CREATE TEMP TABLE doomed (hash BLOB PRIMARY KEY) WITHOUT ROWID");
  const doom = db.prepare("INSERT OR IGNORE INTO doomed VALUES (?)");
  for (const hash of own) doom.run(Buffer.from(hash, "hex"));
  db.prepare("INSERT OR IGNORE INTO doomed SELECT hash FROM blobs WHERE id < ?").run(before);
  spareNamed(db, rows, run);
  const isDoomed = db.prepare("SELECT 1 FROM doomed WHERE hash = ?");
  const shared = [...own].filter((hash) => isDoomed.get(Buffer.from(hash, "hex")) === undefined).length;
  const removed = db
    .prepare("SELECT count(*) AS payloads, coalesce(sum(length(body)), 0) AS bytes FROM blobs JOIN doomed USING (hash)")
    .get() as {
    payloads: number;
    bytes: number;
  };
  db.exec("DELETE FROM blobs WHERE hash IN (SELECT hash FROM doomed); DROP TABLE doomed");
  // Also when all of it is shared: what this run names does not keep a payload any more.
  if (removed.payloads > 0 || !isForgotten(rows, runId)) {
    const log = new SignedLog({ sql: (text): Sql => db.prepare(text), key, now, epoch });
    log.append([{ kind: "payload-removed", run_id: runId, data: removed }]);
  }
  return { ...removed, shared, waiting_for: waitingFor };
}

/**
 * Payloads that no run names are drafts: parts of prompts that were never sent, say. Those of runs that have ended are of no use, but they
 * hold words. A run that is under way may be about to name one: `before` is the first payload that may be such a run's.
 */
function unfinishedSince(
  db: Database,
  rows: ChainedRows,
  own: ReadonlySet<string>,
): { readonly before: number; readonly waitingFor: readonly string[] } {
  const idOf = db.prepare("SELECT id FROM blobs WHERE hash = ?").pluck();
  const blobId = (hash: string): number => (idOf.get(Buffer.from(hash, "hex")) as number | undefined) ?? 0;
  let last = 0;
  for (const hash of own) last = Math.max(last, blobId(hash));
  let before = Number.MAX_SAFE_INTEGER;
  const waitingFor: string[] = [];
  const unfinished = db.prepare("SELECT run, run_id FROM run_heads JOIN run_keys USING (run) ORDER BY run").all() as {
    run: number;
    run_id: string;
  }[];
  for (const { run, run_id: runId } of unfinished) {
    // Its input was there before anything else of it.
    const input = inputOf(rows, run).map(({ hash }) => blobId(hash));
    const since = input.length === 0 ? 0 : Math.min(...input);
    before = Math.min(before, since);
    if (since <= last) waitingFor.push(runId);
  }
  return { before, waitingFor };
}

function inputOf(rows: ChainedRows, run: number): readonly PayloadRef[] {
  for (const { kind, path, data } of rows.events(run)) return new EventRefs().of({ kind, path, data: JSON.parse(data) as unknown });
  return [];
}

function hasEnded(rows: ChainedRows, run: number): boolean {
  let last = "";
  for (const row of rows.events(run)) last = row.kind;
  return last === "run-ended";
}

function isForgotten(rows: ChainedRows, runId: string): boolean {
  return rows.logOf(runId).some((entry) => entry.kind === "payload-removed" && (JSON.parse(entry.data) as LogData).lost !== true);
}

/** Hashes of the payloads of a run that are there. @param seen keys of references that were gone through already; grows */
function payloadsOf(rows: ChainedRows, run: number, seen: Set<string>): Set<string> {
  const refs = new EventRefs();
  const found = new Set<string>();
  for (const { kind, path, data } of rows.events(run)) {
    const named = refs.of({ kind, path, data: JSON.parse(data) as unknown });
    for (const { hash, body } of walkPayloads(named, (hash) => rows.payload(hash), seen)) if (body !== null) found.add(hash);
  }
  return found;
}

/** Above this number the memory of what was gone through is dropped, and some of it is gone through again. */
const REMEMBERED = 200_000;

/** Takes out of the doomed what runs that are not forgotten name. */
function spareNamed(db: Database, rows: ChainedRows, run: number): void {
  const seen = new Set<string>();
  const spare = db.prepare("DELETE FROM doomed WHERE hash = ?");
  // All at once, for a connection does not write while it goes through rows.
  const others = [...rows.runs()];
  for (const other of others) {
    if (other.run === run || isForgotten(rows, other.run_id)) continue;
    for (const hash of payloadsOf(rows, other.run, seen)) spare.run(Buffer.from(hash, "hex"));
    if (seen.size > REMEMBERED) seen.clear();
  }
}
