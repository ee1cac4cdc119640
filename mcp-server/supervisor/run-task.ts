/** The durable functions: a task from plan to answer, a plan alone, and the putting back of what a run changed. */
import type { Json, Outcome } from "../../shared/durable.ts";
import type { ErrorValue } from "../../shared/errors.ts";
import type { PlanStep } from "../../shared/plan.ts";
import type { Crew, Ctx, TranscriptItem } from "./activities.ts";
import { askChecked, emptyComplaint } from "./ask.ts";
import { opened } from "./conversation.ts";
import { PLANS_ARE_PRICED } from "./flags.ts";
import { makePlan, recordPlan } from "./make-plan.ts";
import type { TaskInput } from "./make-plan.ts";
import { cut, synthesisRequest } from "./messages.ts";
import type { StepOutcome } from "./messages.ts";
import { newsAfter } from "./news.ts";
import { askPrice, settlePrice } from "./settle-price.ts";
import { runPlan } from "./run-plan.ts";
import { applyWithConsent } from "./settle-changes.ts";

export interface TaskResult {
  readonly answer: string;
  /** Data that validates against the task's output schema; null without one. */
  readonly data: Json;
}

export async function runTask(ctx: Ctx, input: TaskInput): Promise<Outcome<TaskResult>> {
  const configured = await ctx.call("configure", { model: input.model });
  if (!configured.ok) return configured;
  const crew = configured.value;
  const planned = await makePlan(ctx, crew, input);
  if (!planned.ok) return planned;
  const priced = await settlePrice(ctx, crew, input, planned.value);
  if (!priced.ok) return priced;
  const end = await runPlan(ctx, crew, input, priced.value);
  if (end.error !== null) return { ok: false, error: end.error };
  const answer = await synthesise(ctx, crew, input, end.steps);
  if (!answer.ok) return answer;
  return shape(ctx, crew, input, answer.value);
}

export interface PlanResult {
  readonly confidence: number;
  readonly complexity: number;
  readonly steps: readonly PlanStep[];
}

/** What would be done, not done. */
export async function planTask(ctx: Ctx, input: TaskInput): Promise<Outcome<PlanResult>> {
  const configured = await ctx.call("configure", { model: input.model });
  if (!configured.ok) return configured;
  const planned = await makePlan(ctx, configured.value, input);
  if (!planned.ok) return planned;
  const { source, confidence, complexity, steps } = planned.value;
  if (ctx.flag(PLANS_ARE_PRICED)) await askPrice(ctx, input, steps);
  recordPlan(ctx, { revision: 0, confidence, complexity, source, keep: [], steps });
  return { ok: true, value: { confidence: confidence ?? 1, complexity: complexity ?? 0, steps } };
}

/** One step's report is the answer; more are put together by a model. */
async function synthesise(ctx: Ctx, crew: Crew, input: TaskInput, steps: readonly StepOutcome[]): Promise<Outcome<string>> {
  const told = steps.filter((step) => step.status === "ok" || step.status === "failed");
  const only = told.length === 1 ? told[0] : undefined;
  if (only !== undefined) return { ok: true, value: only.text };
  const conversation = opened(
    ctx.chain<TranscriptItem>([
      { role: "system", content: crew.prompts.value.synthesise },
      { role: "user", content: synthesisRequest(input.task, told) },
      ...newsAfter(ctx, 0),
    ]),
  );
  const request = {
    purpose: "synthesise" as const,
    worker: null,
    from: { crew, tier: "medium" as const, complexity: null },
    turn: 1,
    conversation,
    tools: null,
    reply_schema: null,
    max_completion_tokens: crew.limits.max_completion_tokens,
  };
  const checked = await askChecked(ctx, request, emptyComplaint);
  if (checked.ok) return { ok: true, value: checked.value.answer.message.value.content };
  const reports = told.map((step) => `## ${step.id} (${step.worker}): ${step.status}\n${step.text}`).join("\n\n");
  return { ok: true, value: `The reports could not be put together (${checked.error.message}); here they are.\n\n${reports}` };
}

/** With an output schema a run completes only with data that validates. */
async function shape(ctx: Ctx, crew: Crew, input: TaskInput, answer: string): Promise<Outcome<TaskResult>> {
  if (input.output_schema === null) return { ok: true, value: { answer, data: null } };
  const conversation = opened(
    ctx.chain<TranscriptItem>([
      { role: "system", content: crew.prompts.value.output },
      { role: "user", content: `# Task\n${cut(input.task, 20_000)}\n\n# Answer\n${answer}` },
    ]),
  );
  const schema = ctx.keep({ name: "task_output" as const, schema: input.output_schema });
  const request = {
    purpose: "output" as const,
    worker: null,
    from: { crew, tier: "medium" as const, complexity: null },
    turn: 1,
    conversation,
    tools: null,
    reply_schema: schema,
    max_completion_tokens: crew.limits.max_completion_tokens,
  };
  const checked = await askChecked(ctx, request, (reply) => reply.invalid?.value ?? null);
  if (!checked.ok) return checked;
  return { ok: true, value: { answer, data: checked.value.answer.data?.value ?? null } };
}

/** Puts back what another run changed, as a run of its own: journalled, approved and applied like any write. */
export async function revertRun(ctx: Ctx, input: { readonly run_id: string }): Promise<Outcome<TaskResult>> {
  const proposed = await ctx.call("propose_revert", { run_id: input.run_id, change_set_id: `chg_${ctx.id()}` });
  if (!proposed.ok) return proposed;
  if (proposed.value === null) return { ok: true, value: { answer: "There is nothing to put back.", data: null } };
  const nobody = { cancelled: () => false, asks: () => undefined };
  const settled = await applyWithConsent(ctx, proposed.value, { ...nobody, worker: "supervisor", step: "revert", revert: true });
  if (settled === null) return { ok: true, value: { answer: "There is nothing to put back.", data: null } };
  const { decision, failure } = settled;
  if (decision.decision === "refuse") return { ok: false, error: refused(decision.why) };
  if (decision.decision === "reject") return { ok: false, error: rejected(decision.reason) };
  if (failure !== null) return { ok: false, error: failure };
  const files = decision.amended?.changes.value.map(({ path }) => path) ?? proposed.value.files;
  return { ok: true, value: { answer: `Put back: ${files.join(", ")}`, data: null } };
}

function refused(why: string): ErrorValue {
  return { code: "policy_denied", message: `a rule refuses it: ${why}`, retryable: false };
}

function rejected(reason: string | null): ErrorValue {
  return {
    code: "approval_rejected",
    message: reason === null ? "the person rejected it" : `the person rejected it: ${reason}`,
    retryable: false,
  };
}
