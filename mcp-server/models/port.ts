/**
 * Models: one port, one file per technology behind it. A model answers one request; retries, budgets and routing are not its
 * business. It never logs a prompt and never reads the environment by itself.
 */
import type { AnswerHeaders } from "./http-send.ts";
import type { ModelReply, ModelRequest } from "../../shared/model.ts";

export interface ModelCallContext {
  readonly signal: AbortSignal;
  /** Called as the answer streams in, with the text added; not recorded. */
  onDelta(text: string): void;
  /**
   * Called as soon as an answer's headers are here, for good and bad answers alike, and for each request where a call takes several. Models
   * without HTTP never call it.
   */
  onAnswer?(status: number, headers: Pick<AnswerHeaders, "get">): void;
}

export interface Model {
  /**
   * @throws BosunError `model_unavailable` (401, 404, 5xx, no connection, cut stream, no answer in time), `rate_limited` (429),
   * `model_refused` (content filter, 400), `invalid_input` (request cannot be sent), `cancelled` (signal).
   */
  complete(request: ModelRequest, ctx: ModelCallContext): Promise<ModelReply>;
}
