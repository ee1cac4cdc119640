/** Writing the journal's SQLite file, as its one owner. One transaction per commit: events, payloads, projections and signatures together. */
import type { Database, Transaction } from "better-sqlite3";
import { hash as hashOf } from "node:crypto";
import type { BlobRef } from "../../shared/change.ts";
import { BosunError, isBosunError } from "../../shared/errors.ts";
import type { CallLabel, RunEvent } from "../../shared/events.ts";
import type { RunStatus } from "../../shared/run-view.ts";
import { failpoint } from "../engine/failpoint.ts";
import type { BlobStore } from "./blobs.ts";
import { chainHash, GENESIS } from "./chain-hash.ts";
import { collectGarbage, PUT_AGAIN } from "./collect-garbage.ts";
import { foldEvent, labelOf, startFold, statusOf } from "./fold-run.ts";
import type { RunFold } from "./fold-run.ts";
import type { Append, GcReport, GcRequest, Journal, OpenWait } from "./port.ts";
import { createProjector } from "./projector.ts";
import { rebuildProjections } from "./rebuild.ts";
import type { SalvagedRun } from "./salvage.ts";
import { SignedLog } from "./signed-log.ts";
import type { TouchedRun } from "./signed-log.ts";
import type { SigningKey } from "./signing-key.ts";
import { SqliteJournalReader } from "./sqlite-reader.ts";

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

/** Folds of so many runs that came to rest are remembered, for they are mostly looked at right then. */
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

export class SqliteJournal extends SqliteJournalReader implements Journal {
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

  /** With runs whose first event is only staged. */
  protected override unendedOf(sessionId: string): readonly string[] {
    const staged = [...this.#heads].flatMap(([runId, head]) => (head.run === 0 && head.fold.session_id === sessionId ? [runId] : []));
    return [...super.unendedOf(sessionId), ...staged];
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
