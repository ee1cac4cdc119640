/** A supervisor on the real engine and journal, with activities that a test scripts; nothing touches the world. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FileChange } from "../../shared/change.ts";
import type { Json } from "../../shared/durable.ts";
import { NO_ESTIMATE } from "../../shared/estimate.ts";
import type { PlanPrice } from "../../shared/estimate.ts";
import type { Effects } from "../../shared/effects.ts";
import { BosunError } from "../../shared/errors.ts";
import type { ToolCall } from "../../shared/model.ts";
import type { PolicyDecision } from "../../shared/policy.ts";
import type { TaskGuess } from "../../shared/routing.ts";
import { taskPlanSchema, taskReplanSchema } from "../../shared/plan.ts";
import type { AnyActivity } from "../../mcp-server/engine/activity.ts";
import { createEmbeddedEngine } from "../../mcp-server/engine/embedded-engine.ts";
import type { Engine } from "../../mcp-server/engine/port.ts";
import { createSqliteJournal } from "../../mcp-server/journal/sqlite-journal.ts";
import type { Journal } from "../../mcp-server/journal/port.ts";
import type {
  AskModel,
  Crew,
  ModelAnswer,
  PinnedWorker,
  Proposal,
  SupervisorActivities,
  TranscriptItem,
  UseTool,
} from "../../mcp-server/supervisor/activities.ts";
import { FLAGS } from "../../mcp-server/supervisor/flags.ts";
import { planTask, revertRun, runTask } from "../../mcp-server/supervisor/run-task.ts";
import type { TaskInput } from "../../mcp-server/supervisor/make-plan.ts";

/** What a fake model answers: text, JSON (a plan), or tool calls. */
export type FakeReply = {
  readonly content?: string;
  readonly json?: unknown;
  /** `text` stands for arguments that are no JSON of ours. */
  readonly tool_calls?: readonly { readonly name: string; readonly arguments?: unknown; readonly text?: string }[];
  /** What was reported beyond what was allowed. */
  readonly overrun?: string;
  /** Default: `stop`. */
  readonly finish_reason?: ModelAnswer["finish_reason"];
  /** What comes with a schema is handed on as it is, null for nothing at all. */
  readonly unchecked?: Json;
};

type Described = Partial<Pick<PinnedWorker, "tier" | "max_turns">>;

export interface FakeWorld {
  model(request: AskModel & { readonly last: string }, call: number): FakeReply | Promise<FakeReply>;
  tool?(input: UseTool): string | Promise<string>;
  /** What a call of `write_file` with these arguments puts into the overlay. Default: it makes `a.txt`. */
  writes?(args: unknown): readonly FileChange[];
  propose?(step: string): Partial<Proposal> | null | Promise<Partial<Proposal> | null>;
  /** What comes of merging what was approved with what somebody edited meanwhile; null: it cannot be merged. */
  merge?(): Partial<Proposal> | null;
  /** What policy says of a step's changes. Default: nothing, so a person is asked. */
  judge?(step: string): { readonly decide: PolicyDecision; readonly why: string } | null;
  /** What differs from a plan that costs nothing and fits; may throw. */
  price?(input: SupervisorActivities["price_plan"]["input"]): Partial<PlanPrice>;
  apply?(input: SupervisorActivities["apply_changes"]["input"]): unknown;
  discard?(step: string): unknown;
  /** May throw: then nothing is configured. */
  configure?(): void;
  /** So that it is not that of a plan. Default: the same. */
  readonly replanSchema?: Json;
  /** What differs from the plainest worker; may throw. */
  worker?(name: string): Described | Promise<Described>;
  /** Effects of one call; may throw. Without it a call has none. */
  effects?(call: ToolCall): Effects | null;
  limits?: Partial<Crew["limits"]>;
  /** The local classifier's opinion; may throw. Default: it does not know. */
  guess?(task: string): TaskGuess;
  /** What the earlier runs of the session came to. */
  readonly session?: string;
  /** Tools that each worker has; default: none. */
  readonly tools?: readonly string[];
}

const LIMITS: Crew["limits"] = {
  max_parallel_steps: 5,
  max_steps: 20,
  max_revisions: 3,
  max_turns: 8,
  max_completion_tokens: 1000,
  ask_below: 0.45,
};
const PRICE: PlanPrice = {
  estimate: { ...NO_ESTIMATE, critical_path: [], guessed: [] },
  steps: {},
  fit: { kind: "fits" },
  before: { usd: 0, prompt_tokens: 0, completion_tokens: 0, seconds: 0 },
};
const MADE: FileChange = { path: "a.txt", before: null, after: { content: { $blob: "00", size: 1 }, mode: 0o644 } };
export const USAGE = { prompt_tokens: 10, completion_tokens: 5, cached_tokens: 0, usd: null, source: "reported" as const };

export function textOf(item: TranscriptItem): string {
  if ("$kept" in item) return item.value.content;
  return typeof item.content === "string" ? item.content : item.content.value;
}

function act<N extends keyof SupervisorActivities>(
  name: N,
  kind: AnyActivity["kind"],
  run: (input: SupervisorActivities[N]["input"], ctx: Parameters<AnyActivity["run"]>[1]) => unknown,
  extra: Partial<AnyActivity> = {},
): AnyActivity {
  const label: AnyActivity["label"] = (input: { worker?: string }) => ({
    kind: name === "ask_model" ? "model" : name === "use_tool" ? "tool" : "internal",
    name,
    ...(typeof input.worker === "string" ? { worker: input.worker } : {}),
  });
  return {
    name,
    version: 1,
    kind,
    label,
    run: async (input: SupervisorActivities[N]["input"], ctx) => run(input, ctx),
    ...extra,
  } as AnyActivity;
}

export function fakeActivities(world: FakeWorld): AnyActivity[] {
  let calls = 0;
  return [
    act("configure", "read", ({ model }, ctx): Crew => {
      world.configure?.();
      return {
        workers: ["coder", "researcher", "reviewer"],
        prompts: ctx.keep({ planner: "Plan.", synthesise: "Put together.", output: "Shape.", compact: "Sum up." }),
        models: { small: ["fake:s"], medium: ["fake:m"], large: ["fake:l"] },
        ...(model === null ? {} : { only: [model] }),
        limits: { ...LIMITS, ...world.limits },
        ...(world.session === undefined ? {} : { session: ctx.keep(world.session) }),
        plan_schema: ctx.keep({ name: "task_plan", schema: {} }),
        replan_schema: ctx.keep({ name: "task_plan", schema: world.replanSchema ?? {} }),
      };
    }),
    act("guess_worker", "read", ({ task }): TaskGuess => world.guess?.(task.value) ?? { worker: "coder", confidence: 0, alternatives: [] }),
    act("describe_worker", "read", async ({ worker }, ctx): Promise<PinnedWorker> => ({
      name: worker,
      tier: "medium",
      max_turns: 8,
      system: ctx.keep(`You are the ${worker} worker`),
      tools: ctx.keep((world.tools ?? []).map((name) => ({ name, description: "", parameters: {} }))),
      ...(await world.worker?.(worker)),
    })),
    act("price_plan", "read", (input): PlanPrice => ({ ...PRICE, ...world.price?.(input) })),
    act(
      "ask_model",
      "paid",
      async (request, ctx): Promise<ModelAnswer> => {
        const last = request.transcript.items.at(-1);
        const reply = await world.model({ ...request, last: last === undefined ? "" : textOf(last) }, (calls += 1));
        ctx.settle(USAGE);
        const toolCalls = (reply.tool_calls ?? []).map((call, index) => ({
          id: `c${index}`,
          name: call.name,
          arguments: call.text ?? JSON.stringify(call.arguments),
        }));
        const content = reply.json === undefined ? (reply.content ?? "") : JSON.stringify(reply.json);
        const message = ctx.keep({
          role: "assistant" as const,
          content,
          ...(reply.tool_calls === undefined ? {} : { tool_calls: toolCalls }),
        });
        if (request.reply_schema === null)
          return {
            message,
            model: "fake:m",
            finish_reason: reply.finish_reason ?? "stop",
            ...(reply.overrun === undefined ? {} : { overrun: ctx.keep(reply.overrun) }),
          };
        if (reply.unchecked !== undefined)
          return {
            message,
            model: "fake:s",
            finish_reason: "stop",
            ...(reply.unchecked === null ? {} : { data: ctx.keep(reply.unchecked) }),
          };
        const parsed = (request.purpose === "replan" ? taskReplanSchema : taskPlanSchema).safeParse(reply.json);
        return parsed.success
          ? { message, model: "fake:s", finish_reason: "stop", data: ctx.keep(parsed.data) }
          : { message, model: "fake:s", finish_reason: "stop", invalid: ctx.keep("not a plan") };
      },
      { admit: () => ({ reserve: { prompt_tokens: 100, completion_tokens: 1000, usd: null } }) },
    ),
    act("inspect_calls", "read", ({ message }) =>
      (message.value.tool_calls ?? []).map((call) =>
        world.effects === undefined ? { reads: [], writes: [], exclusive: false } : world.effects(call),
      ),
    ),
    act("use_tool", "read", async (input, ctx) => {
      const text = (await world.tool?.(input)) ?? "done";
      const call = input.message.value.tool_calls?.[input.index];
      const written = (): readonly FileChange[] => world.writes?.(JSON.parse(call?.arguments ?? "{}")) ?? [MADE];
      return { text: ctx.keep(text), ...(call?.name === "write_file" ? { writes: written() } : {}) };
    }),
    act("propose_changes", "idempotent", async ({ step, change_set_id: id }, ctx) =>
      proposal(await world.propose?.(step), id, ctx, world.judge?.(step)),
    ),
    act("propose_revert", "idempotent", async ({ change_set_id: id }, ctx) =>
      proposal(await world.propose?.("revert"), id, ctx, world.judge?.("revert")),
    ),
    act("merge_changes", "idempotent", ({ change_set_id: id }, ctx) => proposal(world.merge?.(), id, ctx)),
    act("apply_changes", "effect", async (input) => {
      await world.apply?.(input);
      return { change_set_id: input.change_set_id, files: [], folders: [] };
    }),
    act("discard_changes", "idempotent", async ({ step }) => {
      await world.discard?.(step);
      return { paths: ["a.txt"] };
    }),
  ];
}

function proposal(
  partial: Partial<Proposal> | null | undefined,
  id: string,
  ctx: Parameters<AnyActivity["run"]>[1],
  verdict: ReturnType<NonNullable<FakeWorld["judge"]>> = null,
): Proposal | null {
  if (partial === null) return null;
  const base: Proposal = {
    change_set_id: id,
    digest: `d-${id}`,
    kind: "write",
    title: "change a.txt",
    risk: "low",
    reasons: [],
    files: ["a.txt"],
    changes: ctx.keep([]),
    diff: ctx.keep("diff"),
    expires_at: Date.now() + 60_000,
  };
  const said =
    verdict === null ? {} : { post_state: "p", policy: { decide: verdict.decide, rule: "policy[0]", why: ctx.keep(verdict.why) } };
  return { ...base, ...said, ...partial };
}

export interface Bench {
  readonly engine: Engine;
  readonly journal: Journal;
  run(input: Partial<TaskInput>): string;
  /** Opens the same data folder again, as after a crash: whatever was in memory is gone. */
  reopen(world?: FakeWorld): Bench;
  close(): Promise<void>;
}

export const INPUT: TaskInput = { task: "do it", worker: null, files: [], context: null, steps: null, model: null, output_schema: null };

export function openBench(
  world: FakeWorld,
  folder: string = mkdtempSync(join(tmpdir(), "bosun-test-")),
  now: () => number = Date.now,
  flags: readonly number[] = FLAGS,
): Bench {
  const { journal } = createSqliteJournal({ file: join(folder, "journal.db"), now });
  let ids = journal.epoch * 1000;
  const engine = createEmbeddedEngine({
    journal,
    activities: fakeActivities(world),
    workflows: [
      { name: "task", version: 1, flags, fn: runTask },
      { name: "plan", version: 1, flags, fn: planTask },
      { name: "revert", version: 1, flags, fn: revertRun },
    ],
    now,
    newRunId: () => `run_${(ids += 1)}`,
  });
  return {
    engine,
    journal,
    run: (input) => engine.start({ workflow: "task", session_id: null, input: { ...INPUT, ...input } }),
    reopen: (next = world) => openBench(next, folder, now, flags),
    close: async () => {
      await engine.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function unavailable(message = "down"): never {
  throw new BosunError("model_unavailable", message);
}

export type PlanTuple = readonly [string, string, (readonly string[])?, { step: string; is: "ok" | "failed" }?];

/** A plan of these steps: `["a", "researcher", ["b"]]` is step a by the researcher after b. */
export function plan(...steps: PlanTuple[]): { json: unknown } {
  return {
    json: {
      confidence: 0.9,
      complexity: 0.5,
      question: null,
      steps: steps.map(([id, worker, needs, when]) => ({
        id,
        worker,
        goal: `goal of ${id}`,
        depends_on: needs ?? [],
        when: when ?? null,
        expects: "",
      })),
    },
  };
}
