/** The tools that start, follow and steer runs. None of them decides anything that is a person's to decide. */
import { type InputRequiredResult, type McpServer, type ServerContext, TRACEPARENT_META_KEY } from "@modelcontextprotocol/server";
import * as z from "zod";
import { BosunError } from "../../shared/errors.ts";
import { PRIORITIES } from "../../shared/events.ts";
import { RUN_STATUSES, type RunView } from "../../shared/run-view.ts";
import type { RunRequest, Service } from "../service.ts";
import type { Elicitation } from "./elicit-question.ts";
import { answered, given } from "./results.ts";
import {
  DEFAULT_WAIT_SECONDS,
  MAX_WAIT_SECONDS,
  budget,
  files,
  jsonObject,
  lean,
  runId,
  runListOutput,
  runViewOutput,
  sessionId,
  task,
  waitSeconds,
} from "./schemas.ts";
import { waitForRun } from "./wait-for-run.ts";

export interface ToolParts {
  readonly service: Service;
  readonly elicitation: Elicitation;
}

const READS = { readOnlyHint: true, openWorldHint: false } as const;
/** Models are asked and money may be spent, but nothing is written before a person has approved it. */
const WORKS = { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true } as const;

export function registerRunTools(server: McpServer, parts: ToolParts): void {
  const { service } = parts;
  server.registerTool(
    "run_task",
    {
      title: "Run a task",
      description:
        "Hand a task to the crew: it is planned and carried out by specialised workers. Returns when it ends or waits for a person, else after wait_seconds; then go on with wait_run. Files are changed only after a person has approved the diff outside this protocol.",
      inputSchema: lean(
        z.object({
          task,
          worker: z.string().optional().describe("Skip the plan: this worker does it."),
          session_id: sessionId,
          files,
          context: jsonObject.optional().describe("Given to the plan and the workers."),
          steps: z.array(jsonObject).optional().describe("Your own plan: {id,worker,goal,depends_on}."),
          budget,
          priority: z.enum(PRIORITIES).optional(),
          output_schema: jsonObject.optional().describe("JSON Schema for `data` of the result."),
          wait_seconds: waitSeconds,
          idempotency_key: z.string().min(1).max(200).optional().describe("A repeated call with it gives the same run."),
        }),
      ),
      outputSchema: runViewOutput,
      annotations: WORKS,
    },
    async ({ wait_seconds, ...rest }, ctx) =>
      answered(() => waited(parts, wait_seconds, ctx, () => begin(service, given(rest) as RunRequest, ctx))),
  );
  server.registerTool(
    "wait_run",
    {
      title: "Wait for a run",
      description: "Wait until a run has ended, waits for a person or is paused, at most wait_seconds.",
      inputSchema: lean(z.object({ run_id: runId, wait_seconds: waitSeconds })),
      outputSchema: runViewOutput,
      annotations: READS,
    },
    async ({ run_id, wait_seconds }, ctx) => answered(() => waited(parts, wait_seconds, ctx, async () => service.findRun(run_id))),
  );
  server.registerTool(
    "get_run",
    {
      title: "Look at a run",
      description: "A run as it is now, with its plan, trace, changes (diffs) or events if asked for.",
      inputSchema: lean(z.object({ run_id: runId, include: z.array(z.enum(["plan", "trace", "changes", "events"])).optional() })),
      outputSchema: runViewOutput,
      annotations: READS,
    },
    async ({ run_id, include }) => answered(async () => service.getRun(service.findRun(run_id), include)),
  );
  server.registerTool(
    "list_runs",
    {
      title: "List runs",
      description: "Runs of this workspace, newest first.",
      inputSchema: lean(
        z.object({
          status: z.enum(RUN_STATUSES).optional(),
          session_id: sessionId,
          limit: z.number().int().min(1).max(200).optional().describe("Default 20."),
        }),
      ),
      outputSchema: runListOutput,
      annotations: READS,
    },
    async ({ limit, ...filter }) => answered(async () => ({ runs: service.listRuns({ ...given(filter), limit: limit ?? 20 }) })),
  );
  server.registerTool(
    "control_run",
    {
      title: "Steer a run",
      description:
        "cancel, pause or resume a run; fork it at a span or sequence (`at`) with another task or model; revert what it changed (a person must approve); tell a running task something (event, `data`). Caps cannot be raised here.",
      inputSchema: lean(
        z.object({
          run_id: runId,
          action: z.enum(["cancel", "pause", "resume", "fork", "revert", "event"]),
          at: z.string().max(500).optional(),
          task: task.optional(),
          model: z.string().max(500).optional(),
          data: z.unknown().optional(),
        }),
      ),
      outputSchema: runViewOutput,
      annotations: { ...WORKS, destructiveHint: true },
    },
    async (input) => answered(async () => service.getRun(await steer(service, input))),
  );
  server.registerTool(
    "answer_question",
    {
      title: "Answer a question",
      description: "Answer what a run asks about its task. Approvals are not questions: a person decides them outside this protocol.",
      inputSchema: lean(z.object({ run_id: runId, question_id: z.string().max(200), answer: z.string().min(1).max(100_000) })),
      outputSchema: runViewOutput,
      annotations: WORKS,
    },
    async ({ run_id, question_id, answer }) =>
      answered(async () => {
        const found = service.findRun(run_id);
        await service.answer(found, question_id, answer);
        return service.getRun(found);
      }),
  );
}

/** Starts a run, as part of the trace that the call belongs to. */
export async function begin(service: Service, request: RunRequest, { mcpReq }: ServerContext): Promise<string> {
  await service.findModels();
  const traceparent = mcpReq._meta?.[TRACEPARENT_META_KEY];
  return service.startRun({ ...request, ...(typeof traceparent === "string" ? { traceparent } : {}) });
}

/**
 * Of a run that a tool was asked to wait for, with progress if the client wants it. What the run asks meanwhile is put to the person at the
 * client; however that goes, the call ends in its time.
 * @param begin starts the run, unless this call answers what an earlier one asked
 */
export async function waited(
  { service, elicitation }: ToolParts,
  seconds: number | undefined,
  ctx: ServerContext,
  begin: () => Promise<string>,
): Promise<RunView | InputRequiredResult> {
  const asked = elicitation.before(ctx);
  if (asked !== undefined) await elicitation.take(asked, ctx);
  const id = asked?.run_id ?? (await begin());
  const { progressToken } = ctx.mcpReq._meta ?? {};
  const tell = async (progress: number, message: string): Promise<void> =>
    ctx.mcpReq
      .notify({ method: "notifications/progress", params: { progressToken: progressToken ?? 0, progress, message } })
      // A client that is gone hears nothing.
      .catch(() => undefined);
  const until = Date.now() + Math.min(seconds ?? DEFAULT_WAIT_SECONDS, MAX_WAIT_SECONDS) * 1000;
  for (let steps = 0; ;) {
    const view = await waitForRun(service, id, {
      ms: until - Date.now(),
      signal: ctx.mcpReq.signal,
      tell: progressToken === undefined ? null : (message) => tell((steps += 1), message),
    });
    const answer = await elicitation.ask(view, until - Date.now(), ctx);
    // It may have been answered elsewhere while the client was asked.
    if (answer === null) return view.status === "waiting_answer" ? service.getRun(id) : view;
    if (answer !== "answered") return answer;
  }
}

interface Steering {
  readonly run_id: string;
  readonly action: "cancel" | "pause" | "resume" | "fork" | "revert" | "event";
  readonly at?: string | undefined;
  readonly task?: string | undefined;
  readonly model?: string | undefined;
  readonly data?: unknown;
}

/** @returns the run to look at afterwards: the new one of a fork and a revert */
async function steer(service: Service, { run_id, action, at, task: wanted, model, data }: Steering): Promise<string> {
  const id = service.findRun(run_id);
  switch (action) {
    case "cancel":
      await service.cancel(id);
      return id;
    case "pause":
      await service.pause(id);
      return id;
    case "resume":
      await service.resume(id);
      return id;
    case "event":
      if (data === undefined) throw new BosunError("invalid_input", "`event` needs `data`: what the task is told");
      await service.tell(id, data as never);
      return id;
    case "revert":
      return service.revert(id);
    case "fork":
      if (at === undefined) throw new BosunError("invalid_input", "`fork` needs `at`: a span id, a path, a step's id, or a sequence");
      return service.fork(id, { at, ...(wanted === undefined ? {} : { task: wanted }), ...(model === undefined ? {} : { model }) });
  }
}
