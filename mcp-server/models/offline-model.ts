/**
 * The offline model: no language model at all. It answers the supervisor's requests by searching and reading, which is what can honestly be
 * done, and says so wherever it is named. It costs nothing and knows nothing but what the messages say.
 */
import { BosunError } from "../../shared/errors.ts";
import { OFFLINE_MODEL, type AssistantMessage, type ModelReply, type ModelRequest } from "../../shared/model.ts";
import type { TaskPlan } from "../../shared/plan.ts";
import type { TaskGuess } from "../../shared/routing.ts";
import { needsWriting } from "../offline/needs-writing.ts";
import { nextTurn } from "../offline/next-turn.ts";
import { queryOf } from "../offline/query-words.ts";
import { told } from "../offline/read-conversation.ts";
import { framesOf } from "../offline/stack-frames.ts";
import type { Model } from "./port.ts";
import { HOW_TO_SET } from "./providers.ts";

export interface OfflineModelOptions {
  /** Whose task it is. */
  readonly choose: (task: string) => TaskGuess;
  /** Below this confidence whoever searches best takes it: looking harms nothing. */
  readonly askBelow: () => number;
}

const SEARCHER = "researcher";
const WRITING_TOOLS: readonly string[] = ["write_file", "edit_file", "delete_file", "move_file"];
const FREE = { prompt_tokens: 0, completion_tokens: 0, cached_tokens: 0, usd: 0, source: "reported" as const };

export function createOfflineModel(options: OfflineModelOptions): Model {
  const answer = (request: ModelRequest): AssistantMessage => {
    switch (request.purpose) {
      case "plan":
        return said(JSON.stringify(planFor(told(request.messages).task, options)));
      case "replan":
        return said(JSON.stringify({ ...NO_PLAN, keep: [] }));
      case "work":
        return workTurn(request);
      case "synthesise":
        return said(reportsOf(request));
      case "output":
      case "extract":
      case "compact":
        throw new BosunError("model_unavailable", `this needs a language model, and none is configured. ${HOW_TO_SET}`, {
          retryable: false,
        });
    }
  };
  return {
    complete: (request, ctx): Promise<ModelReply> => {
      ctx.signal.throwIfAborted();
      const message = answer(request);
      if (message.content !== "") ctx.onDelta(message.content);
      const calls = message.tool_calls?.length ?? 0;
      return Promise.resolve({ message, model: OFFLINE_MODEL, finish_reason: calls === 0 ? "stop" : "tool_calls", usage: FREE });
    },
  };
}

const NO_PLAN: TaskPlan = { confidence: 1, complexity: 0, question: null, steps: [] };

/** One step: to search is all that can be done, so there is nothing to be unsure of but what to search for. */
function planFor(task: string, { choose, askBelow }: OfflineModelOptions): TaskPlan {
  const query = queryOf(task);
  if (query.words.length + query.exact.length + query.paths.length + framesOf(task).length === 0)
    return {
      ...NO_PLAN,
      question: {
        text: "Without a language model I can only search this workspace. What shall I look for? Name words, a file, a function, or paste a stack trace.",
        options: [],
      },
    };
  const guess = choose(task);
  const worker = guess.confidence >= askBelow() ? guess.worker : SEARCHER;
  return { ...NO_PLAN, steps: [{ id: "search", worker, goal: task, depends_on: [], when: null, expects: "" }] };
}

function workTurn({ messages, tools, worker, turn }: ModelRequest): AssistantMessage {
  const names = tools.map((tool) => tool.name);
  const canWrite = names.some((name) => WRITING_TOOLS.includes(name));
  const next = nextTurn(messages, {
    tools: names,
    needsWriting: needsWriting(worker ?? "", told(messages).task, canWrite),
    howToSet: HOW_TO_SET,
  });
  if ("report" in next) return said(next.report);
  const calls = "calls" in next ? next.calls : [{ name: "give_up", args: { reason: next.giveUp.slice(0, 20_000) } }];
  return {
    role: "assistant",
    content: "",
    tool_calls: calls.map(({ name, args }, at) => ({ id: `offline_${turn}_${at}`, name, arguments: JSON.stringify(args) })),
  };
}

/** Reports one after the other: nobody puts them together. */
function reportsOf({ messages }: ModelRequest): string {
  const last = messages.findLast((message) => message.role === "user")?.content ?? "";
  const from = last.indexOf("# Reports");
  return `No language model was used; here are the reports as they are.\n\n${from < 0 ? last : last.slice(from)}`;
}

function said(content: string): AssistantMessage {
  return { role: "assistant", content };
}
