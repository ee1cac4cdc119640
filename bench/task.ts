/**
 * The benchmark task, and the model that answers it: a supervisor plans, three workers run in parallel with two tool calls each in
 * two turns, and the reports are put together: 11 model calls, 6 tool calls.
 */
import type { ReceivedRequest, ServerReply } from "../test/support/openai-server.ts";

export const WORKERS = ["researcher", "reviewer", "architect"] as const;
export const FILES = ["a.txt", "b.txt"] as const;
/** Bytes of each of the files that the workers read. */
export const FILE_BYTES = 2_000;
const REPORT = "The file holds what the task asks about; see a.txt:1 and b.txt:1. ".repeat(6);

export const PLAN = {
  confidence: 0.9,
  complexity: 0.4,
  question: null,
  steps: WORKERS.map((worker) => ({
    id: worker,
    worker,
    goal: `Look at the files as the ${worker} and report.`,
    depends_on: [],
    when: null,
    expects: "",
  })),
};

/** Stateless, so that any number of runs can ask at the same time. The third turn of a worker is its report. */
export function benchReply(request: ReceivedRequest, delayMs: number): ServerReply {
  const { messages, response_format: format } = request.body;
  const usage = { prompt_tokens: 500, completion_tokens: 100 };
  if (format !== undefined) return { json: PLAN, usage, delayMs };
  if (request.body.tools === undefined) return { content: REPORT, usage, delayMs };
  const turn = messages.filter((message) => message.role === "assistant").length;
  const file = FILES[turn];
  return file === undefined
    ? { content: REPORT, usage, delayMs }
    : { tool_calls: [{ name: "read_file", arguments: { path: file } }], usage, delayMs };
}
