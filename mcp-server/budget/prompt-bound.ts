/**
 * How many prompt tokens a request can have at most. A byte-pair tokenizer makes no more than one token of each UTF-8 byte, so bytes
 * bound it from above, some four times too high for English; what a provider reported for the beginning of a conversation is exact, and
 * then only what came after is counted so. What a request probably has is `estimatePromptTokens`, which is for people, not for caps.
 */
import type { ModelMessage, ModelRequest } from "../../shared/model.ts";
import type { Usage } from "../../shared/usage.ts";

/** Role, separators and the beginning of a call around each message and each call in it. */
const PER_MESSAGE = 8;
/** What templates put around a conversation: its beginning and end, a date, a line about who the model is. */
const PER_REQUEST = 64;
/** What templates and providers add where there are tools: how to call one (Anthropic documents up to some 350 tokens). */
const PER_TOOLS = 512;
/** The demand that stands before a schema where it goes into the prompt. */
const PER_SCHEMA = 256;

/** Of requests that nothing is known of. */
export function promptBound(request: ModelRequest): number {
  return PER_REQUEST + boundOf(request.messages, 0) + toolsBound(request) + schemaBound(request);
}

export interface PromptBounds {
  /** Upper bound of a request's prompt tokens. */
  bound(request: ModelRequest): number;
  /** Remembers what its provider reported for it; anything but a report is not believed. */
  learn(request: ModelRequest, usage: Usage): void;
}

/** What a provider reported for a request, kept as long as its last message is. */
interface Known {
  readonly request: Pick<ModelRequest, "model" | "messages" | "tools" | "reply_schema">;
  readonly promptTokens: number;
}

/**
 * Bounds that grow tighter with each answer. A conversation is known again when its messages are the same objects; where they are not,
 * after a restart for one, it is bounded by its bytes.
 */
export function createPromptBounds(): PromptBounds {
  const known = new WeakMap<ModelMessage, Known>();
  return {
    bound: (request) => {
      const { messages } = request;
      for (let at = messages.length - 1; at >= 0; at -= 1) {
        const message = messages[at];
        const before = message === undefined ? undefined : known.get(message);
        if (before !== undefined && isBeginningOf(before.request, request)) return before.promptTokens + boundOf(messages, at + 1);
      }
      return promptBound(request);
    },
    learn: (request, usage) => {
      const last = request.messages.at(-1);
      if (last === undefined || usage.source !== "reported" || usage.prompt_tokens === 0) return;
      const { model, messages, tools, reply_schema } = request;
      known.set(last, { request: { model, messages, tools, reply_schema }, promptTokens: usage.prompt_tokens });
    },
  };
}

function isBeginningOf(before: Known["request"], request: ModelRequest): boolean {
  return (
    before.model === request.model &&
    before.reply_schema === request.reply_schema &&
    (before.tools === request.tools || before.tools.length + request.tools.length === 0) &&
    before.messages.every((message, at) => message === request.messages[at])
  );
}

function boundOf(messages: readonly ModelMessage[], from: number): number {
  let sum = 0;
  for (let at = from; at < messages.length; at += 1) {
    const message = messages[at];
    if (message !== undefined) sum += messageBound(message);
  }
  return sum;
}

function messageBound(message: ModelMessage): number {
  let sum = PER_MESSAGE + Buffer.byteLength(message.content);
  if (message.role === "tool") return sum + Buffer.byteLength(message.tool_call_id);
  if (message.role !== "assistant") return sum;
  for (const { id, name, arguments: written } of message.tool_calls ?? [])
    // As a JSON text inside another, which is how arguments that are no JSON go back.
    sum += PER_MESSAGE + Buffer.byteLength(id) + Buffer.byteLength(name) + Buffer.byteLength(JSON.stringify(written));
  return sum;
}

function toolsBound({ tools }: ModelRequest): number {
  return tools.length === 0 ? 0 : PER_TOOLS + jsonBytes(tools);
}

function schemaBound({ reply_schema: schema }: ModelRequest): number {
  return schema === null ? 0 : PER_SCHEMA + jsonBytes(schema);
}

/** Tools and schemas are the same object from turn to turn, and nobody changes them. */
const sizes = new WeakMap<object, number>();

function jsonBytes(value: object): number {
  const size = sizes.get(value) ?? Buffer.byteLength(JSON.stringify(value));
  sizes.set(value, size);
  return size;
}
