/** Which answers are worth keeping, and how a kept one is read again. */
import * as z from "zod";
import type { ModelReply, ModelRequest } from "../../shared/model.ts";
import { NO_USAGE } from "../../shared/usage.ts";
import type { CachedAnswer } from "./answer-cache.ts";
import { checkReply } from "./reply-schema.ts";

const valueSchema = z.strictObject({
  message: z.strictObject({
    role: z.literal("assistant"),
    content: z.string(),
    tool_calls: z.array(z.strictObject({ id: z.string(), name: z.string(), arguments: z.string() })).optional(),
  }),
  model: z.string(),
  finish_reason: z.enum(["stop", "tool_calls"]),
});

/** Is the answer whole, does it say something, fit the schema that was asked for, and call offered tools only? */
export function isKeepable(reply: Pick<ModelReply, "message" | "finish_reason">, { reply_schema: schema, tools }: ModelRequest): boolean {
  const { content, tool_calls: calls = [] } = reply.message;
  if (reply.finish_reason !== "stop" && reply.finish_reason !== "tool_calls") return false;
  if (content.trim() === "" && calls.length === 0) return false;
  if (calls.some((call) => !tools.some((tool) => tool.name === call.name))) return false;
  try {
    return schema === null || checkReply(content, schema).ok;
  } catch {
    return false;
  }
}

/** What was kept, if it is what such an answer looks like: the file may have been written by anybody. */
export function readAnswer(value: string, request: ModelRequest): CachedAnswer | null {
  try {
    const { message, ...rest } = valueSchema.parse(JSON.parse(value));
    const { tool_calls: calls, ...said } = message;
    const reply: ModelReply = { ...rest, message: calls === undefined ? said : { ...said, tool_calls: calls }, usage: NO_USAGE };
    return isKeepable(reply, request) ? reply : null;
  } catch {
    return null;
  }
}
