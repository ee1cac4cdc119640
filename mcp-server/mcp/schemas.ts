/** What tools take and give. Outputs name what matters and are loose: the contract allows a view to grow. */
import { z } from "zod";
import { RUN_STATUSES } from "../../shared/run-view.ts";

export const MAX_WAIT_SECONDS = 45;
export const DEFAULT_WAIT_SECONDS = 25;

export const runId = z.string().min(1).max(200).describe("Run id, or an unambiguous beginning of it.");
export const waitSeconds = z
  .number()
  .min(0)
  .max(MAX_WAIT_SECONDS)
  .optional()
  .describe(`Wait so long for an end (default ${DEFAULT_WAIT_SECONDS}).`);
export const files = z.array(z.string().max(4_096)).max(200).optional().describe("Workspace-relative files that matter.");
export const sessionId = z.string().min(1).max(200).optional().describe("Runs of one conversation share it.");
export const budget = z
  .strictObject({ usd: z.number().optional(), tokens: z.number().optional(), seconds: z.number().optional() })
  .optional()
  .describe("Caps; can only lower the configured ones.");
export const task = z.string().min(1).max(100_000);

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
