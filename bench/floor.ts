/**
 * The floor: the same task in the plainest way that still keeps what it did: the `openai` package, `Promise.all`, and one SQLite
 * transaction per step with the step's whole conversation. No recovery, no replay, no approvals, no budgets.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import OpenAI from "openai";
import type { ToolOffer } from "../shared/model.ts";
import { PLAN } from "./task.ts";

type Message = OpenAI.Chat.Completions.ChatCompletionMessageParam;

type Answer = OpenAI.Chat.Completions.ChatCompletionAssistantMessageParam & { readonly content: string };

export interface Floor {
  run(task: string): Promise<string>;
  close(): void;
}

export function createFloor(options: {
  readonly file: string;
  readonly baseUrl: string;
  readonly workspace: string;
  readonly system: (worker: string) => string;
  readonly planner: string;
  readonly offers: readonly ToolOffer[];
  readonly planSchema: object;
}): Floor {
  const client = new OpenAI({ apiKey: "bench", baseURL: options.baseUrl, maxRetries: 0 });
  const db = new Database(options.file);
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.exec("CREATE TABLE IF NOT EXISTS steps (id INTEGER PRIMARY KEY, task TEXT, step TEXT, messages TEXT)");
  const insert = db.prepare("INSERT INTO steps (task, step, messages) VALUES (?, ?, ?)");
  const tools = options.offers.map((offer) => ({
    type: "function" as const,
    function: { name: offer.name, description: offer.description, parameters: offer.parameters as Record<string, unknown> },
  }));

  async function ask(messages: readonly Message[], extra: object): Promise<Answer> {
    const stream = await client.chat.completions.create({
      model: "bench",
      messages: [...messages],
      stream: true,
      stream_options: { include_usage: true },
      max_completion_tokens: 8192,
      ...extra,
    });
    let content = "";
    const calls: { id: string; type: "function"; function: { name: string; arguments: string } }[] = [];
    for await (const chunk of stream) {
      const delta = chunk.choices[0]?.delta;
      content += delta?.content ?? "";
      for (const part of delta?.tool_calls ?? []) {
        const call = (calls[part.index] ??= { id: part.id ?? "", type: "function", function: { name: "", arguments: "" } });
        call.function.name += part.function?.name ?? "";
        call.function.arguments += part.function?.arguments ?? "";
      }
    }
    return { role: "assistant", content, ...(calls.length === 0 ? {} : { tool_calls: calls }) };
  }

  async function work(task: string, step: (typeof PLAN.steps)[number]): Promise<string> {
    const messages: Message[] = [
      { role: "system", content: options.system(step.worker) },
      { role: "user", content: `# Goal\n${step.goal}\n\n# The whole task\n${task}` },
    ];
    for (;;) {
      const answer = await ask(messages, { tools });
      messages.push(answer);
      for (const call of answer.tool_calls ?? []) {
        const { path } = JSON.parse(call.type === "function" ? call.function.arguments : "{}") as { path: string };
        messages.push({ role: "tool", tool_call_id: call.id, content: readFileSync(join(options.workspace, path), "utf8") });
      }
      if (answer.tool_calls !== undefined) continue;
      insert.run(task, step.id, JSON.stringify(messages));
      return answer.content;
    }
  }

  return {
    run: async (task) => {
      const opening: Message[] = [
        { role: "system", content: options.planner },
        { role: "user", content: `# Task\n${task}` },
      ];
      const planned = await ask(opening, {
        response_format: { type: "json_schema", json_schema: { name: "task_plan", strict: true, schema: options.planSchema } },
      });
      const plan = JSON.parse(planned.content) as typeof PLAN;
      insert.run(task, "plan", JSON.stringify([...opening, planned]));
      const reports = await Promise.all(plan.steps.map((step) => work(task, step)));
      const last: Message[] = [
        { role: "system", content: "Write the answer from the reports." },
        { role: "user", content: `# Task\n${task}\n\n${reports.join("\n\n")}` },
      ];
      const answer = await ask(last, {});
      insert.run(task, "synthesise", JSON.stringify([...last, answer]));
      return answer.content;
    },
    close: () => db.close(),
  };
}
