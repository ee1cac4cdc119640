/**
 * Token counts where nobody reports them. A byte-pair tokenizer makes about one token of four bytes of English or code; a quarter
 * of the UTF-8 bytes, rounded up, is within some 30 % for such text and for Chinese or Japanese (3 bytes, about one token a
 * character). No tokenizer is loaded: it costs 50 MB and fits one vendor. What is estimated is always marked so.
 */
import type { AssistantMessage, ModelMessage, ModelRequest } from "../../shared/model.ts";
import type { Usage } from "../../shared/usage.ts";
import type { Price } from "../../shared/config.ts";
import { costUsd } from "./prices.ts";

const BYTES_PER_TOKEN = 4;
/** Role and separators around each message, as OpenAI counts them. */
const TOKENS_PER_MESSAGE = 4;

export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);
}

function messageTokens(message: ModelMessage): number {
  const calls = message.role === "assistant" ? (message.tool_calls ?? []) : [];
  return (
    TOKENS_PER_MESSAGE +
    estimateTokens(message.content) +
    calls.reduce((sum, call) => sum + estimateTokens(call.name) + estimateTokens(call.arguments), 0)
  );
}

/** Tools and schemas are the same object from turn to turn, and nobody changes them. */
const sizes = new WeakMap<object, number>();

function estimateJson(value: unknown): number {
  if (typeof value !== "object" || value === null) return estimateTokens(JSON.stringify(value));
  const known = sizes.get(value) ?? estimateTokens(JSON.stringify(value));
  sizes.set(value, known);
  return known;
}

/** Tokens of messages, tools and schema of a request. */
export function estimatePromptTokens(request: ModelRequest): number {
  const tools = request.tools.length === 0 ? 0 : estimateJson(request.tools);
  const schema = request.reply_schema === null ? 0 : estimateJson(request.reply_schema.schema);
  return request.messages.reduce((sum, message) => sum + messageTokens(message), 0) + tools + schema;
}

export function estimateCompletionTokens(message: AssistantMessage): number {
  return messageTokens(message) - TOKENS_PER_MESSAGE;
}

/** Usage of an answer whose provider reported none. */
export function estimateUsage(request: ModelRequest, message: AssistantMessage, price: Price | null): Usage {
  const tokens = { prompt_tokens: estimatePromptTokens(request), completion_tokens: estimateCompletionTokens(message), cached_tokens: 0 };
  return { ...tokens, usd: costUsd(price, tokens), source: "estimated" };
}
