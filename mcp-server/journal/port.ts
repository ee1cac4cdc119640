/**
 * The journal: what every run does, as events in one append-only, hash-chained sequence per run, and the projections that are
 * kept beside it in the same transaction. The journal never decides anything and never calls a model, a tool or the workspace.
 */
import type { EventKind, NewEvent, RunEvent } from "../../shared/events.ts";
import type { ApprovalDecision, ApprovalRequest } from "../../shared/events.ts";
import type { RunStatus } from "../../shared/run-view.ts";
import type { Usage, UsageSource } from "../../shared/usage.ts";
import type { BlobStore } from "./blobs.ts";
import type { RunFold } from "./fold-run.ts";

/** An event that is to be appended to a run. */
export interface Append {
  readonly run_id: string;
  readonly event: NewEvent;
  /** Epoch milliseconds; left out: now. Not later than now. */
  readonly time?: number;
}

export interface ApprovalRow {
  readonly run_id: string;
  readonly path: string;
  readonly request: ApprovalRequest;
  readonly status: "open" | "approved" | "rejected" | "expired" | "void";
  readonly decision: ApprovalDecision | null;
  readonly requested_at: number;
  readonly decided_at: number | null;
}

export interface OpenWait {
  readonly run_id: string;
  readonly path: string;
  readonly name: string;
  readonly deadline: number | null;
}

export interface UsageRow {
  readonly run_id: string;
  readonly worker: string;
  readonly model: string;
  /** UTC day, `2026-01-31`. */
  readonly day: string;
  readonly calls: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly cached_tokens: number;
  readonly usd: number | null;
  readonly source: UsageSource;
}

/** By what model calls are summed up. */
export type UsageKey = "run" | "worker" | "model" | "day";

export interface UsageFilter {
  readonly by: UsageKey;
  /** Only this UTC day, `2026-01-31`, and later ones. */
  readonly since?: string;
  readonly session_id?: string;
}

/** Settled model calls that have something in common. */
export interface UsageSum extends Omit<Usage, "usd"> {
  /** The run's id, the worker (empty: the supervisor), the model or the UTC day. */
  readonly key: string;
  readonly calls: number;
  /** US dollars of what has a known price. */
  readonly known_usd: number;
  /** Is there anything of unknown price? */
  readonly unknown_usd: boolean;
}

/** What all runs of a session came to. */
export interface SessionUsage {
  /** Settled. */
  readonly used: Usage;
  /** Set aside for attempts that are not settled, at its upper bound. */
  readonly reserved: Usage;
  /** Milliseconds in which each run had at least one call under way, added up over the runs. */
  readonly active_ms: number;
}

export interface GcRequest {
  /** Runs that ended before this are removed; epoch milliseconds. */
  readonly cutoff: number;
  /** No run is at work in this process and none begins before the end: then every payload that no event names can go. */
  readonly alone: boolean;
  /** Looks for payloads that nobody names also when no run was removed since the last time. */
  readonly thorough: boolean;
  /** An old journal up to this size is written anew when much of it is free; newer ones give space back in any case. */
  readonly anewUpToBytes: number;
}

/** What a round of garbage collection removed, or would. */
export interface GcReport {
  readonly runs: number;
  readonly payloads: number;
  /** Sum of the payloads' own bytes. */
  readonly payload_bytes: number;
  /** By how much the journal's files became smaller, measured; null when nothing was done (a dry run). */
  readonly freed_bytes: number | null;
}

/** Reading, open to any process. */
export interface JournalReader {
  readonly blobs: BlobStore;
  /** @throws BosunError not_found */
  run(runId: string): RunFold;
  runs(filter: { status?: RunStatus; session_id?: string; limit: number }): readonly RunFold[];
  /** Runs that were started from this one (reverts), oldest first. */
  children(runId: string): readonly RunFold[];
  /** Ids that start so, at most `limit`. */
  runsWithPrefix(prefix: string, limit: number): readonly string[];
  /** Events in order. @throws BosunError not_found */
  events(runId: string): readonly RunEvent[];
  /** Events of all runs after a position, at most `limit`, in the order in which they were written. Positions only grow. */
  placedEvents(after: number, limit: number): readonly { readonly position: number; readonly event: RunEvent }[];
  /** Of the last event that was written, 0 before the first. */
  lastPosition(): number;
  /**
   * Events of these kinds of the runs that ended last, the youngest run first, each run's in order.
   * @param bound.events at most so many; of the run with the last one some may be missing at its end
   */
  endedEvents(kinds: readonly EventKind[], bound: { readonly runs: number; readonly events: number }): readonly RunEvent[];
  /** What the run waits for. */
  openWaits(runId: string): readonly OpenWait[];
  /** Hash of the last event, lower-case hex. */
  head(runId: string): string;
  /** Hash of the event of this sequence, lower-case hex. @throws BosunError not_found */
  hashAt(runId: string, seq: number): string;
  approval(approvalId: string): ApprovalRow | null;
  approvals(filter: { run_id?: string; open?: boolean }): readonly ApprovalRow[];
  usage(runId: string): readonly UsageRow[];
  /** Sums over all runs that are kept, in no order. */
  usageSums(filter: UsageFilter): readonly UsageSum[];
  /** Of an unknown session: nothing. */
  sessionUsage(sessionId: string): SessionUsage;
  /** What {@link Journal.collectGarbage} would remove, in pieces. */
  garbage(cutoff: number): Generator<void, GcReport>;
  /** When it was begun last; epoch milliseconds. */
  lastGarbageCollection(): number | null;
  /** Why payloads of this run may be missing, as the signed log says; null when it says nothing of it. */
  removal(runId: string): "forgotten" | "lost" | null;
  /** The run that put this change set up for approval; null when there is none (any more). */
  runOfChangeSet(changeSetId: string): { readonly run_id: string; readonly ended: boolean } | null;
}

export interface Journal extends JournalReader {
  readonly epoch: number;
  /**
   * Gives events their place in their runs and their hash, in memory: `run` and `events` of this journal tell of them at once, the medium
   * and every other process only after the next {@link write}.
   */
  stage(appends: readonly Append[]): readonly RunEvent[];
  /**
   * Writes all that is staged in one transaction, payloads and projections included; what was written.
   * @param durable flushed to the medium before it returns (`synchronous=FULL`), else safe against a killed process only.
   * @throws BosunError conflict when another owner took over, internal when the medium refuses (a full disk); nothing is written then, and what
   * was staged is void.
   */
  write(durable: boolean): readonly RunEvent[];
  /** {@link stage} and {@link write}. */
  commit(appends: readonly Append[], durable: boolean): readonly RunEvent[];
  /** @throws BosunError conflict when another owner took over since. */
  assertOwner(): void;
  /** The earliest deadline of all open waits. */
  nextDeadline(): number | null;
  overdue(now: number): readonly OpenWait[];
  /** Runs without an end that were not parked at their last event. */
  unfinished(): readonly string[];
  /** Notes that a run waits and needs nothing until its next event. */
  park(runId: string): void;
  /** Throws all projections away and builds them again from the events; no run may be at work. How many runs there are. */
  rebuild(): number;
  /**
   * Removes runs that ended long ago and payloads that nobody names, and gives space back. In pieces: between two of them other work
   * may be done, and it may be left off at any of them.
   */
  collectGarbage(request: GcRequest): Generator<void, GcReport>;
  close(): void;
}
