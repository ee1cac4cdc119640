/** Removes the payloads of a run from the journal's SQLite file, with an entry in the signed log. The events stay, and so does the chain. */
import type { Database } from "better-sqlite3";
import { BosunError } from "../../shared/errors.ts";
import type { ChainedRows } from "./chained-rows.ts";
import { openDatabase } from "./open-database.ts";
import type { Sql } from "./open-database.ts";
import { EventRefs, walkPayloads } from "./payload-refs.ts";
import { SignedLog } from "./signed-log.ts";
import type { SigningKey } from "./signing-key.ts";
import { rowsOf } from "./sqlite-rows.ts";

/** What was forgotten. */
export interface Forgotten {
  readonly payloads: number;
  readonly bytes: number;
  /** Payloads that stay, for other runs name them too. */
  readonly shared: number;
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

/** Runs in one transaction on a connection of its own. The caller owns the data folder. @throws BosunError not_found, conflict when the run has not ended */
export function forgetPayloads(options: ForgetOptions): Forgotten {
  const { db } = openDatabase(options.file, { readonly: false, check: false });
  try {
    db.pragma("synchronous = FULL");
    // What is deleted is overwritten, not just unlinked.
    db.pragma("secure_delete = ON");
    const forgotten = db.transaction(() => forget(db, options)).immediate();
    db.pragma("wal_checkpoint(TRUNCATE)");
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
  const total = own.size;
  keepShared(rows, run, own);
  let bytes = 0;
  const remove = db.prepare("DELETE FROM blobs WHERE hash = ? RETURNING length(body)").pluck();
  for (const hash of own) bytes += Number(remove.get(Buffer.from(hash, "hex")) ?? 0);
  // Also when all of it is shared: what this run names does not keep a payload any more.
  if (own.size > 0 || !isForgotten(rows, runId)) {
    const log = new SignedLog({ sql: (text): Sql => db.prepare(text), key, now, epoch });
    log.append([{ kind: "payload-removed", run_id: runId, data: { payloads: own.size, bytes } }]);
  }
  return { payloads: own.size, bytes, shared: total - own.size };
}

function hasEnded(rows: ChainedRows, run: number): boolean {
  let last = "";
  for (const row of rows.events(run)) last = row.kind;
  return last === "run-ended";
}

function isForgotten(rows: ChainedRows, runId: string): boolean {
  return rows.logOf(runId).some((entry) => entry.kind === "payload-removed");
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

/** Takes out of `own` what runs that are not forgotten name too. */
function keepShared(rows: ChainedRows, run: number, own: Set<string>): void {
  const seen = new Set<string>();
  for (const other of rows.runs()) {
    if (own.size === 0) return;
    if (other.run === run || isForgotten(rows, other.run_id)) continue;
    for (const hash of payloadsOf(rows, other.run, seen)) own.delete(hash);
    if (seen.size > REMEMBERED) seen.clear();
  }
}
