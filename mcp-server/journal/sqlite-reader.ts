/** Reading the journal's SQLite file, open to any process: no lock, no migration, no repair. */
import type { Database } from "better-sqlite3";
import { BosunError } from "../../shared/errors.ts";
import type { EventKind, RunEvent } from "../../shared/events.ts";
import type { BlobStore } from "./blobs.ts";
import { GENESIS } from "./chain-hash.ts";
import { collectGarbage } from "./collect-garbage.ts";
import type { RunFold } from "./fold-run.ts";
import type { LogData } from "./log-format.ts";
import { schemaVersion } from "./migrations.ts";
import { damaged, isCorruption, openDatabase } from "./open-database.ts";
import type { Sql } from "./open-database.ts";
import type { ApprovalRow, GcReport, JournalReader, OpenWait, SessionUsage, UsageFilter, UsageRow, UsageSum } from "./port.ts";
import { needsRebuild } from "./rebuild.ts";
import { eventsAfter, eventsOfKinds, placedAfter, readFold } from "./stored-fold.ts";
import type { FoldRow } from "./stored-fold.ts";
import { endedUsage, sumSession, usageSums } from "./usage-sums.ts";

/** Null when its first owner was stopped before there was anything in it. */
export function openJournalReader(file: string): { reader: JournalReader; close: () => void } | null {
  const { db } = openDatabase(file, { readonly: true, check: false });
  if (schemaVersion(db) === 0) {
    db.close();
    return null;
  }
  return { reader: new SqliteJournalReader(db), close: () => db.close() };
}

export class SqliteJournalReader implements JournalReader {
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
      const { db } = this;
      // Each by itself: a run makes more than a hundred such calls, and a closure for each shows.
      statement = {
        get: (...values) => {
          try {
            return prepared.get(...values);
          } catch (error) {
            throw told(db, error);
          }
        },
        all: (...values) => {
          try {
            return prepared.all(...values);
          } catch (error) {
            throw told(db, error);
          }
        },
        run: (...values) => {
          try {
            return prepared.run(...values);
          } catch (error) {
            throw told(db, error);
          }
        },
      };
      this.#statements.set(text, statement);
    }
    return statement;
  }

  #sound<T>(use: () => T): T {
    try {
      return use();
    } catch (error) {
      throw told(this.db, error);
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

  placedEvents(after: number, limit: number): ReturnType<JournalReader["placedEvents"]> {
    return placedAfter((query) => this.sql(query), after, limit);
  }

  lastPosition(): number {
    // Not the greatest that is there: the last event's run may have been removed.
    const row = this.sql("SELECT seq FROM sqlite_sequence WHERE name = 'events'").get() as { seq: number } | undefined;
    return row?.seq ?? 0;
  }

  endedEvents(kinds: readonly EventKind[], bound: { readonly runs: number; readonly events: number }): readonly RunEvent[] {
    const runs = this.sql("SELECT run, run_id FROM runs JOIN run_keys USING (run) WHERE ended = 1 ORDER BY run DESC LIMIT ?").all(
      bound.runs,
    );
    const found: RunEvent[] = [];
    for (const at of runs as { run: number; run_id: string }[]) {
      const limit = bound.events - found.length;
      if (limit <= 0) break;
      found.push(...eventsOfKinds((query) => this.sql(query), at, { kinds, limit }));
    }
    return found;
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

  usageSums({ by, since, session_id: sessionId }: UsageFilter): readonly UsageSum[] {
    return usageSums((text) => this.sql(text), { by, since: since ?? null, session: sessionId ?? null });
  }

  sessionUsage(sessionId: string): SessionUsage {
    const ended = endedUsage((text) => this.sql(text), sessionId);
    return sumSession(
      ended,
      this.unendedOf(sessionId).map((runId) => this.run(runId)),
    );
  }

  /** Runs of a session whose end is not written down. */
  protected unendedOf(sessionId: string): readonly string[] {
    const rows = this.sql("SELECT run_id FROM runs JOIN run_keys USING (run) WHERE session_id = ? AND ended = 0").all(sessionId);
    return (rows as { run_id: string }[]).map((row) => row.run_id);
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

/** Corruption that shows in use, in words. */
function told(db: Database, error: unknown): unknown {
  return isCorruption(error) ? damaged(db.name, error) : error;
}
