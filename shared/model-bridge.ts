/**
 * The language-model bridge: a client of the daemon lends it models (VS Code's own), and is asked to complete over the same connection.
 * Part of the control protocol: `models.lend` to the daemon; `model.complete` and `model.cancel` to the client, `model.delta` back.
 */
import * as z from "zod";
import type { ModelMessage, ToolOffer } from "./model.ts";

export const lentModelSchema = z.strictObject({
  /** Named `vscode:<id>` from then on. */
  id: z.string().regex(/^[\x21-\x7e]{1,200}$/u, "1 to 200 printable ASCII characters without spaces"),
});
export type LentModel = z.infer<typeof lentModelSchema>;

/** Parameters of `model.complete`. A schema for the reply stands in the messages. */
export interface LentRequest {
  /** Of {@link LentModel}. */
  readonly model: string;
  readonly messages: readonly ModelMessage[];
  readonly tools: readonly ToolOffer[];
  readonly max_completion_tokens: number;
}

/** Its result. */
export const lentReplySchema = z.strictObject({
  content: z.string(),
  tool_calls: z
    .array(z.strictObject({ id: z.string().max(200), name: z.string().max(200), /** JSON text. */ arguments: z.string() }))
    .exactOptional(),
  /** Left out: told by whether there are tool calls. */
  finish_reason: z.enum(["stop", "length", "tool_calls", "content_filter", "unknown"]).exactOptional(),
  /** As the model's own counting has it; left out, they are estimated. */
  usage: z
    .strictObject({ prompt_tokens: z.number().int().nonnegative(), completion_tokens: z.number().int().nonnegative() })
    .exactOptional(),
});
export type LentReply = z.infer<typeof lentReplySchema>;

/** Parameters of `model.delta`: more of the answer to the request with this id. */
export const lentDeltaSchema = z.strictObject({ id: z.string().max(100), text: z.string() });
