/**
 * Retention: removes runs that ended long ago, then payloads that no run names any more, then gives the space back. In pieces: between
 * two of them other work may be done, and a kill at any point leaves a sound journal.
 */
import type { Database } from "better-sqlite3";
import { BosunError } from "../../shared/errors.ts";
import { failpoint } from "../engine/failpoint.ts";
import { bytesOnDisk, emptyLog, giveSpaceBack } from "./give-space-back.ts";
import { createPayloadMarks } from "./mark-payloads.ts";
import { createMayGo, createRunRemover } from "./remove-run.ts";
import type { OnRemoved } from "./remove-run.ts";
import type { GcReport } from "./port.ts";

export interface GcOptions {
  /** Runs that ended before this are removed; epoch milliseconds. */
  readonly cutoff: number;
  /** Only counts what would be removed. */
  readonly dryRun: boolean;
  /**
   * Payloads from this id on stay: a run at work may have put them and not named them yet. Null when nothing is at work.
   * Payloads that were put again are in the temporary table `put_again`.
   */
  readonly keepFrom: number | null;
  /** Look for payloads that nobody names also when no run was removed. */
  readonly thorough: boolean;
  /** See {@link giveSpaceBack}. */
  readonly anewUpToBytes: number;
  readonly onRemoved: OnRemoved;
}

const BATCH = 200;
const BATCH_BYTES = 8_000_000;

/** Made by the owner of the journal before it puts anything. */
export const PUT_AGAIN = "CREATE TEMP TABLE IF NOT EXISTS put_again (hash BLOB PRIMARY KEY) WITHOUT ROWID";

/** The round that was begun last on a connection. Its temporary tables are those of the connection. */
const current = new WeakMap<Database, symbol>();

/** @throws BosunError conflict at the next piece when another round was begun on the same connection */
export function* collectGarbage(db: Database, options: GcOptions): Generator<void, GcReport> {
  const round = Symbol("round");
  current.set(db, round);
  const pieces = piecesOf(db, options);
  for (let step = pieces.next(); ; step = pieces.next()) {
    if (step.done === true) return step.value;
    yield;
    if (current.get(db) !== round) throw new BosunError("conflict", "another round of cleaning up was begun: this one is left off");
  }
}

function* piecesOf(db: Database, options: GcOptions): Generator<void, GcReport> {
  db.exec(`${PUT_AGAIN}; DROP TABLE IF EXISTS temp.doomed; CREATE TEMP TABLE doomed (run INTEGER PRIMARY KEY)`);
  if (!options.dryRun) emptyLog(db);
  const before = bytesOnDisk(db);
  yield* listDoomed(db, options.cutoff);
  const runs = options.dryRun ? countDoomed(db) : yield* removeDoomed(db, options);
  let swept: Swept = { payloads: 0, payload_bytes: 0 };
  if (options.thorough || options.dryRun || isUnswept(db)) swept = yield* sweep(db, options);
  if (!options.dryRun) yield* giveSpaceBack(db, options);
  db.exec("DROP TABLE IF EXISTS temp.doomed");
  return { runs, ...swept, freed_bytes: options.dryRun ? null : Math.max(0, before - bytesOnDisk(db)) };
}

function* listDoomed(db: Database, cutoff: number): Generator<void, void> {
  const ended = db.prepare(`SELECT run FROM runs WHERE ended = 1 AND run > ? ORDER BY run LIMIT ${BATCH}`);
  const doom = db.prepare("INSERT INTO temp.doomed VALUES (?)");
  const mayGo = createMayGo(db);
  for (let at = 0; ;) {
    const rows = ended.all(at) as { run: number }[];
    db.transaction(() => {
      for (const { run } of rows) if (mayGo(run, cutoff)) doom.run(run);
    })();
    const last = rows.at(-1);
    if (last === undefined) return;
    at = last.run;
    yield;
  }
}

function countDoomed(db: Database): number {
  return (db.prepare("SELECT count(*) AS n FROM temp.doomed").get() as { n: number }).n;
}

function* removeDoomed(db: Database, { cutoff, onRemoved }: GcOptions): Generator<void, number> {
  const remover = createRunRemover(db, onRemoved);
  yield* remover.finish();
  const next = db.prepare("SELECT run FROM temp.doomed WHERE run > ? ORDER BY run LIMIT 1");
  let removed = 0;
  for (let row = next.get(0) as { run: number } | undefined; row !== undefined; row = next.get(row.run) as { run: number } | undefined) {
    if (yield* remover.removeRun(row.run, cutoff)) removed += 1;
    yield;
  }
  return removed;
}

interface Swept {
  readonly payloads: number;
  readonly payload_bytes: number;
}

function isUnswept(db: Database): boolean {
  return db.prepare("SELECT 1 FROM meta WHERE key = 'unswept'").get() !== undefined;
}

function* sweep(db: Database, { dryRun, keepFrom }: GcOptions): Generator<void, Swept> {
  const marks = createPayloadMarks(db, { without: dryRun ? "temp.doomed" : null });
  const select = db.prepare(
    `SELECT id, length(body) AS bytes, EXISTS (SELECT 1 FROM temp.marks WHERE marks.hash = blobs.hash)
       OR EXISTS (SELECT 1 FROM temp.put_again WHERE put_again.hash = blobs.hash) AS needed
     FROM blobs WHERE id > ? AND (@keepFrom IS NULL OR id < @keepFrom) ORDER BY id LIMIT ${BATCH}`,
  );
  const remove = dryRun ? null : db.prepare("DELETE FROM blobs WHERE id = ?");
  let [at, payloads, bytes] = [0, 0, 0];
  const piece = db.transaction((): boolean => {
    const rows = select.all(at, { keepFrom }) as { id: number; bytes: number; needed: number }[];
    let inPiece = 0;
    for (const row of rows) {
      at = row.id;
      if (row.needed === 1) continue;
      remove?.run(row.id);
      payloads += 1;
      bytes += row.bytes;
      inPiece += row.bytes;
      if (inPiece > BATCH_BYTES) break;
    }
    return rows.length > 0;
  });
  for (;;) {
    // Also what came in while this rested; then at once, with nothing in between.
    yield* marks.mark();
    const more = dryRun ? piece.deferred() : piece.immediate();
    if (!dryRun) failpoint("gc.after-sweep");
    if (!more) break;
    yield;
  }
  marks.drop();
  if (!dryRun) db.prepare("DELETE FROM meta WHERE key = 'unswept'").run();
  return { payloads, payload_bytes: bytes };
}
