/** What tools take and give. Outputs name what matters and are loose: the contract allows a view to grow. */
import * as z from "zod";
import { RUN_STATUSES } from "../../shared/run-view.ts";

export const MAX_WAIT_SECONDS = 45;
export const DEFAULT_WAIT_SECONDS = 25;

export const runId = z.string().min(1).max(200).describe("Run id, or an unambiguous beginning of it.");
export const task = z.string().min(1).max(100_000);
/** Any JSON object: what came over the wire is JSON, so what is in it need not be looked at. */
export const jsonObject = z.record(z.string(), z.unknown());

const seconds = z.number().min(0).max(MAX_WAIT_SECONDS).optional();
const paths = z.array(z.string().max(4_096)).max(200).optional();
const session = z.string().min(1).max(200).optional();
const caps = z.strictObject({ usd: z.number().optional(), tokens: z.number().optional(), seconds: z.number().optional() }).optional();

export const waitSeconds = seconds.describe(`Wait so long for an end (default ${DEFAULT_WAIT_SECONDS}).`);
export const files = paths.describe("Workspace-relative files that matter.");
export const sessionId = session.describe("Runs of one conversation share it.");
export const budget = caps.describe("Caps; can only lower the configured ones.");

/** Of `ask_<worker>`: the same as in `run_task`, which says what each means. Twelve tools that say it again would cost too much. */
export const askInput = z.object({ task, files: paths, session_id: session, budget: caps, wait_seconds: seconds });

const UNTOLD: ReadonlySet<string> = new Set(["$schema", "minLength", "maxLength", "maxItems", "propertyNames"]);

/** Limits are checked, not told: no model comes near them, and each costs tokens whenever tools are listed. */
export function lean<T extends z.ZodObject>(schema: T): { readonly "~standard": T["~standard"] } {
  const standard = schema["~standard"];
  const told = (key: string, value: unknown): unknown => (UNTOLD.has(key) ? undefined : value);
  const input: typeof standard.jsonSchema.input = (options) =>
    JSON.parse(JSON.stringify(standard.jsonSchema.input(options), told)) as Record<string, unknown>;
  return { "~standard": { ...standard, jsonSchema: { ...standard.jsonSchema, input } } };
}

/** Of a tool error, as structured content too: so nothing but `error` is always there. */
const error = z.looseObject({ code: z.string(), message: z.string(), retryable: z.boolean() }).nullable();

/** The RunView of the contract; null in `error` says that the call itself went well and the run did not fail. */
export const runViewOutput = z.looseObject({
  run_id: z.string().optional(),
  status: z.enum(RUN_STATUSES).optional(),
  answer: z.string().nullable().optional(),
  question: z.looseObject({ question_id: z.string(), text: z.string() }).nullable().optional(),
  approvals: z.array(z.looseObject({ approval_id: z.string(), how_to_decide: z.string() })).optional(),
  usage: z.looseObject({}).optional(),
  error,
});

export const runListOutput = z.looseObject({ runs: z.array(z.looseObject({ run_id: z.string() })).optional(), error: error.optional() });
