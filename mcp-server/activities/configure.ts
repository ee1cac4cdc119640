/** `configure` and `describe_worker`: what a run and a step use, pinned in the journal when they start. */
import { BosunError } from "../../shared/errors.ts";
import type { Json } from "../../shared/durable.ts";
import type { ReplySchema, Tier, ToolOffer } from "../../shared/model.ts";
import type { TaskClassifier } from "../../shared/routing.ts";
import type { WorkerDefinition } from "../../shared/worker.ts";
import type { AnyActivity } from "../engine/activity.ts";
import type { Limits, Prompts } from "../supervisor/activities.ts";
import { COMPACT_PROMPT, OUTPUT_PROMPT, plannerPrompt, SYNTHESIS_PROMPT, workerPrompt } from "../workers/system-prompts.ts";
import { internal } from "./define.ts";

export interface ConfigureParts {
  readonly workers: ReadonlyMap<string, WorkerDefinition>;
  /** As a model sees them, by name. */
  readonly offers: ReadonlyMap<string, ToolOffer>;
  readonly planSchemas: { readonly plan: Json; readonly replan: Json };
  limits(): Limits;
  /** `provider:model` by tier; `override` serves all tiers. `only`: no other may answer, whatever is configured meanwhile. */
  models(
    override: string | null,
  ): Promise<{ readonly tiers: Readonly<Record<Tier, readonly string[]>>; readonly only: readonly string[] | null }>;
  /** What the earlier runs of this run's session came to, in words; empty when there are none. */
  session(runId: string): string;
  readonly classify: TaskClassifier;
}

export function createConfigureActivities(parts: ConfigureParts): readonly AnyActivity[] {
  return [
    internal("configure", "read", async ({ model }, ctx) => {
      const session = parts.session(ctx.runId);
      const { tiers, only } = await parts.models(model);
      return {
        workers: [...parts.workers.keys()],
        prompts: ctx.keep<Prompts>({
          planner: plannerPrompt({ workers: [...parts.workers.values()], maxSteps: parts.limits().max_steps }),
          synthesise: SYNTHESIS_PROMPT,
          output: OUTPUT_PROMPT,
          compact: COMPACT_PROMPT,
        }),
        models: tiers,
        ...(only === null ? {} : { only }),
        limits: parts.limits(),
        ...(session === "" ? {} : { session: ctx.keep(session) }),
        plan_schema: ctx.keep<ReplySchema>({ name: "task_plan", schema: parts.planSchemas.plan }),
        replan_schema: ctx.keep<ReplySchema>({ name: "task_plan", schema: parts.planSchemas.replan }),
      };
    }),
    internal("guess_worker", "read", async ({ task }) => parts.classify(task.value, [...parts.workers.values()])),
    internal("describe_worker", "read", async ({ worker }, ctx) => {
      const definition = parts.workers.get(worker);
      if (definition === undefined) throw new BosunError("not_found", `there is no worker ${worker}`);
      const offers = definition.tools.map((name) => parts.offers.get(name)).filter((offer) => offer !== undefined);
      const { name, tier, max_turns, prompt } = definition;
      return { name, tier, max_turns, system: ctx.keep(workerPrompt(name, prompt)), tools: ctx.keep<readonly ToolOffer[]>(offers) };
    }),
  ];
}
