/**
 * What an endpoint understands. Endpoints that call themselves compatible refuse this field or that with a 400; what was refused
 * once is left out from then on, for this endpoint and model, as long as the process lives. Such a refusal costs nothing.
 */
import { isStrictSchema } from "./strict-schema.ts";
import type { ModelRequest, ReplySchema } from "../../shared/model.ts";

export type ReplyFormat = "json_schema" | "json_object" | "prompt";

/** How a first request to a provider is written, before it has refused anything. */
export interface Quirks {
  /** How a reply by schema is asked for. */
  readonly format: ReplyFormat;
  /** Schemas are sent with `strict: true` where they can be. */
  readonly strict: boolean;
  readonly tokenParameter: "max_completion_tokens" | "max_tokens";
  /** Usage is asked for with `stream_options`; where it is not, it is reported unasked, or not at all. */
  readonly streamOptions: boolean;
  /** Requests that offer tools are streamed. */
  readonly streamsTools: boolean;
  /** Requests with a `response_format` are streamed. */
  readonly streamsFormats: boolean;
}

export interface Dialect extends Quirks {
  readonly stream: boolean;
  /** Schemas by name that the endpoint would not take as strict. */
  readonly looseSchemas: readonly string[];
}

/** What OpenAI takes, and whoever calls itself compatible and is not known better. */
export const STANDARD_QUIRKS: Quirks = {
  format: "json_schema",
  strict: true,
  tokenParameter: "max_completion_tokens",
  streamOptions: true,
  streamsTools: true,
  streamsFormats: true,
};

/** Who is spoken to. */
export interface Endpoint {
  readonly baseUrl: string;
  readonly model: string;
  readonly quirks: Quirks;
}

type Lessons = Partial<Dialect>;

const learnt = new Map<string, Lessons>();

const keyOf = ({ baseUrl, model }: Endpoint): string => `${baseUrl}\n${model}`;

/** The provider's quirks, and on top of them what was learnt. */
export function dialectOf(endpoint: Endpoint): Dialect {
  return { stream: true, looseSchemas: [], ...endpoint.quirks, ...learnt.get(keyOf(endpoint)) };
}

/** For tests: every endpoint is a stranger again. */
export function forgetDialects(): void {
  learnt.clear();
}

/** How a reply is asked for: a schema whose root is not an object fits neither of the response formats. */
export function replyFormat(dialect: Dialect, schema: ReplySchema): ReplyFormat {
  const root = schema.schema;
  const isObject = typeof root === "object" && root !== null && !Array.isArray(root) && (root as { type?: unknown }).type === "object";
  return isObject ? dialect.format : "prompt";
}

export function isSentStrict(dialect: Dialect, schema: ReplySchema): boolean {
  return dialect.strict && !dialect.looseSchemas.includes(schema.name) && isStrictSchema(schema.schema);
}

/** Whether a request is sent as a stream. */
export function isStreamed(dialect: Dialect, request: Pick<ModelRequest, "tools" | "reply_schema">): boolean {
  const hasFormat = request.reply_schema !== null && replyFormat(dialect, request.reply_schema) !== "prompt";
  return dialect.stream && (dialect.streamsTools || request.tools.length === 0) && (dialect.streamsFormats || !hasFormat);
}

/** The part of a 400 that tells what was not understood. */
export interface Refusal {
  readonly param: string;
  /** The whole error body as text. */
  readonly body: string;
}

/** The dialect without what this refusal is about; null when it is about something else. */
function without(used: Dialect, refusal: Refusal, schema: ReplySchema | null): Lessons | null {
  const body = refusal.body.toLowerCase();
  const mentions = (...names: string[]): boolean => names.some((name) => refusal.param.startsWith(name) || body.includes(name));
  if (used.streamOptions && used.stream && mentions("stream_options")) return { streamOptions: false };
  const isAboutSize =
    /too large|too high|at most|exceed|less than|greater than|maximum (?:value|of|is|number)|context (?:length|window)/.test(body);
  if (used.tokenParameter === "max_completion_tokens" && mentions("max_completion_tokens") && !isAboutSize)
    return { tokenParameter: "max_tokens" };
  const isAboutStreaming =
    refusal.param === "stream" ||
    /stream(?:ing)?\b[^.]{0,60}\b(?:not (?:supported|available|allowed)|unsupported)|verified to stream|does not support stream/.test(body);
  if (used.stream && isAboutStreaming) return { stream: false };
  if (
    schema !== null &&
    replyFormat(used, schema) !== "prompt" &&
    mentions("response_format", "json_schema", "json_object", "json mode", "structured output", "structured_output", "invalid schema")
  ) {
    if (used.format === "json_object") return { format: "prompt" };
    const isAboutSchema =
      /invalid schema|additionalproperties|'required'|"required"|not (?:permitted|supported) (?:keyword|in schema)|strict/.test(body);
    if (isAboutSchema && isSentStrict(used, schema)) return { looseSchemas: [...used.looseSchemas, schema.name] };
    return { format: "json_object" };
  }
  return null;
}

/**
 * Learns from a refusal of a request that was written in dialect `used`.
 * @returns true when the request is worth sending again in the dialect that {@link dialectOf} now gives.
 */
export function learnFrom(endpoint: Endpoint, used: Dialect, refusal: Refusal, schema: ReplySchema | null): boolean {
  const change = without(used, refusal, schema);
  if (change === null) return false;
  learnt.set(keyOf(endpoint), { ...learnt.get(keyOf(endpoint)), ...change });
  return true;
}
