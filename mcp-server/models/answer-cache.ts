/**
 * Answers of models that are used again: for exactly the same request, and only where nothing but words follows from it. A port; the
 * technology is one file behind it.
 */
import { createHash } from "node:crypto";
import type { ModelMessage, ModelReply, ModelRequest, Purpose } from "../../shared/model.ts";
import type { Config } from "../../shared/config.ts";

/** A kept answer, as a reply that costs nothing. */
export type CachedAnswer = Omit<ModelReply, "rule">;

/** Never throws, but for {@link AnswerCache.forgetRun}: a cache that does not work is one that finds nothing. */
export interface AnswerCache {
  /** The answer that was kept for a request with the same words, tools, schema, limit and model. From then on it belongs to this run too. */
  lookUp(request: ModelRequest): CachedAnswer | null;
  /** Keeps a whole and valid answer, and nothing else. */
  keep(request: ModelRequest, reply: ModelReply): void;
  /**
   * Drops the answer that a request comes back to: one that could not be used, was asked about, or whose plan failed. So it is not given
   * once more. For every request that is made, whether its own answer may be kept or not.
   */
  outdate(request: ModelRequest): void;
  /** Removes every answer that the run put or was given. @throws BosunError internal when it cannot be removed */
  forgetRun(runId: string): void;
  close(): void;
}

/** Purposes whose answers are words or data and lead to no effect by themselves. */
const PLAIN: readonly Purpose[] = ["plan", "synthesise", "output", "extract", "compact"];

/**
 * May the answer be looked up and kept? Never for a turn that offers a tool that may write. The scripted model is a file that its writer
 * changes, and costs nothing.
 */
export function cacheable(
  request: Pick<ModelRequest, "model" | "purpose" | "tools">,
  setting: Config["cache"]["answers"],
  mayWrite: (toolName: string) => boolean,
): boolean {
  if (setting === "off" || request.model.startsWith("scripted:")) return false;
  if (request.tools.some((tool) => mayWrite(tool.name))) return false;
  if (setting === "plans") return request.purpose === "plan";
  return request.purpose === "work" || PLAIN.includes(request.purpose);
}

/** SHA-256 of what the model sees, and of which model that is; not of the run, its trace, or the purpose. */
export function answerKey(request: ModelRequest, endpoint: string): string {
  const { model, messages, tools, reply_schema, max_completion_tokens } = request;
  return createHash("sha256")
    .update(canonical([model, endpoint, messages, tools, reply_schema, max_completion_tokens]))
    .digest("hex");
}

/** SHA-256 of a conversation alone, whoever is asked with it and for what. */
export function conversationKey(messages: readonly ModelMessage[]): string {
  return createHash("sha256").update(canonical(messages)).digest("hex");
}

/** The conversation whose answer a request comes back to: the one before its last two messages, when these are an answer and what a person or the supervisor says to it. */
export function cameBackTo({ messages }: Pick<ModelRequest, "messages">): readonly ModelMessage[] | null {
  const [answer, said] = messages.slice(-2);
  return answer?.role === "assistant" && said?.role === "user" ? messages.slice(0, -2) : null;
}

/** JSON with the keys of objects in one order, so that equal values are equal texts. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
