/** `configure` and `describe_worker`: what a run and a step use, pinned in the journal when they start. */
import { BosunError } from "../../shared/errors.ts";
import type { Json } from "../../shared/durable.ts";
import type { ReplySchema, Tier, ToolOffer } from "../../shared/model.ts";
import type { TaskClassifier } from "../../shared/routing.ts";
import type { AnyActivity } from "../engine/activity.ts";
import type { Limits, Prompts } from "../supervisor/activities.ts";
import type { WorkerRegistry } from "../workers/registry.ts";
import { COMPACT_PROMPT, OUTPUT_PROMPT, plannerPrompt, SYNTHESIS_PROMPT, workerPrompt } from "../workers/system-prompts.ts";
import { internal } from "./define.ts";

export interface ConfigureParts {
  readonly workers: WorkerRegistry;
  /** The workspace's own notes for agents; empty when there are none. */
  projectNotes(): string;
  /** Takes down what the worker of a step may use from now on. */
  pin(at: { readonly runId: string; readonly path: string }, tools: readonly string[]): void;
  /** As a model sees them, by name. */
  readonly offers: ReadonlyMap<string, ToolOffer>;
  readonly planSchemas: { readonly plan: Json; readonly replan: Json };
  limits(): Limits;
  /** `provider:model` by tier; `override` serves all tiers. `only`: no other may answer, whatever is configured meanwhile. */
  models(
    override: string | null,
    runId: string,
  ): Promise<{ readonly tiers: Readonly<Record<Tier, readonly string[]>>; readonly only: readonly string[] | null }>;
  /** What the earlier runs of this run's session came to, in words; empty when there are none. */
  session(runId: string): string;
  readonly classify: TaskClassifier;
}

export function createConfigureActivities(parts: ConfigureParts): readonly AnyActivity[] {
  return [
    internal("configure", "read", async ({ model }, ctx) => {
      const session = parts.session(ctx.runId);
      const { tiers, only } = await parts.models(model, ctx.runId);
      const { workers } = parts.workers.list();
      return {
        workers: workers.map(({ definition }) => definition.name),
        prompts: ctx.keep<Prompts>({
          planner: plannerPrompt({
            workers: workers.map(({ definition, origin }) => ({ ...definition, foreign: origin !== "built-in" })),
            maxSteps: parts.limits().max_steps,
          }),
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
    internal("guess_worker", "read", async ({ task }) => parts.classify(task.value, parts.workers.all())),
    internal("describe_worker", "read", async ({ worker }, ctx) => {
      const definition = parts.workers.get(worker);
      if (definition === undefined)
        throw new BosunError(
          "not_found",
          `there is no worker ${worker} any more: its file was removed, or is not valid now (\`bosun workers\`)`,
        );
      parts.pin(ctx, definition.tools);
      const offers = definition.tools.map((name) => parts.offers.get(name)).filter((offer) => offer !== undefined);
      const { name, tier, max_turns, prompt } = definition;
      return {
        name,
        tier,
        max_turns,
        system: ctx.keep(workerPrompt(name, prompt, parts.projectNotes())),
        tools: ctx.keep<readonly ToolOffer[]>(offers),
      };
    }),
  ];
}
