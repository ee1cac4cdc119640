/** Requests that a person can pick from a list, for the client's own model to carry out with our tools. */
import { completable, type GetPromptResult, type McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
import type { Service } from "../service.ts";
import { begunWith } from "./resources.ts";

export function registerPrompts(server: McpServer, service: Service): void {
  const workerNames = (value: string | undefined): string[] =>
    begunWith(
      service.workers().workers.map(({ name }) => name),
      value ?? "",
    );
  const runIds = (value: string): string[] =>
    begunWith(
      service.listRuns({ limit: 200 }).map(({ run_id }) => run_id),
      value,
    );
  server.registerPrompt(
    "delegate",
    {
      title: "Delegate a task",
      description: "Hand a task to the crew and follow it to its end.",
      argsSchema: z.object({ task: z.string().min(1), worker: completable(z.string().optional(), workerNames) }),
    },
    ({ task, worker }) =>
      said(
        `${worker === undefined ? "Call `run_task`" : `Call \`run_task\` with worker ${JSON.stringify(worker)}`} for the task below. If it has not ended when the call returns, go on with \`wait_run\`. ` +
          "If it asks a question, put it to me and pass my answer on with `answer_question`. If it waits for an approval, tell me what would change and how I decide (`how_to_decide`); you cannot decide it. " +
          `In the end, tell me what it came to.\n\n${task}`,
      ),
  );
  server.registerPrompt(
    "investigate_bug",
    {
      title: "Investigate a bug",
      description: "Have the debugger find the cause of a fault.",
      argsSchema: z.object({ symptom: z.string().min(1), where: z.string().optional() }),
    },
    ({ symptom, where }) =>
      said(
        `Call \`ask_debugger\` to find the cause of this fault${where === undefined ? "" : `, beginning at ${where}`}: what happens, where (path:line), why, and what would mend it. ` +
          `Read its hypotheses with \`get_run\` (include trace) if the answer leaves doubts.\n\n${symptom}`,
      ),
  );
  server.registerPrompt(
    "review_changes",
    {
      title: "Review changes",
      description: "Have the reviewer judge what was changed.",
      argsSchema: z.object({ ref: z.string().optional(), focus: z.string().optional() }),
    },
    ({ ref, focus }) =>
      said(
        `Call \`ask_reviewer\` to review the changes ${ref === undefined ? "of the working tree" : `since ${ref}`}${focus === undefined ? "" : `, above all: ${focus}`}. ` +
          "List what it found, worst first, with path:line, and say what you would mend.",
      ),
  );
  server.registerPrompt(
    "explain_run",
    {
      title: "Explain a run",
      description: "What a run did, why, and what it cost.",
      argsSchema: z.object({ run_id: completable(z.string().min(1), runIds) }),
    },
    ({ run_id }) =>
      said(
        `Call \`get_run\` for ${run_id} with include ["plan", "trace", "changes"]. Explain to me in order: what was asked, how it was planned, what each worker did and found, ` +
          "what was changed or is waiting for a person, what failed and why, and what it cost.",
      ),
  );
}

function said(text: string): GetPromptResult {
  return { messages: [{ role: "user", content: { type: "text", text } }] };
}
