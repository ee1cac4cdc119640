/**
 * The installation's signed log: starts, ends and removals in one chain, a signed tip, and a sealed head for each run that has not ended.
 * Everything here happens inside the caller's transaction. It never signs or seals what it did not see grow: a head or tip that is not as
 * this installation left it stops the commit.
 */
import { BosunError } from "../../shared/errors.ts";
import { GENESIS } from "./chain-hash.ts";
import type { HeadRow, TipRow } from "./chained-rows.ts";
import { logHash, tipText } from "./log-format.ts";
import type { LogData, LogKind } from "./log-format.ts";
import type { Sql } from "./open-database.ts";
import { proofOfHead, sealHead } from "./run-head.ts";
import type { SigningKey } from "./signing-key.ts";

/** A run that a commit appended to. */
export interface TouchedRun {
  readonly run: number;
  readonly run_id: string;
  /** What the commit was built on: `seq` 0 for a new run. */
  readonly before: { readonly seq: number; readonly hash: Buffer };
  readonly seq: number;
  readonly hash: Buffer;
  readonly ended: boolean;
}

interface NewEntry {
  readonly kind: LogKind;
  readonly run_id: string | null;
  readonly data: LogData;
}

export interface SignedLogParts {
  readonly sql: (text: string) => Sql;
  readonly key: SigningKey;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** The owner's epoch. */
  readonly epoch: number;
}

/** Heads that are remembered; those of runs that only wait are read and checked again. */
const MAX_KNOWN = 1_000;

export class SignedLog {
  readonly #sql: (text: string) => Sql;
  readonly #key: SigningKey;
  readonly #now: () => number;
  readonly #epoch: number;
  /** The tip's text as it was signed last, so that its signature need not be checked. */
  #tip: string | null = null;
  /** Heads as they were left, of the runs that were touched last. */
  readonly #known = new Map<number, TouchedRun["before"]>();
  /** The tip as it was left, and the state of the file then: as long as no other connection wrote, all is as it was left. */
  #left: TipRow | null = null;
  #version: number | null = null;

  constructor({ sql, key, now, epoch }: SignedLogParts) {
    this.#sql = sql;
    this.#key = key;
    this.#now = now;
    this.#epoch = epoch;
  }

  /**
   * Notes that this owner opened the journal. A journal without a log gets one that begins with the runs that are there.
   * @returns how many runs there were, unsigned, when the log began; 0 when it was there already.
   * @throws BosunError conflict when the log was signed with another key or is not as it was left
   */
  open(): number {
    if (this.#checkedTip() !== null) {
      this.append([{ kind: "journal-opened", run_id: null, data: { epoch: this.#epoch } }]);
      return 0;
    }
    const { adopted } = this.#sql("SELECT count(*) AS adopted FROM run_keys").get() as { adopted: number };
    this.append([{ kind: "journal-opened", run_id: null, data: { epoch: this.#epoch, ...(adopted === 0 ? {} : { adopted }) } }]);
    let after = -1;
    for (;;) {
      const next = this.#sql("SELECT run, run_id FROM run_keys WHERE run > ? ORDER BY run LIMIT 1000").all(after) as {
        run: number;
        run_id: string;
      }[];
      this.noteCommit(next.flatMap((run) => this.#adoptable(run) ?? []));
      const last = next.at(-1);
      if (last === undefined) return adopted;
      after = last.run;
    }
  }

  #adoptable({ run, run_id: runId }: { run: number; run_id: string }): TouchedRun | null {
    const last = this.#sql(
      "SELECT seq, hash, EXISTS (SELECT 1 FROM events WHERE run = @run AND kind = 'run-ended') AS ended FROM events WHERE run = @run ORDER BY seq DESC LIMIT 1",
    ).get({ run }) as { seq: number; hash: Buffer; ended: number } | undefined;
    if (last === undefined) return null;
    return { run, run_id: runId, before: { seq: 0, hash: GENESIS }, seq: last.seq, hash: last.hash, ended: last.ended === 1 };
  }

  /** To be called once in each commit that appends events. @throws BosunError conflict when a run is not as this installation left it */
  noteCommit(touched: readonly TouchedRun[]): void {
    const entries: NewEntry[] = [];
    this.#look();
    for (const run of touched) {
      if (run.before.seq === 0) entries.push({ kind: "run-started", run_id: run.run_id, data: {} });
      else this.#assertUntouched(run);
      if (run.ended) {
        entries.push({ kind: "run-ended", run_id: run.run_id, data: { seq: run.seq, head: run.hash.toString("hex") } });
        this.#sql("DELETE FROM run_heads WHERE run = ?").run(run.run);
        this.#known.delete(run.run);
      } else {
        this.#sealHead(run);
      }
    }
    this.#add(entries);
  }

  /** Has another connection written since? Then nothing that is remembered counts. */
  #look(): void {
    const { data_version: version } = this.#sql("PRAGMA data_version").get() as { data_version: number };
    if (version === this.#version) return;
    this.#version = version;
    this.#left = null;
    this.#known.clear();
  }

  #sealHead({ run, run_id: runId, seq, hash }: TouchedRun): void {
    const seal = sealHead(this.#key, runId, { seq, hash, epoch: this.#epoch });
    this.#sql(
      `INSERT INTO run_heads (run, seq, hash, epoch, signature) VALUES (?, ?, ?, ?, ?) ON CONFLICT (run) DO UPDATE SET
       seq = excluded.seq, hash = excluded.hash, epoch = excluded.epoch, signature = excluded.signature`,
    ).run(run, seq, hash, this.#epoch, seal);
    this.#known.delete(run);
    this.#known.set(run, { seq, hash });
    const oldest = this.#known.keys().next();
    if (this.#known.size > MAX_KNOWN && oldest.done !== true) this.#known.delete(oldest.value);
  }

  /** What this commit was built on is what was sealed last, so that nothing is sealed that somebody else put there. */
  #assertUntouched({ run, run_id: runId, before }: TouchedRun): void {
    const known = this.#known.get(run);
    if (known !== undefined && known.seq === before.seq && known.hash.equals(before.hash)) return;
    const head = this.#sql("SELECT seq, hash, epoch, signature FROM run_heads WHERE run = ?").get(run) as HeadRow | undefined;
    const keys = { public: this.#key.public, seals: () => this.#key };
    const sound =
      head === undefined
        ? this.#endedAt(runId, before)
        : head.seq === before.seq && head.hash.equals(before.hash) && proofOfHead(runId, head, keys) === "holds";
    if (!sound) throw changed(`run ${runId} was changed in the journal by something else than Bosun: \`bosun verify ${runId}\` says what`);
  }

  #endedAt(runId: string, { seq, hash }: TouchedRun["before"]): boolean {
    const row = this.#sql("SELECT data FROM log WHERE run_id = ? AND kind = 'run-ended' ORDER BY position DESC LIMIT 1").get(runId) as
      | { data: string }
      | undefined;
    const end = row === undefined ? {} : (JSON.parse(row.data) as LogData);
    return end.seq === seq && end.head === hash.toString("hex");
  }

  /** Adds entries and signs the new tip. @throws BosunError conflict when the log is not as it was left */
  append(entries: readonly NewEntry[]): void {
    this.#look();
    this.#add(entries);
  }

  #add(entries: readonly NewEntry[]): void {
    if (entries.length === 0) return;
    const tip = this.#left ?? this.#checkedTip();
    let [count, hash] = tip === null ? [0, GENESIS] : [tip.count, tip.hash];
    const insert = this.#sql("INSERT INTO log (position, time, kind, run_id, data, hash) VALUES (?, ?, ?, ?, ?, ?)");
    for (const { kind, run_id: runId, data } of entries) {
      const entry = { position: (count += 1), time: this.#now(), kind, run_id: runId, data: JSON.stringify(data) };
      hash = logHash(hash, entry);
      insert.run(entry.position, entry.time, kind, runId, entry.data, hash);
    }
    const text = tipText({ count, hash });
    const signature = this.#key.sign(text);
    this.#sql(
      `INSERT INTO log_tip (id, count, hash, key, signature) VALUES (1, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
       count = excluded.count, hash = excluded.hash, key = excluded.key, signature = excluded.signature`,
    ).run(count, hash, this.#key.public.fingerprint, signature);
    this.#tip = text;
    this.#left = { count, hash, key: this.#key.public.fingerprint, signature };
  }

  /** Null when there is no log yet. */
  #checkedTip(): TipRow | null {
    const tip = this.#sql("SELECT count, hash, key, signature FROM log_tip WHERE id = 1").get() as TipRow | undefined;
    const last = this.#sql("SELECT position, hash FROM log ORDER BY position DESC LIMIT 1").get() as
      | { position: number; hash: Buffer }
      | undefined;
    if (tip === undefined && last === undefined) return null;
    const own = this.#key.public;
    if (tip !== undefined && tip.key !== own.fingerprint)
      throw changed(`the journal is signed with ${tip.key}, and the key of this installation is ${own.fingerprint}: put the former back`);
    const sound =
      tip !== undefined &&
      last?.position === tip.count &&
      last.hash.equals(tip.hash) &&
      (tipText(tip) === this.#tip || own.verifies(tipText(tip), tip.signature));
    if (!sound) throw changed("the signed log of the journal was changed by something else than Bosun: `bosun verify` says where");
    return tip;
  }
}

function changed(message: string): BosunError {
  return new BosunError("conflict", `${message}. Nothing is added to it; to begin a new journal, move journal.db away`, {
    retryable: false,
  });
}
