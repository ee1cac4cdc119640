/** The journal on SQLite (WAL). One transaction per commit: events, blobs and projections together. */
import type { Database, Transaction } from "better-sqlite3";
import { hash as hashOf } from "node:crypto";
import { basename } from "node:path";
import type { BlobRef } from "../../shared/change.ts";
import { BosunError, errorValue, isBosunError } from "../../shared/errors.ts";
import type { CallLabel, RunEvent } from "../../shared/events.ts";
import { createCodec } from "../engine/codec.ts";
import { failpoint } from "../engine/failpoint.ts";
import { cancelledCall, openCallsOf } from "../engine/recover-call.ts";
import type { BlobStore } from "./blobs.ts";
import { chainHash, GENESIS } from "./chain-hash.ts";
import { collectGarbage, PUT_AGAIN } from "./collect-garbage.ts";
import { foldEvent, labelOf, startFold, statusOf } from "./fold-run.ts";
import type { RunFold } from "./fold-run.ts";
import type { RunStatus } from "../../shared/run-view.ts";
import type { LogData } from "./log-format.ts";
import { damaged, isCorruption, openChecked, openDatabase } from "./open-database.ts";
import type { Sql } from "./open-database.ts";
import type { Append, ApprovalRow, GcReport, GcRequest, Journal, JournalReader, OpenWait, UsageRow } from "./port.ts";
import { schemaVersion } from "./migrations.ts";
import { createProjector } from "./projector.ts";
import { openDamaged } from "./read-damaged.ts";
import { needsRebuild, rebuildProjections } from "./rebuild.ts";

import { salvage } from "./salvage.ts";
import type { SalvagedRun, SalvageReport } from "./salvage.ts";
import { eventsAfter, readFold } from "./stored-fold.ts";
import type { FoldRow } from "./stored-fold.ts";
import { SignedLog } from "./signed-log.ts";
import type { TouchedRun } from "./signed-log.ts";
import type { SigningKey } from "./signing-key.ts";

export interface JournalOptions {
  readonly file: string;
  /** Run SQLite's check first; after an unclean end. */
  readonly check?: boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Signs starts, ends and heads of runs; without it the journal is unsigned. */
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

interface Head {
  run: number;
  seq: number;
  time: number;
  hash: Buffer;
  fold: RunFold;
  /** `seq` and status of the fold as it was stored last. */
  savedSeq: number;
  savedStatus: RunStatus | null;
}

const MAX_RESTED = 32;

/** A stored fold lags behind by at most so many events while the run's status stays the same. */
const MAX_FOLD_LAG = 64;

/** An event that has its place and is not written yet. */
interface Staged {
  readonly head: Head;
  /** What it follows. */
  readonly before: TouchedRun["before"];
  readonly event: RunEvent;
  readonly data: string;
  readonly hash: Buffer;
  readonly label: CallLabel | null;
}

/** The first event of a run, `run-started`, sets its fold; its key comes with the first write. */
function newHead(): Head {
  return { run: 0, seq: 0, time: 0, hash: GENESIS, fold: undefined as unknown as RunFold, savedSeq: 0, savedStatus: null };
}

/** Opens for reading only: no lock, no migration, no repair. Null when its first owner was stopped before there was anything in it. */
export function openJournalReader(file: string): { reader: JournalReader; close: () => void } | null {
  const { db } = openDatabase(file, { readonly: true, check: false });
  if (schemaVersion(db) === 0) {
    db.close();
    return null;
  }
  return { reader: new SqliteJournalReader(db), close: () => db.close() };
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

class SqliteJournalReader implements JournalReader {
  readonly blobs: BlobStore;
  protected readonly db: Database;
  readonly #statements = new Map<string, Sql>();
  /** Were the stored folds written by another version? Null until it is asked. */
  protected outdated: boolean | null = null;

  constructor(db: Database) {
    this.db = db;
    this.blobs = {
      get: (hash) => this.readBlob(hash),
      has: (hash) => this.findBlob(hash) !== undefined,
      put: () => {
        throw new BosunError("internal", "the journal was opened for reading only");
      },
    };
  }

  sql(text: string): Sql {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      const prepared = this.#sound(() => this.db.prepare(text));
      statement = {
        get: (...values) => this.#sound(() => prepared.get(...values)),
        all: (...values) => this.#sound(() => prepared.all(...values)),
        run: (...values) => this.#sound(() => prepared.run(...values)),
      };
      this.#statements.set(text, statement);
    }
    return statement;
  }

  #sound<T>(use: () => T): T {
    try {
      return use();
    } catch (error) {
      throw isCorruption(error) ? damaged(this.db.name, error) : error;
    }
  }

  /** Rests between pieces; corruption that shows is told as it is everywhere else. */
  protected *pieces<T>(work: Generator<void, T>): Generator<void, T> {
    for (;;) {
      const step = this.#sound(() => work.next());
      if (step.done === true) return step.value;
      yield;
    }
  }

  garbage(cutoff: number): Generator<void, GcReport> {
    const options = { cutoff, dryRun: true, keepFrom: null, thorough: true, anewUpToBytes: 0, onRemoved: () => undefined };
    return this.pieces(collectGarbage(this.db, options));
  }

  lastGarbageCollection(): number | null {
    const row = this.sql("SELECT value FROM meta WHERE key = 'gc_at'").get() as { value: string } | undefined;
    return row === undefined ? null : Number(row.value);
  }

  removal(runId: string): "forgotten" | "lost" | null {
    // A journal of the first schema has no log before its next owner.
    if (schemaVersion(this.db) < 2) return null;
    const rows = this.sql("SELECT data FROM log WHERE run_id = ? AND kind = 'payload-removed'").all(runId) as { data: string }[];
    if (rows.length === 0) return null;
    return rows.every(({ data }) => (JSON.parse(data) as LogData).lost === true) ? "lost" : "forgotten";
  }

  runOfChangeSet(changeSetId: string): { readonly run_id: string; readonly ended: boolean } | null {
    const row = this.sql(
      "SELECT run_id, ended FROM approvals JOIN run_keys USING (run) JOIN runs USING (run) WHERE json_extract(request, '$.change_set_id') = ?",
    ).get(changeSetId) as { run_id: string; ended: number } | undefined;
    return row === undefined ? null : { run_id: row.run_id, ended: row.ended === 1 };
  }

  protected findBlob(hash: string): Buffer | undefined {
    const row = this.sql("SELECT body FROM blobs WHERE hash = ?").get(Buffer.from(hash, "hex")) as { body: Buffer } | undefined;
    return row?.body;
  }

  protected readBlob(hash: string): Buffer {
    const body = this.findBlob(hash);
    if (body === undefined) throw new BosunError("not_found", `payload ${hash.slice(0, 12)} was removed or never kept`);
    return body;
  }

  protected keyOf(runId: string): number {
    const row = this.sql("SELECT run FROM run_keys WHERE run_id = ?").get(runId) as { run: number } | undefined;
    if (row === undefined) throw new BosunError("not_found", `no run ${runId}: \`bosun runs\` lists them`);
    return row.run;
  }

  protected foldOf(row: FoldRow): RunFold {
    this.outdated ??= needsRebuild((query) => this.sql(query));
    return readFold((query) => this.sql(query), row, this.outdated);
  }

  run(runId: string): RunFold {
    const row = this.sql("SELECT run, fold FROM runs WHERE run = ?").get(this.keyOf(runId)) as FoldRow | undefined;
    if (row === undefined) throw new BosunError("not_found", `no run ${runId}: \`bosun runs\` lists them`);
    return this.foldOf(row);
  }

  runs(filter: Parameters<JournalReader["runs"]>[0]): readonly RunFold[] {
    const rows = this.sql(
      "SELECT run, fold FROM runs WHERE (@status IS NULL OR status = @status) AND (@session IS NULL OR session_id = @session) ORDER BY run DESC LIMIT @limit",
    ).all({
      status: filter.status ?? null,
      session: filter.session_id ?? null,
      limit: filter.limit,
    }) as FoldRow[];
    return rows.map((row) => this.foldOf(row));
  }

  children(runId: string): readonly RunFold[] {
    const rows = this.sql("SELECT run, fold FROM runs WHERE parent = ? ORDER BY run").all(runId) as FoldRow[];
    return rows.map((row) => this.foldOf(row));
  }

  runsWithPrefix(prefix: string, limit: number): readonly string[] {
    const rows = this.sql(
      "SELECT run_id FROM run_keys WHERE substr(run_id, 1, length(@prefix)) = @prefix ORDER BY run DESC LIMIT @limit",
    ).all({ prefix, limit });
    return (rows as { run_id: string }[]).map((row) => row.run_id);
  }

  events(runId: string): readonly RunEvent[] {
    return eventsAfter((query) => this.sql(query), { run: this.keyOf(runId), run_id: runId, seq: 0 });
  }

  openWaits(runId: string): readonly OpenWait[] {
    const rows = this.sql("SELECT path, name, deadline FROM waits WHERE run = ? ORDER BY path").all(this.keyOf(runId));
    return (rows as Omit<OpenWait, "run_id">[]).map((row) => ({ ...row, run_id: runId }));
  }

  head(runId: string): string {
    const row = this.sql("SELECT hash FROM events WHERE run = ? ORDER BY seq DESC LIMIT 1").get(this.keyOf(runId)) as
      | { hash: Buffer }
      | undefined;
    return (row?.hash ?? GENESIS).toString("hex");
  }

  hashAt(runId: string, seq: number): string {
    const row = this.sql("SELECT hash FROM events WHERE run = ? AND seq = ?").get(this.keyOf(runId), seq) as { hash: Buffer } | undefined;
    if (row === undefined) throw new BosunError("not_found", `run ${runId} has no event ${seq}`);
    return row.hash.toString("hex");
  }

  approval(approvalId: string): ApprovalRow | null {
    const row = this.sql(`${APPROVALS} WHERE approval_id = ?`).get(approvalId) as RawApproval | undefined;
    return row === undefined ? null : approvalRow(row);
  }

  approvals(filter: { run_id?: string; open?: boolean }): readonly ApprovalRow[] {
    const rows = this.sql(
      `${APPROVALS} WHERE (@run IS NULL OR run_id = @run) AND (@open = 0 OR status = 'open') ORDER BY requested_at, approval_id`,
    ).all({
      run: filter.run_id ?? null,
      open: filter.open === true ? 1 : 0,
    }) as RawApproval[];
    return rows.map(approvalRow);
  }

  usage(runId: string): readonly UsageRow[] {
    const rows = this.sql(
      "SELECT worker, model, day, calls, prompt_tokens, completion_tokens, cached_tokens, usd, source FROM usage WHERE run = ? ORDER BY worker, model, day",
    ).all(this.keyOf(runId));
    return (rows as Omit<UsageRow, "run_id">[]).map((row) => ({ ...row, run_id: runId }));
  }
}

class SqliteJournal extends SqliteJournalReader implements Journal {
  readonly epoch: number;
  readonly #now: () => number;
  /** Payloads from this id on were put by this process, apart from the first, which keeps later ones from getting an earlier id. */
  #newFrom: number;
  readonly #heads = new Map<string, Head>();
  /** Folds of the runs that came to rest last. */
  readonly #rested = new Map<string, RunFold>();
  readonly #pendingBlobs = new Map<string, Buffer>();
  #staged: Staged[] = [];
  readonly #project: ReturnType<typeof createProjector>;
  readonly #insertAll: Transaction<(staged: readonly Staged[]) => void>;
  /** `synchronous` of the connection: FULL, else NORMAL. */
  #durable = true;
  override readonly blobs: BlobStore;
  readonly #log: SignedLog | null;
  readonly adopted: number;

  constructor(db: Database, now: () => number, key: SigningKey | undefined) {
    super(db);
    this.#now = now;
    db.exec(PUT_AGAIN);
    this.#newFrom = this.#lastBlob();
    this.epoch = this.#takeEpoch();
    const log = key === undefined ? null : new SignedLog({ sql: (text) => this.sql(text), key, now, epoch: this.epoch });
    this.adopted = log === null ? 0 : this.db.transaction(() => log.open()).immediate();
    this.#log = log;
    this.#project = createProjector((text) => this.sql(text));
    this.#insertAll = db.transaction((staged: readonly Staged[]) => this.#insert(staged));
    this.blobs = {
      put: (bytes) => this.#putBlob(bytes),
      get: (hash) => this.#pendingBlobs.get(hash) ?? this.readBlob(hash),
      has: (hash) => this.#pendingBlobs.has(hash) || this.findBlob(hash) !== undefined,
    };
  }

  #takeEpoch(): number {
    this.db.pragma("synchronous = FULL");
    const epoch = this.db
      .transaction(() => {
        const row = this.sql("SELECT value FROM meta WHERE key = 'epoch'").get() as { value: string } | undefined;
        const next = Number(row?.value ?? 0) + 1;
        this.sql("INSERT INTO meta VALUES ('epoch', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value").run(String(next));
        return next;
      })
      .immediate();
    return epoch;
  }

  #putBlob(bytes: Uint8Array): BlobRef {
    const digest = hashOf("sha256", bytes);
    if (!this.#pendingBlobs.has(digest)) this.#pendingBlobs.set(digest, Buffer.from(bytes));
    return { $blob: digest, size: bytes.byteLength };
  }

  override run(runId: string): RunFold {
    return this.#heads.get(runId)?.fold ?? this.#rested.get(runId) ?? super.run(runId);
  }

  override events(runId: string): readonly RunEvent[] {
    const staged = this.#staged.flatMap(({ event }) => (event.run_id === runId ? [event] : []));
    return staged[0]?.seq === 1 ? staged : [...super.events(runId), ...staged];
  }

  override head(runId: string): string {
    return this.#heads.get(runId)?.hash.toString("hex") ?? super.head(runId);
  }

  stage(appends: readonly Append[]): readonly RunEvent[] {
    return appends.map((append) => {
      const staged = this.#stageOne(append);
      this.#staged.push(staged);
      return staged.event;
    });
  }

  #stageOne({ run_id: runId, event, time }: Append): Staged {
    const head = this.#head(runId);
    const before = { seq: head.seq, hash: head.hash };
    head.seq += 1;
    head.time = Math.max(head.time, time ?? this.#now());
    const full = { run_id: runId, seq: head.seq, time: head.time, epoch: this.epoch, cause: null, ...event } as RunEvent;
    const data = JSON.stringify(event.data);
    head.hash = chainHash(head.hash, full, data);
    const label = labelOf(head.fold, full);
    if (full.kind === "run-started") head.fold = startFold(full);
    else foldEvent(head.fold, full);
    return { head, before, event: full, data, hash: head.hash, label };
  }

  commit(appends: readonly Append[], durable: boolean): readonly RunEvent[] {
    this.stage(appends);
    return this.write(durable);
  }

  write(durable: boolean): readonly RunEvent[] {
    const staged = this.#staged;
    if (staged.length === 0) return [];
    this.#staged = [];
    failpoint("journal.before-commit");
    try {
      this.#setDurable(durable);
      this.#insertAll.immediate(staged);
    } catch (error) {
      this.#heads.clear();
      this.#pendingBlobs.clear();
      throw isBosunError(error) ? error : explainWrite(error);
    }
    this.#pendingBlobs.clear();
    for (const { head } of staged) if (head.fold.ended !== null || head.fold.held !== null) this.#rest(head.fold);
    failpoint("journal.after-commit");
    return staged.map(({ event }) => event);
  }

  /** The run needs no memory any more; but those who waited for its end look at it now. */
  #rest(fold: RunFold): void {
    this.#heads.delete(fold.run_id);
    this.#rested.delete(fold.run_id);
    this.#rested.set(fold.run_id, fold);
    const oldest = this.#rested.keys().next();
    if (this.#rested.size > MAX_RESTED && oldest.done !== true) this.#rested.delete(oldest.value);
  }

  #setDurable(durable: boolean): void {
    if (durable === this.#durable) return;
    this.db.pragma(`synchronous = ${durable ? "FULL" : "NORMAL"}`);
    this.#durable = durable;
  }

  #insert(staged: readonly Staged[]): void {
    this.assertOwner();
    for (const [hex, body] of this.#pendingBlobs) {
      const hash = Buffer.from(hex, "hex");
      const { changes, lastInsertRowid: id } = this.sql("INSERT INTO blobs (hash, body) VALUES (?, ?) ON CONFLICT DO NOTHING").run(
        hash,
        body,
      );
      // It also gets an early id where forgetting took the last payloads away.
      if (changes === 0 || Number(id) < this.#newFrom) this.#putAgain(hash);
    }
    const insert = this.sql("INSERT INTO events (run, seq, time, epoch, kind, path, cause, data, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    /** With what the commit is built on. */
    const touched = new Map<Head, TouchedRun["before"]>();
    for (const { head, before, event, data, hash, label } of staged) {
      head.run ||= this.#newRun(event.run_id);
      const { seq, time, epoch, kind, path, cause } = event;
      insert.run(head.run, seq, time, epoch, kind, path, cause, data, hash);
      this.#project(head.run, event, { label, fold: head.fold });
      if (!touched.has(head)) touched.set(head, before);
    }
    this.#log?.noteCommit(
      [...touched].map(([{ run, seq, hash, fold }, before]) => ({
        run,
        run_id: fold.run_id,
        before,
        seq,
        hash,
        ended: fold.ended !== null,
      })),
    );
    for (const head of touched.keys()) this.#saveFold(head);
  }

  assertOwner(): void {
    const owner = this.sql("SELECT value FROM meta WHERE key = 'epoch'").get() as { value: string };
    if (Number(owner.value) !== this.epoch)
      throw new BosunError("conflict", "another Bosun process took this data folder over: this one stops");
  }

  #saveFold(head: Head): void {
    const { run, fold } = head;
    const status = statusOf(fold);
    if (status === head.savedStatus && fold.seq - head.savedSeq < MAX_FOLD_LAG) return;
    head.savedSeq = fold.seq;
    head.savedStatus = status;
    this.sql(
      "INSERT INTO runs (run, status, session_id, parent, ended, fold) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (run) DO UPDATE SET status = excluded.status, ended = excluded.ended, fold = excluded.fold",
    ).run(run, status, fold.session_id, fold.parent?.run_id ?? null, fold.ended === null ? 0 : 1, JSON.stringify(fold));
  }

  #head(runId: string): Head {
    const known = this.#heads.get(runId);
    if (known !== undefined) return known;
    const row = this.sql("SELECT run FROM run_keys WHERE run_id = ?").get(runId) as { run: number } | undefined;
    const head = row === undefined ? newHead() : this.#loadHead(row.run, runId);
    this.#heads.set(runId, head);
    this.#rested.delete(runId);
    return head;
  }

  #newRun(runId: string): number {
    return Number(this.sql("INSERT INTO run_keys (run_id) VALUES (?)").run(runId).lastInsertRowid);
  }

  #loadHead(run: number, runId: string): Head {
    const last = this.sql("SELECT seq, time, hash FROM events WHERE run = ? ORDER BY seq DESC LIMIT 1").get(run) as {
      seq: number;
      time: number;
      hash: Buffer;
    };
    return { run, seq: last.seq, time: last.time, hash: last.hash, fold: super.run(runId), savedSeq: 0, savedStatus: null };
  }

  nextDeadline(): number | null {
    const row = this.sql("SELECT min(deadline) AS deadline FROM waits WHERE deadline IS NOT NULL").get() as { deadline: number | null };
    return row.deadline;
  }

  overdue(now: number): readonly OpenWait[] {
    return this.sql(
      "SELECT run_id, path, name, deadline FROM waits JOIN run_keys USING (run) WHERE deadline <= ? ORDER BY deadline, run, path",
    ).all(now) as OpenWait[];
  }

  unfinished(): readonly string[] {
    const rows = this.sql(
      // What a task was told, and that it was taken up, makes nothing happen by itself.
      `SELECT run_id FROM runs JOIN run_keys USING (run) LEFT JOIN parked USING (run)
       WHERE ended = 0 AND (parked.seq IS NULL OR parked.seq < (SELECT seq FROM events
         WHERE events.run = runs.run AND kind NOT IN ('event-received', 'run-recovered') ORDER BY seq DESC LIMIT 1)) ORDER BY run`,
    ).all();
    return (rows as { run_id: string }[]).map((row) => row.run_id);
  }

  park(runId: string): void {
    const head = this.#head(runId);
    this.#heads.delete(runId);
    if (head.fold.ended !== null) return;
    this.db
      .transaction(() => {
        this.assertOwner();
        this.sql("INSERT INTO parked VALUES (?, ?) ON CONFLICT (run) DO UPDATE SET seq = excluded.seq").run(head.run, head.seq);
      })
      .immediate();
  }

  /** Notes in the signed log that payloads are missing that nobody removed from this journal. */
  noteMissing(runs: Iterable<Pick<SalvagedRun, "run_id" | "missing" | "lost">>): void {
    const entries = Array.from(runs)
      .filter(({ missing }) => missing > 0)
      .map(({ run_id: runId, missing, lost }) => ({
        kind: "payload-removed" as const,
        run_id: runId,
        data: { payloads: missing, bytes: 0, ...(lost ? { lost } : {}) },
      }));
    this.db.transaction(() => this.#log?.append(entries)).immediate();
  }

  rebuild(): number {
    this.#heads.clear();
    this.#rested.clear();
    const runs = rebuildProjections({
      db: this.db,
      sql: (text) => this.sql(text),
      project: this.#project,
      assertOwner: () => this.assertOwner(),
      save: (run, fold) => this.#saveFold({ run, seq: fold.seq, time: fold.last_at, hash: GENESIS, fold, savedSeq: 0, savedStatus: null }),
    });
    this.#heads.clear();
    this.outdated = null;
    return runs;
  }

  *collectGarbage({ cutoff, alone, thorough, anewUpToBytes }: GcRequest): Generator<void, GcReport> {
    this.assertOwner();
    this.sql("INSERT INTO meta VALUES ('gc_at', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value").run(String(this.#now()));
    const work = this.pieces(
      collectGarbage(this.db, {
        cutoff,
        dryRun: false,
        keepFrom: alone ? null : this.#newFrom,
        thorough,
        anewUpToBytes,
        onRemoved: (runId, seq, head) => {
          this.#rested.delete(runId);
          this.#log?.append([{ kind: "run-removed", run_id: runId, data: { seq, head } }]);
        },
      }),
    );
    for (;;) {
      this.assertOwner();
      for (const hash of this.#pendingBlobs.keys()) this.#putAgain(Buffer.from(hash, "hex"));
      const step = work.next();
      if (step.done === true) {
        if (alone) this.#newFrom = this.#lastBlob();
        return step.value;
      }
      yield;
    }
  }

  /** It was there already, perhaps with nobody naming it: it must not be swept before somebody does. */
  #putAgain(hash: Buffer): void {
    this.sql("INSERT INTO temp.put_again SELECT hash FROM blobs WHERE hash = ? AND id < ? ON CONFLICT DO NOTHING").run(hash, this.#newFrom);
  }

  #lastBlob(): number {
    return (this.sql("SELECT coalesce(max(id), 0) AS id FROM blobs").get() as { id: number }).id;
  }

  close(): void {
    this.db.close();
  }
}

const APPROVALS = "SELECT run_id, path, request, status, decision, requested_at, decided_at FROM approvals JOIN run_keys USING (run)";

interface RawApproval extends Omit<ApprovalRow, "request" | "decision"> {
  readonly request: string;
  readonly decision: string | null;
}

function approvalRow(row: RawApproval): ApprovalRow {
  return {
    ...row,
    request: JSON.parse(row.request) as ApprovalRow["request"],
    decision: row.decision === null ? null : (JSON.parse(row.decision) as ApprovalRow["decision"]),
  };
}

function codeOf(error: unknown): string {
  const code: unknown = (error as { code?: unknown }).code;
  return typeof code === "string" ? code : "";
}

function explainWrite(error: unknown): BosunError {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (code === "SQLITE_FULL" || code.includes("ENOSPC")) {
    return new BosunError(
      "internal",
      "the disk is full: the journal cannot be written, so nothing more is done. Free some space; `bosun resume <run>` goes on where it was",
      { cause: error },
    );
  }
  return new BosunError(
    "internal",
    `the journal cannot be written (${code || "error"}): ${message}. Nothing more is done; \`bosun resume <run>\` goes on where it was`,
    { cause: error },
  );
}

/** Builds the projections of a database that is nobody's journal: a copy to compare with. */
export function rebuildCopy(db: Database): void {
  new SqliteJournal(db, () => 0, undefined).rebuild();
}
