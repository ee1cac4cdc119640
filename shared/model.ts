/** The language of model calls: OpenAI chat completions, reduced to what Bosun says and hears. */
import type { Json } from "./durable.ts";
import type { Usage } from "./usage.ts";

export const PURPOSES = ["plan", "replan", "work", "synthesise", "output", "extract", "compact"] as const;
export type Purpose = (typeof PURPOSES)[number];

export const TIERS = ["small", "medium", "large"] as const;
export type Tier = (typeof TIERS)[number];

/** What is named where no language model is used: the workspace is searched instead. */
export const OFFLINE_MODEL = "offline:search";

/** Which model is asked, and what spoke for it. */
export interface ModelChoice {
  /** `provider:model`. */
  readonly model: string;
  /** The tier whose list it is from; null when a person named the model. */
  readonly tier: Tier | null;
  /** Short words for the trace, weightiest first: `tier medium`, `first in list`, `p50 4.1 s, 98 % ok`. */
  readonly why: readonly string[];
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** Exactly what the model wrote, so perhaps not JSON at all. */
  readonly arguments: string;
}

export type ModelMessage =
  | { readonly role: "system" | "user"; readonly content: string }
  | { readonly role: "assistant"; readonly content: string; readonly tool_calls?: readonly ToolCall[] }
  | { readonly role: "tool"; readonly tool_call_id: string; readonly content: string };

export type AssistantMessage = Extract<ModelMessage, { role: "assistant" }>;

/** A tool as a model sees it. */
export interface ToolOffer {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments object. */
  readonly parameters: Json;
}

/** A reply that must validate: sent as `response_format`, checked by us. */
export interface ReplySchema {
  readonly name: "task_plan" | "task_output" | "memory_facts";
  readonly schema: Json;
}

export interface ModelRequest {
  /** `provider:model`, as in configuration: `openai:gpt-5-mini`, `scripted:/path/file.json`. */
  readonly model: string;
  readonly purpose: Purpose;
  readonly worker: string | null;
  readonly run_id: string;
  /** 1 for the first request of this purpose in its branch; a work turn's number. */
  readonly turn: number;
  readonly messages: readonly ModelMessage[];
  readonly tools: readonly ToolOffer[];
  readonly reply_schema: ReplySchema | null;
  /** Sent as `max_completion_tokens`, always. */
  readonly max_completion_tokens: number;
  /** W3C trace context header value. */
  readonly traceparent: string;
}

export interface ModelReply {
  readonly message: AssistantMessage;
  /** The model that answered, by its own word. */
  readonly model: string;
  readonly finish_reason: "stop" | "length" | "tool_calls" | "content_filter" | "unknown";
  readonly usage: Usage;
  /** The rule of the scripted model that answered, counted from 1. Journalled with the answer, for `times` counts them. */
  readonly rule?: number;
}
