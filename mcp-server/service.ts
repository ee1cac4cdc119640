/**
 * The service: everything a face of Bosun (command line, MCP server, extension) may ask of it. Faces know this port and the value
 * objects of `shared/`, never the journal or the engine.
 */
import type { Json } from "../shared/durable.ts";
import type { ErrorValue } from "../shared/errors.ts";
import type { ApprovalView, PlanView, RunStatus, RunView } from "../shared/run-view.ts";
import type { RunEvent } from "../shared/events.ts";

export interface RunRequest {
  /** 1..100,000 characters. */
  readonly task: string;
  readonly worker?: string;
  readonly files?: readonly string[];
  readonly context?: Json;
  /** A plan of the caller's own (checked like a model's). */
  readonly steps?: unknown;
  readonly session_id?: string;
  /** Overrides the configured models of all tiers: `provider:model`. */
  readonly model?: string;
  readonly output_schema?: Json;
  readonly budget?: { readonly usd?: number; readonly tokens?: number };
}

export type Include = "plan" | "trace" | "changes" | "events";

export type RunNote =
  /** An event was committed. `words` is what it names: a task, a question, an error; null when it names nothing of the kind. */
  | { readonly type: "event"; readonly event: RunEvent; readonly words: string | null }
  /** A model's answer grew by some text; not recorded anywhere. */
  | { readonly type: "delta"; readonly run_id: string; readonly path: string; readonly text: string };

export interface Divergence {
  readonly seq: number;
  /** What the journal has there, and what the supervisor did instead; one line each. */
  readonly expected: string;
  readonly actual: string;
}

export interface ReplayReport {
  readonly ok: boolean;
  readonly events: number;
  readonly divergence?: Divergence;
}

export interface ApprovalDetail {
  readonly approval: ApprovalView;
  /** Unified diff of the whole change set. */
  readonly diff: string;
  readonly digest: string;
}

/** What `gc` removed, or would remove. */
export interface GcSummary {
  readonly dry_run: boolean;
  /** Ended runs older than this many days were meant. */
  readonly days: number;
  readonly runs: number;
  /** Texts and file contents that no remaining run names. */
  readonly payloads: number;
  readonly payload_bytes: number;
  /** By how much the journal's files became smaller, measured; null for a dry run. */
  readonly freed_bytes: number | null;
  /** Marks of applied change sets that a kill had left behind. */
  readonly leftovers: number;
}

export interface Upkeep {
  /** Removes ended runs older than `days` (the configuration's `retention.days`) and what only they named. */
  gc(request: { readonly days?: number; readonly dry_run: boolean }): Promise<GcSummary>;
  /** Builds everything that is derived from the events again. No run may be at work. */
  rebuild(): { readonly runs: number };
}

/** One thing that was looked at. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was found; where it is not well, what to do. */
  readonly detail: string;
}

export interface Examination {
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

export interface Service extends Upkeep {
  /** Creates the run and starts driving it. @throws BosunError invalid_input */
  startRun(request: RunRequest): string;
  /** @throws BosunError not_found */
  getRun(runId: string, include?: readonly Include[]): RunView;
  listRuns(filter?: { status?: RunStatus; session_id?: string; limit?: number }): readonly RunView[];
  /** Full id of a run from any unambiguous beginning of it. @throws BosunError not_found, invalid_input when ambiguous */
  findRun(idOrPrefix: string): string;
  /** Resolves when the run has ended, waits for a person or is paused. Rejects when the engine had to stop (a full disk). */
  settled(runId: string): Promise<RunView>;
  /** Notes of one run, until the returned function is called. */
  subscribe(runId: string, listener: (note: RunNote) => void): () => void;
  cancel(runId: string): void;
  /** Asks again or goes on after a pause, an expired approval or a killed process. */
  resume(runId: string, budget?: { usd?: number; tokens?: number }): void;
  /** @throws BosunError not_found, invalid_input, conflict when it was answered already */
  answer(runId: string, questionId: string, answer: string): void;
  /** Starts a run that puts back what the given run changed; it asks for approval like any write. @throws BosunError not_found, conflict */
  revert(runId: string): string;
  /** Drives the run again with every answer from the journal: no model, no tool, no write. */
  replay(runId: string): Promise<ReplayReport>;
  /** What would be done, not done. Costs a model call. */
  plan(request: RunRequest): Promise<{ readonly plan: PlanView; readonly confidence: number | null; readonly complexity: number | null }>;
  listApprovals(filter?: { run_id?: string }): readonly ApprovalView[];
  getApproval(approvalId: string): ApprovalDetail;
  /**
   * A person's decision; only faces that talk with a person may call it.
   * @param decision.digest of the content that the person saw.
   * @throws BosunError not_found, conflict (decided already), approval_expired
   */
  decide(approvalId: string, decision: { decision: "approve" | "reject"; digest: string; reason?: string }): void;
  /** Takes up runs that an earlier process left unfinished; their ids. */
  recover(): readonly string[];
  /** Waits for effects in flight, commits, and gives the data folder free. */
  close(): Promise<void>;
  /** True while a living process, this or another, owns the workspace's data folder: without one nothing runs, whatever a status says. */
  readonly owned: boolean;
  /** What a person should know: ignored settings, a corrupt journal that was set aside. Grows. */
  readonly notices: readonly string[];
  /** Set when the service could not go on by itself: a full disk, a lost lock. */
  readonly broken: ErrorValue | null;
}
