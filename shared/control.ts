/**
 * The control protocol: JSON-RPC 2.0, one message a line, between the daemon of a workspace and whoever drives it for a person (command
 * line, extension). The first message is `hello` with the daemon's key; nothing else is answered before it. The command line reads what it
 * only looks at from the journal; a caller that cannot (the extension) asks for it here.
 */
import * as z from "zod";
import { approvalChoiceSchema } from "./approval-choice.ts";
import { PRIORITIES } from "./events.ts";
import { lentModelSchema } from "./model-bridge.ts";
import { INCLUDES, RUN_STATUSES } from "./run-view.ts";

/** Raised when a message changes its meaning; who speaks another one is refused. */
export const CONTROL_PROTOCOL = 1;
/** Longest line, in bytes: a task of 100,000 characters with its context fits many times. */
export const MAX_LINE_BYTES = 10 * 1024 * 1024;

export const helloSchema = z.strictObject({
  protocol: z.number().int(),
  /** Of the one who calls. */
  version: z.string().max(100),
  key: z.string().max(200),
  /** `mcp`: after the answer the connection carries the Model Context Protocol. */
  speak: z.enum(["control", "mcp"]),
});
export type Hello = z.infer<typeof helloSchema>;

export interface HelloAnswer {
  readonly protocol: number;
  readonly version: string;
  readonly pid: number;
  /** Variables of the caller's environment that say which models they have; `environment.set` hands them over. */
  readonly variables: readonly string[];
}

/**
 * The second message of a connection that will speak MCP, and any later one of another: with these the caller's runs are driven from then
 * on. They are kept in memory alone.
 */
export const environmentSchema = z.strictObject({
  /** Those of {@link HelloAnswer.variables} that are set. */
  variables: z.record(z.string().max(200), z.string().max(16_384)),
  /** Absolute; where relative paths of the caller start. */
  folder: z.string().max(4_096),
});
export type CallerEnvironment = z.infer<typeof environmentSchema>;

const id = z.string().min(1).max(200);
const caps = z.strictObject({
  usd: z.number().exactOptional(),
  tokens: z.number().exactOptional(),
  seconds: z.number().exactOptional(),
});
const runId = z.strictObject({ run_id: id });
/** What is in it is checked by the service, which also serves callers without a wire. */
const runRequest = z.strictObject({
  task: z.string(),
  worker: z.string().exactOptional(),
  files: z.array(z.string()).exactOptional(),
  context: z.json().exactOptional(),
  steps: z.unknown().optional(),
  session_id: z.string().exactOptional(),
  model: z.string().exactOptional(),
  output_schema: z.json().exactOptional(),
  budget: caps.exactOptional(),
  priority: z.enum(PRIORITIES).exactOptional(),
  idempotency_key: z.string().min(1).max(200).exactOptional(),
  traceparent: z.string().max(1_000).exactOptional(),
});
const nothing = z.strictObject({});

/** Parameters of every method. */
export const CONTROL_METHODS = {
  "environment.set": environmentSchema,
  /** In place of what the connection lent before. */
  "models.lend": z.strictObject({ models: z.array(lentModelSchema).max(200) }),
  "daemon.status": nothing,
  "daemon.stop": z.strictObject({ only_idle: z.boolean() }),
  "models.find": nothing,
  "runs.list": z.strictObject({
    status: z.enum(RUN_STATUSES).exactOptional(),
    session_id: z.string().exactOptional(),
    limit: z.number().int().min(1).max(10_000).exactOptional(),
  }),
  "runs.get": z.strictObject({ run_id: id, include: z.array(z.enum(INCLUDES)).exactOptional() }),
  "runs.find": z.strictObject({ prefix: id }),
  "runs.compare": z.strictObject({ run_id: id, other_id: id.nullable() }),
  "questions.list": nothing,
  "approvals.list": z.strictObject({ run_id: id.exactOptional() }),
  "approvals.get": z.strictObject({ approval_id: id }),
  "usage.get": z.strictObject({
    by: z.enum(["run", "worker", "model", "day"]),
    days: z.number().int().min(1).exactOptional(),
    session_id: z.string().exactOptional(),
    all: z.boolean(),
  }),
  "workers.list": nothing,
  "workers.new": z.strictObject({ name: z.string().max(200), user: z.boolean(), from: z.string().max(200).exactOptional() }),
  /**
   * Answers `{position}`: events with a greater one follow as `events.batch`, of all runs, in order, each once. null: those to come. A
   * position that is less than the one asked for is that of a journal begun anew: all that was known is to be asked for again.
   */
  "events.subscribe": z.strictObject({ after: z.number().int().nonnegative().nullable(), subscription: z.number().int() }),
  "events.unsubscribe": z.strictObject({ subscription: z.number().int() }),
  "runs.start": runRequest,
  "runs.plan": runRequest,
  "runs.settled": runId,
  "runs.subscribe": z.strictObject({ run_id: id.nullable(), subscription: z.number().int() }),
  "runs.unsubscribe": z.strictObject({ subscription: z.number().int() }),
  "runs.cancel": runId,
  "runs.pause": runId,
  "runs.resume": z.strictObject({ run_id: id, budget: caps.exactOptional() }),
  "runs.tell": z.strictObject({ run_id: id, data: z.json() }),
  "runs.answer": z.strictObject({ run_id: id, question_id: id, answer: z.string() }),
  "runs.revert": runId,
  "runs.forget": runId,
  "runs.fork": z.strictObject({
    run_id: id,
    at: z.string(),
    task: z.string().exactOptional(),
    model: z.string().exactOptional(),
    worker: z.string().exactOptional(),
    answer: z.string().exactOptional(),
    budget: caps.exactOptional(),
  }),
  "effects.settle": z.strictObject({ run_id: id, effect_id: id, decision: z.enum(["happened", "not_happened", "give_up"]) }),
  "approvals.decide": z.strictObject({
    approval_id: id,
    decision: z.enum(["approve", "reject"]),
    digest: z.string().max(200),
    reason: z.string().exactOptional(),
    channel: z.enum(["cli", "vscode"]).exactOptional(),
    ...approvalChoiceSchema.shape,
  }),
  /** Opens the person's browser on the approval page. */
  "page.open": z.strictObject({ approval_id: id.nullable() }),
  "tasks.route": z.strictObject({ task: z.string(), model: z.string().nullable() }),
  "upkeep.gc": z.strictObject({ days: z.number().exactOptional(), dry_run: z.boolean() }),
  "upkeep.rebuild": nothing,
} as const;

export type ControlMethod = keyof typeof CONTROL_METHODS;
export type ControlParams<M extends ControlMethod> = z.infer<(typeof CONTROL_METHODS)[M]>;

/** What `daemon.status` answers. */
export interface DaemonStatus {
  readonly pid: number;
  readonly version: string;
  readonly workspace: string;
  /** ISO 8601, UTC. */
  readonly started_at: string;
  /** Connections, the asker's included. */
  readonly clients: number;
  /** Runs that are queued or running. */
  readonly live_runs: number;
  /** Resident memory, in bytes. */
  readonly rss_bytes: number;
  /** Ends after so many seconds without a client and a live run. */
  readonly idle_seconds: number;
}

const messageId = z.union([z.number(), z.string().max(100)]);

export const requestSchema = z.object({
  jsonrpc: z.literal("2.0"),
  id: messageId,
  method: z.string().max(100),
  params: z.unknown().optional(),
});

/** `code` as JSON-RPC has it; `data` is the {@link ErrorValue} that the CLI and the extension show. */
export interface ControlError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** Standard codes of JSON-RPC 2.0, and one of ours for what the service refused. */
export const RPC_ERRORS = {
  parse: -32700,
  request: -32600,
  method: -32601,
  params: -32602,
  refused: -32001,
} as const;
