/**
 * The service: everything a face of Bosun (command line, MCP server, extension) may ask of it. Faces know this port and the value
 * objects of `shared/`, never the journal or the engine. What only looks answers at once, for it reads the journal beside whoever owns it;
 * what starts, drives or decides is a promise, for the owner may be another process.
 */
import type { Json } from "../shared/durable.ts";
import type { ApprovalChoice } from "../shared/approval-choice.ts";
import type { AuditEntry } from "../shared/audit.ts";
import type { ErrorValue } from "../shared/errors.ts";
import type { JournalVerdict } from "../shared/journal-verdict.ts";
import type { ApprovalView, Include, RunStatus, RunView } from "../shared/run-view.ts";
import type { PolicyCheck, PolicyReport, PolicyRuleView, RuleSuggestion } from "../shared/policy.ts";
import type { Route } from "../shared/routing.ts";
import type { LentModel, LentRequest } from "../shared/model-bridge.ts";
import type { ApprovalDetail, ForgetReport, GcSummary, PlanReport, UsageReport } from "../shared/reports.ts";
import type { RunNote } from "../shared/run-note.ts";
import type { RunComparison } from "../shared/run-compare.ts";
import type { OtlpTrace } from "../shared/otlp.ts";
import type { ImportedWorker, WorkersReport } from "../shared/worker-view.ts";
import type { Caps, DecisionChannel, EffectDecision, Priority } from "../shared/events.ts";

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
  readonly budget?: Caps;
  /** Default normal. */
  readonly priority?: Priority;
  /** A request with the same key gives the run that the first one began, for as long as that is kept. */
  readonly idempotency_key?: string;
  /** W3C trace context of whoever asks: the run is part of that trace. What is no such value is passed over. */
  readonly traceparent?: string;
}

export interface ForkRequest {
  /** A sequence: all up to it is kept. Or a span (its id or the beginning of one, its path, or a step's id): it is done anew. */
  readonly at: string;
  readonly task?: string;
  /** `provider:model` for all tiers. */
  readonly model?: string;
  /** Of the step in which the fork point lies. */
  readonly worker?: string;
  /** Of the model call, tool call or question at the fork point. */
  readonly answer?: string;
  /** Left out: the parent's caps, counted from nothing. */
  readonly budget?: Caps;
}

export interface Follow {
  /** Events after it are told. Less than what was asked for: the journal was begun anew since. */
  readonly position: number;
  readonly stop: () => void;
}

/** A client that lends models while it is connected. */
export interface Lender {
  readonly models: readonly LentModel[];
  /**
   * Its answer, as it came. Rejects with what the client says is wrong, and when it goes away.
   * @param ctx.signal it is told that nobody waits any more
   */
  complete(request: LentRequest, ctx: { readonly signal: AbortSignal; readonly onDelta: (text: string) => void }): Promise<unknown>;
}

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

/** What checking the journal, or a run that was exported, came to. */
export interface VerifyReport extends JournalVerdict {
  /** Fingerprint of who signed it, null when nobody did. */
  readonly key: string | null;
  /** How that key is known: it is this installation's, the one that was asked for, or only the file's own word. */
  readonly signer: "this_installation" | "given_key" | "unknown" | null;
  /** Of a file: the run in it. */
  readonly run_id?: string | null;
  readonly redacted?: boolean;
  /** When the run that was asked for was removed from the journal, as the signed log says; ISO 8601, UTC. */
  readonly removed_at?: string;
}

export interface ExportReport {
  readonly run_id: string;
  readonly events: number;
  readonly payloads: number;
  readonly left_out: number;
  /** Fingerprint of the key that signed it, null when there is none. */
  readonly key: string | null;
}

export interface UsageRequest {
  readonly by: "run" | "worker" | "model" | "day";
  /** Only so many UTC days up to today, at least 1; left out: all of the runs that are kept. */
  readonly days?: number;
  readonly session_id?: string;
  /** In all workspaces of the user; else in this one. */
  readonly all: boolean;
}

export interface Upkeep {
  /** Removes ended runs older than `days` (the configuration's `retention.days`) and what only they named. */
  gc(request: { readonly days?: number; readonly dry_run: boolean }): Promise<GcSummary>;
  /** Builds everything that is derived from the events again. No run may be at work. */
  rebuild(): Promise<{ readonly runs: number }>;
}

/** What is allowed, asked about and refused, by whose rule. Only faces that talk with a person may change it. */
export interface PolicyDesk {
  /** The rules in force. */
  policy(): PolicyReport;
  /** Which rule decides about such a call, and what would happen. @param request.args JSON @throws BosunError invalid_input when they do not fit */
  checkPolicy(request: { readonly tool: string; readonly args: string; readonly worker: string }): PolicyCheck;
  /** Rules that follow from the person's decisions so far. */
  suggestRules(): readonly RuleSuggestion[];
  /** Writes a suggested rule into the person's own file. @throws BosunError not_found, conflict */
  acceptRule(id: string): PolicyRuleView;
  /** Takes a rule out of the person's own file. @throws BosunError not_found, conflict */
  revokeRule(id: string): PolicyRuleView;
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

export interface Service extends Upkeep, PolicyDesk {
  /** Looks for models on this machine where none is configured and no key is set; to be awaited before something is started. Never fails for want of them. @returns whether there is one */
  findModels(): Promise<boolean>;
  /** Creates the run and starts driving it. @throws BosunError invalid_input, conflict when its key stands for another task */
  startRun(request: RunRequest): Promise<string>;
  /** @throws BosunError not_found */
  getRun(runId: string, include?: readonly Include[]): RunView;
  /** The run's trace as OpenTelemetry has it, without what is not over yet. @param version of Bosun @throws BosunError not_found */
  exportTrace(runId: string, version: string): OtlpTrace;
  /**
   * Two runs laid over each other.
   * @param otherId null compares a fork with the run that it was forked from, which is then on the left.
   * @throws BosunError not_found, invalid_input when there is nothing to compare with
   */
  compare(runId: string, otherId: string | null): RunComparison;
  listRuns(filter?: { status?: RunStatus; session_id?: string; limit?: number }): readonly RunView[];
  /** What model calls came to, as far as their runs are kept. @throws BosunError internal when a journal cannot be read */
  usage(request: UsageRequest): UsageReport;
  /** Full id of a run from any unambiguous beginning of it. @throws BosunError not_found, invalid_input when ambiguous */
  findRun(idOrPrefix: string): string;
  /** Resolves when the run has ended, waits for a person or is paused. Rejects when the engine had to stop (a full disk). */
  settled(runId: string): Promise<RunView>;
  /** Notes of one run, or of all (null), until the returned function is called. */
  subscribe(runId: string | null, listener: (note: RunNote) => void): () => void;
  cancel(runId: string): Promise<void>;
  /** Starts nothing new until it is resumed; calls under way come home. @throws BosunError not_found, conflict */
  pause(runId: string): Promise<void>;
  /** Asks again or goes on after a pause, an expired approval or a killed process. */
  resume(runId: string, budget?: Caps): Promise<void>;
  /** Tells a task that is under way something: its workers hear it with their next turn. @throws BosunError not_found, conflict, invalid_input */
  tell(runId: string, data: Json): Promise<void>;
  /** A new run that keeps what the given one did up to a point; its id. @throws BosunError not_found, invalid_input */
  fork(runId: string, request: ForkRequest): Promise<string>;
  /**
   * A person's word about an effect that cannot tell whether it happened; only faces that talk with a person may call it.
   * @param effectId as in `RunView.uncertain` @throws BosunError not_found, conflict
   */
  settleEffect(runId: string, effectId: string, decision: EffectDecision): Promise<void>;
  /** @throws BosunError not_found, invalid_input, conflict when it was answered already */
  answer(runId: string, questionId: string, answer: string): Promise<void>;
  /** Starts a run that puts back what the given run changed; it asks for approval like any write. @throws BosunError not_found, conflict */
  revert(runId: string): Promise<string>;
  /** Drives the run again with every answer from the journal: no model, no tool, no write. */
  replay(runId: string): Promise<ReplayReport>;
  /**
   * Checks the journal, or one run and the log as a whole: hash chains, signatures, seals, payloads. Of a run that has not ended it needs
   * the installation's private key, else the run is `unproven`.
   * @param options.key PEM of the public key that must have signed it; the installation's own if left out
   * @throws BosunError not_found when neither the journal nor its log knows the run
   */
  verify(options?: { readonly run_id?: string; readonly key?: string }): VerifyReport;
  /** Checks an exported run with nothing but its file. @param options.key as for {@link verify} @throws BosunError not_found, invalid_input */
  verifyFile(file: string, options?: { readonly key?: string }): Promise<VerifyReport>;
  /**
   * A run as lines of a file of its own, each handed to `write` with its line end.
   * @param options.redact leaves out all payloads, and with them all that was said
   * @throws BosunError not_found, conflict when the run does not verify
   */
  exportRun(runId: string, options: { readonly redact: boolean }, write: (line: string) => void): ExportReport;
  /** Removes the payloads of a run that has ended; the events stay. Cannot be undone. @throws BosunError not_found, conflict */
  forget(runId: string): Promise<ForgetReport>;
  /**
   * Which worker a task would go to. Costs a model call where neither an earlier answer nor the local classifier is sure.
   * @param model `provider:model`; `offline`: the local classifier alone; null: what is found
   * @throws BosunError invalid_input, and what asking a model throws
   */
  route(task: string, model: string | null): Promise<Route>;
  /** The workers there are now, and what is wrong with files that are not used. */
  workers(): WorkersReport;
  /**
   * Makes a worker file for a person to fill in: in the workspace, or in the person's own folder.
   * @param request.from the worker that it begins as @returns the file @throws BosunError invalid_input, not_found, conflict
   */
  newWorker(request: { readonly name: string; readonly user: boolean; readonly from?: string }): string;
  /**
   * Makes worker files from definitions that people have for other programs.
   * @param request.paths none: all that are found in the workspace @throws BosunError not_found when there is nothing to import
   */
  importWorkers(request: {
    readonly paths: readonly string[];
    readonly user: boolean;
    readonly dry_run: boolean;
  }): readonly ImportedWorker[];
  /** What would be done, not done. Costs a model call. */
  plan(request: RunRequest): Promise<PlanReport>;
  listApprovals(filter?: { run_id?: string }): readonly ApprovalView[];
  getApproval(approvalId: string): ApprovalDetail;
  /** Each request for an approval and what became of it, oldest first, from the events alone. */
  audit(filter?: { run_id?: string }): readonly AuditEntry[];
  /**
   * A person's decision; only faces that talk with a person may call it.
   * @param decision.digest of the content that the person saw.
   * @param decision.parts what of it is approved; left out: all. What is not is told to the worker
   * @param decision.edits the person's own version of files in it
   * @param decision.channel where the person decided. Default: cli
   * @throws BosunError not_found, conflict (decided already), approval_expired, invalid_input when the choice does not fit the change set
   */
  decide(
    approvalId: string,
    decision: { decision: "approve" | "reject"; digest: string; reason?: string; channel?: DecisionChannel } & ApprovalChoice,
  ): Promise<void>;
  /** Takes up runs that an earlier process left unfinished; their ids. */
  recover(): Promise<readonly string[]>;
  /** Waits for effects in flight, commits, and gives the data folder free. */
  close(): Promise<void>;
  /** True while a living process, this or another, owns the workspace's data folder: without one nothing runs, whatever a status says. */
  readonly owned: boolean;
  /** A daemon drives the runs: they go on when this process ends. */
  readonly lasting: boolean;
  /** What a person should know: ignored settings, a corrupt journal that was set aside. Grows. */
  readonly notices: readonly string[];
  /** Set when the service could not go on by itself: a full disk, a lost lock. */
  readonly broken: ErrorValue | null;
}
