/**
 * The configuration: one schema for `bosun.json`, for the workspace's `.bosun/config.json` and for what environment and flags
 * override. Pure data; who reads which file is not its business. Every key has its unit in its name or its description.
 */
import * as z from "zod";

const DAY_SECONDS = 86_400;
const ITEM_MAX = 500;

const whole = (min: number, max: number) => z.number().int().min(min).max(max);
const share = () => z.number().min(0).max(1);

const modelList = (tier: string) =>
  z
    .array(z.string().min(1).max(ITEM_MAX))
    .max(20)
    .default([])
    .describe(
      `Models of the ${tier} tier in order of preference: provider:model, or a model id of the default provider. Empty: serve it by the other tiers, else by what is found.`,
    );

const priceSchema = z
  .strictObject({
    in: z.number().min(0).max(100_000).describe("US dollars per million prompt tokens."),
    out: z.number().min(0).max(100_000).describe("US dollars per million completion tokens."),
    cached: z
      .number()
      .min(0)
      .max(100_000)
      .optional()
      .describe("US dollars per million prompt tokens served from the provider's cache. Left out: the same as in."),
  })
  .describe("Price of one model.");

const providerSchema = z.strictObject({
  baseUrl: z
    .string()
    .max(2000)
    .regex(/^https?:\/\/[^\s@#]+$/, "must be an http or https URL without a user name, password or fragment")
    .describe("Base URL of an OpenAI-compatible endpoint; usually ends in /v1."),
  keyVariable: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "must be the name of an environment variable, never the key itself")
    .optional()
    .describe("Name of the environment variable that holds the key. Left out: no key is sent."),
});

const capSchema = (of: string) =>
  z
    .strictObject({
      usd: z.number().min(0).nullable().default(null).describe(`Most US dollars of one ${of}. null: no cap.`),
      tokens: whole(0, Number.MAX_SAFE_INTEGER)
        .nullable()
        .default(null)
        .describe(`Most prompt and completion tokens of one ${of}. null: no cap.`),
      seconds: z.number().min(0).nullable().default(null).describe(`Most seconds of one ${of}. null: no cap.`),
    })
    .prefault({});

const deadline = () => whole(1, 365 * DAY_SECONDS);

const policyRuleSchema = z.strictObject({
  decide: z.enum(["allow", "ask", "deny"]).describe("What happens when the rule matches."),
  worker: z.string().min(1).max(ITEM_MAX).optional().describe("Name or glob of the worker."),
  tool: z.string().min(1).max(ITEM_MAX).optional().describe("Name or glob of the tool."),
  path: z
    .string()
    .min(1)
    .max(ITEM_MAX)
    .optional()
    .describe(
      "Glob of workspace-relative paths; without `/` it is matched against the file's name. What asks or denies also holds for all below it, in any letter case.",
    ),
  class: z.string().min(1).max(ITEM_MAX).optional().describe("Approval class, such as write or delete."),
  risk: z.enum(["low", "medium", "high"]).optional().describe("Risk the rule is for."),
  why: z.string().max(2000).optional().describe("Shown to the person together with the decision."),
});

const modelsSchema = z.strictObject({
  small: modelList("small"),
  medium: modelList("medium"),
  large: modelList("large"),
  prices: z
    .record(z.string().min(1).max(ITEM_MAX), priceSchema)
    .default({})
    .describe(
      "Prices by provider:model or by model id; they add to the built-in table (docs/providers.md) and override it. Else a price is unknown.",
    ),
  maxConcurrentCalls: whole(1, 10_000).default(256).describe("Most model calls on the wire at once."),
  maxCompletionTokens: whole(1, 1_000_000).default(8192).describe("Most tokens a model may answer with in one call; sent with every call."),
  maxAttempts: whole(1, 20)
    .default(8)
    .describe("Attempts of one model call, with other models of the tier first, before the run waits for a person."),
  callTimeoutSeconds: whole(1, 3600).default(120).describe("Seconds that one model call may take in all."),
  idleTimeoutSeconds: whole(1, 300).default(60).describe("Seconds without a byte from the provider after which a call is given up."),
});

const runSchema = z.strictObject({
  maxConcurrentRuns: whole(1, 1_000_000)
    .default(1000)
    .describe("Most runs at work at once; the others wait for their turn. Runs that wait for a person do not count."),
  maxParallelSteps: whole(1, 100).default(5).describe("Most steps of one run at work at once."),
  maxSteps: whole(1, 200).default(20).describe("Most steps in a plan."),
  maxRevisions: whole(0, 50).default(3).describe("Most times that a plan is revised."),
  compactAboveTokens: whole(2_000, 10_000_000)
    .default(60_000)
    .describe("Estimated tokens of a step's conversation above which its older turns are put into a summary by a small model."),
  maxTurns: whole(1, 1000).default(30).describe("Most turns of one step."),
});

const routingSchema = z
  .strictObject({
    sureAbove: share()
      .default(0.75)
      .describe(
        "A plan with at least this confidence (0..1) is followed; below it, the local classifier must agree, else the person is asked.",
      ),
    askBelow: share().default(0.45).describe("Below this confidence (0..1) the person is asked."),
    localAbove: share()
      .nullable()
      .default(null)
      .describe(
        "From this confidence (0..1) of the local classifier on a task goes to one worker without a model's plan. null: a model always plans.",
      ),
  })
  .refine((routing) => routing.askBelow <= routing.sureAbove, { message: "askBelow must not be above sureAbove", path: ["askBelow"] });

const budgetSchema = z.strictObject({
  call: capSchema("model call"),
  run: capSchema("run"),
  session: capSchema("session"),
  day: capSchema("day, over all workspaces of the user"),
  alertAt: share().default(0.8).describe("Share of a budget (0..1) at which the person is told."),
});

const approvalsSchema = z.strictObject({
  deadlineSeconds: z
    .union([deadline(), z.record(z.string().min(1).max(64), deadline())])
    .default(3600)
    .describe("Seconds until an approval expires: one number, or one per approval class with `default` for the others (3600)."),
  openPage: z
    .boolean()
    .default(true)
    .describe("Open the approval page in your browser when something waits and no terminal or editor shows it."),
  elicitation: z.boolean().default(false).describe("Accept an MCP client's own yes for low-risk classes."),
});

const cacheSchema = z.strictObject({
  tools: z.boolean().default(true).describe("Keep results of tools that only read until what they read changes."),
  answers: z
    .enum(["off", "plans", "all"])
    .default("off")
    .describe(
      "Which answers of models are used again for an identical request, for 7 days: none, plans, or also reports and turns of workers that have no tool that writes.",
    ),
});

export const configSchema = z.strictObject({
  $schema: z.string().max(2000).optional().describe("For editors; not read."),
  models: modelsSchema.prefault({}),
  providers: z
    .record(
      z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/, "must be 1 to 32 characters of a-z, 0-9, _ and -, and start with a letter"),
      providerSchema,
    )
    .default({})
    .describe("OpenAI-compatible endpoints by the name that stands before the colon in provider:model."),
  run: runSchema.prefault({}),
  routing: routingSchema.prefault({}),
  budget: budgetSchema.prefault({}),
  approvals: approvalsSchema.prefault({}),
  policy: z
    .array(policyRuleSchema)
    .max(ITEM_MAX)
    .default([])
    .describe("Rules about what is allowed, asked or denied; the first that matches decides."),
  memory: z
    .strictObject({
      embeddingModel: z
        .string()
        .min(1)
        .max(ITEM_MAX)
        .nullable()
        .default(null)
        .describe("provider:model for embeddings. null: the built-in one."),
      sessionTokens: whole(0, 100_000)
        .default(2_000)
        .describe("Estimated tokens of what a session's earlier runs came to that plan and workers are given. 0: nothing."),
    })
    .prefault({}),
  daemon: z
    .strictObject({
      idleSeconds: whole(1, 30 * DAY_SECONDS)
        .default(600)
        .describe("Seconds without work after which the daemon ends."),
    })
    .prefault({}),
  cache: cacheSchema.prefault({}),
  retention: z.strictObject({ days: whole(1, 36_500).default(30).describe("Days for which ended runs are kept.") }).prefault({}),
  workspaces: z
    .strictObject({
      trusted: z
        .array(
          z
            .string()
            .min(1)
            .max(4096)
            .regex(/^(?:~(?:\/|$)|\/|[A-Za-z]:[\\/])/, "must be an absolute folder, or begin with ~/"),
        )
        .max(ITEM_MAX)
        .default([])
        .describe("Folders of workspaces whose own workers (.bosun/workers) count."),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z
        .enum(["trace", "debug", "info", "warn", "error", "silent"])
        .default("info")
        .describe("Least severe log line that is written."),
    })
    .prefault({}),
  telemetry: z
    .strictObject({
      otlpEndpoint: z
        .string()
        .min(1)
        .max(2000)
        .nullable()
        .default(null)
        .describe("URL that OpenTelemetry data is sent to. null: it is not sent."),
    })
    .prefault({}),
});

/** The whole configuration, every default filled in. */
export type Config = z.output<typeof configSchema>;
/** What may stand in `bosun.json`: every key may be left out. */
export type ConfigInput = z.input<typeof configSchema>;
export type PolicyRule = z.output<typeof policyRuleSchema>;
export type Price = z.output<typeof priceSchema>;

export const DEFAULT_CONFIG: Config = configSchema.parse({});

/** The keys a workspace may set, and only to tighten (marked `w` in the contract). */
export const WORKSPACE_KEYS: readonly string[] = [
  "run.maxParallelSteps",
  "run.maxSteps",
  "run.maxRevisions",
  "run.maxTurns",
  ...["call", "run", "session", "day"].flatMap((of) => ["usd", "tokens", "seconds"].map((unit) => `budget.${of}.${unit}`)),
  "approvals.deadlineSeconds",
  "policy",
];

/** Seconds until an approval of this class expires. */
export function deadlineSecondsOf(config: Config, approvalClass: string): number {
  const { deadlineSeconds } = config.approvals;
  if (typeof deadlineSeconds === "number") return deadlineSeconds;
  const own = Object.hasOwn(deadlineSeconds, approvalClass) ? deadlineSeconds[approvalClass] : undefined;
  return own ?? deadlineSeconds["default"] ?? 3600;
}

/** The JSON Schema (draft 2020-12) of a configuration file. */
export function configJsonSchema(): Record<string, unknown> {
  return { title: "Bosun configuration", ...z.toJSONSchema(configSchema, { io: "input" }) };
}
