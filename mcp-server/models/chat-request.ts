/** From a request in Bosun's language to the body of a chat completion, in the dialect that an endpoint understands. */
import type OpenAI from "openai";
import type { ModelMessage, ModelRequest, ReplySchema } from "../../shared/model.ts";
import { isSentStrict, isStreamed, replyFormat, type Dialect } from "./dialect.ts";

type WireMessage = OpenAI.Chat.Completions.ChatCompletionMessageParam;
export type ChatBody = OpenAI.Chat.Completions.ChatCompletionCreateParams;

/** Arguments that are not a JSON object make many endpoints refuse the whole conversation; they go back inside one. */
function wireArguments(written: string): string {
  if (written.trim() === "") return "{}";
  try {
    const value: unknown = JSON.parse(written);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return written;
  } catch {
    // Told to the model as it wrote it.
  }
  return JSON.stringify({ not_valid_json: written });
}

/** Names that a model made up may hold characters that endpoints refuse. */
const wireName = (name: string): string => name.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 64) || "unnamed";

function wireMessage(message: ModelMessage): WireMessage {
  if (message.role !== "assistant") return message;
  const calls = message.tool_calls ?? [];
  if (calls.length === 0) return { role: "assistant", content: message.content };
  return {
    role: "assistant",
    content: message.content === "" ? null : message.content,
    tool_calls: calls.map((call) => ({
      id: call.id,
      type: "function",
      function: { name: wireName(call.name), arguments: wireArguments(call.arguments) },
    })),
  };
}

/** The schema goes to the end of the first system message, for some endpoints take one system message only. */
export function withSchemaInPrompt(messages: readonly ModelMessage[], schema: ReplySchema): ModelMessage[] {
  const demand = `Answer with JSON alone, no text around it and no code fence, that is valid against this JSON Schema:\n${JSON.stringify(schema.schema)}`;
  const [first, ...rest] = messages;
  if (first?.role === "system") return [{ role: "system", content: `${first.content}\n\n${demand}` }, ...rest];
  return [{ role: "system", content: demand }, ...messages];
}

/**
 * What stays the same from request to request comes first, in the order in which providers lay a prompt out (tools, the shape of the
 * answer, messages), so that a request begins with the bytes of the one before: that is what prompt caches look for.
 */
export function chatBody(request: ModelRequest, model: string, dialect: Dialect): ChatBody {
  const schema = request.reply_schema;
  const format = schema === null ? null : replyFormat(dialect, schema);
  const messages = schema !== null && format !== "json_schema" ? withSchemaInPrompt(request.messages, schema) : request.messages;
  const asked = {
    model,
    ...(request.tools.length === 0
      ? {}
      : {
          tools: request.tools.map((tool) => ({
            type: "function" as const,
            // A tool's parameters are a JSON Schema object by contract.
            function: { name: tool.name, description: tool.description, parameters: tool.parameters as Record<string, unknown> },
          })),
        }),
    ...(schema !== null && format === "json_schema"
      ? {
          response_format: {
            type: "json_schema" as const,
            json_schema: { name: schema.name, schema: schema.schema as Record<string, unknown>, strict: isSentStrict(dialect, schema) },
          },
        }
      : {}),
    ...(format === "json_object" ? { response_format: { type: "json_object" as const } } : {}),
    messages: messages.map(wireMessage),
    [dialect.tokenParameter]: request.max_completion_tokens,
  };
  if (!isStreamed(dialect, request)) return asked;
  return { ...asked, stream: true, ...(dialect.streamOptions ? { stream_options: { include_usage: true } } : {}) };
}

/** Header values hold printable ASCII only. */
const headerValue = (value: string): string => value.replace(/[^\x20-\x7e]/g, "?").slice(0, 200);

/** What gateways route and log by. A request that no worker makes is the supervisor's. */
export function bosunHeaders(request: ModelRequest): Record<string, string> {
  return {
    traceparent: headerValue(request.traceparent),
    "X-Bosun-Purpose": request.purpose,
    "X-Bosun-Run": headerValue(request.run_id),
    "X-Bosun-Worker": headerValue(request.worker ?? "supervisor"),
  };
}
