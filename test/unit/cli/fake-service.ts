/** A service with one run whose states a test lays out; it writes down what it was asked to do. */
import { BosunError } from "../../../shared/errors.ts";
import type { AuditEntry } from "../../../shared/audit.ts";
import type { PolicyCheck, PolicyReport, PolicyRuleView, RuleSuggestion } from "../../../shared/policy.ts";
import type { ApprovalView, RunView } from "../../../shared/run-view.ts";
import type { Route } from "../../../shared/routing.ts";
import type { ImportedWorker, WorkersReport } from "../../../shared/worker-view.ts";
import type { RunComparison } from "../../../shared/run-compare.ts";
import type { OtlpTrace } from "../../../shared/otlp.ts";
import { otlpTraceOf } from "../../../mcp-server/telemetry/otlp-trace.ts";
import type { ApprovalDetail, ForgetReport, GcSummary, UsageReport } from "../../../shared/reports.ts";
import type { RunNote } from "../../../shared/run-note.ts";
import type {
  ExportReport,
  ForkRequest,
  ReplayReport,
  RunRequest,
  Service,
  UsageRequest,
  VerifyReport,
} from "../../../mcp-server/service.ts";
import { runView, span } from "./views.ts";

const SOUND: VerifyReport = {
  ok: true,
  runs: 2,
  events: 12,
  payloads: 7,
  payloads_removed: 0,
  payloads_lost: 0,
  unsigned: false,
  adopted: 0,
  unproven: [],
  key: "ed25519:00ff",
  signer: "this_installation",
};

export interface FakeServiceOptions {
  /** States in which the run settles, one after the other; the last one stays. */
  readonly states?: readonly RunView[];
  readonly leftovers?: readonly string[];
  /** The leftovers are under way until {@link FakeService.restLeftovers}; else they rest at once. */
  readonly leftoversWork?: boolean;
  readonly replay?: ReplayReport;
  readonly verify?: VerifyReport;
  readonly diff?: string;
  readonly divisible?: readonly string[];
  readonly comparison?: RunComparison;
  readonly usage?: UsageReport;
  readonly workers?: WorkersReport;
  readonly imported?: readonly ImportedWorker[];
  readonly audit?: readonly AuditEntry[];
  readonly policy?: PolicyReport;
  readonly suggestions?: readonly RuleSuggestion[];
  /** Thrown by `decide`. */
  readonly decideError?: BosunError;
  /** Never settles, until cancelled. */
  readonly hangs?: boolean;
  /** No process owns the data folder. */
  readonly abandoned?: boolean;
}

export class FakeService implements Service {
  readonly calls: string[] = [];
  readonly requests: RunRequest[] = [];
  readonly broken = null;
  readonly notices: string[] = [];
  closed = false;
  /** How many calls came before models were looked for; null: they were not. */
  callsBeforeModels: number | null = null;
  #states: RunView[];
  readonly #options: FakeServiceOptions;
  readonly #listeners = new Set<(note: RunNote) => void>();
  #cancelled: (view: RunView) => void = () => undefined;
  #rest: () => void = () => undefined;
  readonly #rested = new Promise<void>((resolve) => {
    this.#rest = resolve;
  });
  #leftoversWork: boolean;

  readonly lasting = false;

  get owned(): boolean {
    return this.#options.abandoned !== true;
  }

  constructor(options: FakeServiceOptions = {}) {
    this.#options = options;
    this.#leftoversWork = options.leftoversWork === true;
    this.#states = [...(options.states ?? [runView({ status: "completed", answer: "Done.", finished_at: "2026-01-02T03:04:05.000Z" })])];
  }

  gc(request: { days?: number; dry_run: boolean }): Promise<GcSummary> {
    this.calls.push(`gc ${JSON.stringify(request)}`);
    const { days = 30, dry_run: dryRun } = request;
    return Promise.resolve({
      dry_run: dryRun,
      days,
      runs: 2,
      payloads: 7,
      payload_bytes: 2_500_000,
      freed_bytes: dryRun ? null : 1_300_000,
      leftovers: 1,
    });
  }

  workers(): WorkersReport {
    return this.#options.workers ?? { workers: [], problems: [] };
  }

  newWorker({ name, user, from }: { name: string; user: boolean; from?: string }): string {
    this.calls.push(`new ${name} ${user} ${from ?? "-"}`);
    return `/w/.bosun/workers/${name}.md`;
  }

  importWorkers(request: { paths: readonly string[]; user: boolean; dry_run: boolean }): readonly ImportedWorker[] {
    this.calls.push(`import ${JSON.stringify(request)}`);
    return this.#options.imported ?? [];
  }

  async route(task: string, model: string | null): Promise<Route> {
    this.calls.push(`route ${task} ${String(model)}`);
    if (task === "") throw new BosunError("invalid_input", "the task is empty: say what shall be done");
    const alternatives = [
      { worker: "debugger", confidence: 0.3 },
      { worker: "writer", confidence: 0.004 },
    ];
    return { worker: "coder", confidence: 0.6, alternatives, source: "classifier", verdict: "unsure" };
  }

  async rebuild(): Promise<{ runs: number }> {
    this.calls.push("rebuild");
    return { runs: 3 };
  }

  get #state(): RunView {
    return this.#states[0] ?? runView();
  }

  /** The run goes on to its next state. */
  #advance(): void {
    if (this.#states.length > 1) this.#states.shift();
  }

  /** What was taken up waits for a person now. */
  restLeftovers(): void {
    this.#leftoversWork = false;
    this.#rest();
  }

  note(note: RunNote): void {
    for (const listener of this.#listeners) listener(note);
  }

  findModels(): Promise<boolean> {
    this.callsBeforeModels ??= this.calls.length + this.requests.length;
    return Promise.resolve(true);
  }

  async startRun(request: RunRequest): Promise<string> {
    this.requests.push(request);
    if (request.task.trim() === "") throw new BosunError("invalid_input", "The task is empty.");
    return this.#state.run_id;
  }

  getRun(runId: string): RunView {
    if (runId !== this.#state.run_id && this.#options.leftovers?.includes(runId) === true)
      return runView({ run_id: runId, status: this.#leftoversWork ? "running" : "waiting_approval" });
    if (runId !== this.#state.run_id) throw new BosunError("not_found", `There is no run ${runId}.`);
    return this.#state;
  }

  exportTrace(runId: string, version: string): OtlpTrace {
    const { trace = span({ kind: "run", name: "t" }) } = this.getRun(runId);
    return otlpTraceOf({ ...this.getRun(runId), trace }, version);
  }

  compare(runId: string, otherId: string | null): RunComparison {
    this.calls.push(`compare ${runId} ${otherId ?? "with its parent"}`);
    if (this.#options.comparison === undefined) throw new BosunError("invalid_input", "There is nothing to compare with.");
    return this.#options.comparison;
  }

  listRuns(): readonly RunView[] {
    return this.#options.states?.length === 0 ? [] : [this.#state];
  }

  usage(request: UsageRequest): UsageReport {
    this.calls.push(`usage ${JSON.stringify(request)}`);
    const nothing = {
      calls: 0,
      prompt_tokens: 0,
      completion_tokens: 0,
      cached_tokens: 0,
      usd: 0,
      known_usd: 0,
      source: "reported",
    } as const;
    return this.#options.usage ?? { usage: [], total: nothing, left_out: [] };
  }

  findRun(idOrPrefix: string): string {
    if (this.#state.run_id.startsWith(idOrPrefix)) return this.#state.run_id;
    throw new BosunError("not_found", `There is no run ${idOrPrefix}.`);
  }

  settled(runId: string): Promise<RunView> {
    if (runId !== this.#state.run_id) return this.#rested.then(() => this.getRun(runId));
    if (this.#options.hangs !== true) return Promise.resolve(this.#state);
    return new Promise((resolve) => {
      this.#cancelled = resolve;
    });
  }

  subscribe(_runId: string, listener: (note: RunNote) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async cancel(runId: string): Promise<void> {
    this.calls.push(`cancel ${runId}`);
    this.#states = [runView({ status: "cancelled", finished_at: "2026-01-02T03:04:05.000Z" })];
    this.#cancelled(this.#state);
  }

  async resume(runId: string, budget?: { usd?: number; tokens?: number }): Promise<void> {
    this.calls.push(`resume ${runId}${budget === undefined ? "" : ` ${JSON.stringify(budget)}`}`);
    this.#advance();
  }

  async pause(runId: string): Promise<void> {
    this.calls.push(`pause ${runId}`);
    this.#advance();
  }

  async tell(runId: string, data: unknown): Promise<void> {
    this.calls.push(`tell ${runId} ${JSON.stringify(data)}`);
  }

  fork(runId: string, request: ForkRequest): Promise<string> {
    this.calls.push(`fork ${runId} ${JSON.stringify(request)}`);
    return Promise.resolve(this.#state.run_id);
  }

  settleEffect(runId: string, effectId: string, decision: string): Promise<void> {
    this.calls.push(`settle ${runId} ${effectId} ${decision}`);
    this.#advance();
    return Promise.resolve();
  }

  async answer(_runId: string, questionId: string, answer: string): Promise<void> {
    this.calls.push(`answer ${questionId} ${answer}`);
    this.#advance();
  }

  async revert(runId: string): Promise<string> {
    this.calls.push(`revert ${runId}`);
    return this.#state.run_id;
  }

  replay(): Promise<ReplayReport> {
    return Promise.resolve(this.#options.replay ?? { ok: true, events: 12 });
  }

  verify(options: { readonly run_id?: string; readonly key?: string } = {}): VerifyReport {
    this.calls.push(`verify ${options.run_id ?? "all"}${options.key === undefined ? "" : ` with ${options.key}`}`);
    return this.#options.verify ?? SOUND;
  }

  verifyFile(file: string): Promise<VerifyReport> {
    this.calls.push(`verify file ${file}`);
    return Promise.resolve(this.#options.verify ?? { ...SOUND, run_id: this.#state.run_id, redacted: false });
  }

  exportRun(runId: string, { redact }: { readonly redact: boolean }, write: (line: string) => void): ExportReport {
    this.calls.push(`export ${runId}${redact ? " redacted" : ""}`);
    write("{}\n");
    return { run_id: runId, events: 4, payloads: redact ? 0 : 3, left_out: redact ? 3 : 0, key: SOUND.key };
  }

  async forget(runId: string): Promise<ForgetReport> {
    this.calls.push(`forget ${runId}`);
    return { run_id: runId, payloads: 3, bytes: 2048, shared: 1, waiting_for: [] };
  }

  plan(): ReturnType<Service["plan"]> {
    const steps = [{ id: "fix", worker: "coder", goal: "fix it", depends_on: [], when: null }];
    return Promise.resolve({
      plan: { revision: 0, steps: steps.map((one) => ({ ...one, status: "pending" as const, estimate: null })) },
      estimate: null,
      confidence: 0.9,
      complexity: 0.2,
    });
  }

  listApprovals(): readonly ApprovalView[] {
    return this.#state.approvals;
  }

  getApproval(approvalId: string): ApprovalDetail {
    const approval = this.#state.approvals.find((one) => one.approval_id === approvalId);
    if (approval === undefined) throw new BosunError("not_found", `There is no approval ${approvalId}.`);
    return {
      approval,
      diff: this.#options.diff ?? "--- a/src/backoff.js\n+++ b/src/backoff.js\n@@ -1 +1 @@\n-max\n+min\n",
      digest: "d1",
      divisible: this.#options.divisible ?? [],
    };
  }

  audit(filter?: { run_id?: string }): readonly AuditEntry[] {
    this.calls.push(`audit ${filter?.run_id ?? "all"}`);
    return this.#options.audit ?? [];
  }

  policy(): PolicyReport {
    return this.#options.policy ?? { rules: [], warnings: [] };
  }

  checkPolicy({ tool, args, worker }: Parameters<Service["checkPolicy"]>[0]): PolicyCheck {
    this.calls.push(`check ${tool} ${args} ${worker}`);
    const verdict = { decide: "ask", source: "default", rule: null, why: "changes are asked about", path: "a.txt" } as const;
    return { tool, worker, call: verdict, changes: [verdict], outcome: "A person is asked about the change set." };
  }

  suggestRules(): readonly RuleSuggestion[] {
    return this.#options.suggestions ?? [];
  }

  acceptRule(id: string): PolicyRuleView {
    this.calls.push(`accept ${id}`);
    return this.#ruleOf(id);
  }

  revokeRule(id: string): PolicyRuleView {
    this.calls.push(`revoke ${id}`);
    return this.#ruleOf(id);
  }

  #ruleOf(id: string): PolicyRuleView {
    return { id, source: "person", file: "/home/you/bosun.json", index: 0, decide: "allow", rule: "allow path=docs/**", why: null };
  }

  async decide(approvalId: string, { decision, digest, reason }: Parameters<Service["decide"]>[1]): Promise<void> {
    this.calls.push([decision, approvalId, digest, reason].filter((part) => part !== undefined).join(" "));
    this.#advance();
    if (this.#options.decideError !== undefined) throw this.#options.decideError;
  }

  async recover(): Promise<readonly string[]> {
    this.calls.push("recover");
    return this.#options.leftovers ?? [];
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}
