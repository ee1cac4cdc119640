/** Models that clients lend while they are connected: VS Code's, asked through its extension. */
import { BosunError, isErrorValue } from "../../shared/errors.ts";
import type { AssistantMessage, ModelReply, ModelRequest } from "../../shared/model.ts";
import { lentReplySchema } from "../../shared/model-bridge.ts";
import type { Lender } from "../service.ts";
import { startCallClock, type CallClock } from "./call-clock.ts";
import { withSchemaInPrompt } from "./chat-request.ts";
import { estimateUsage } from "./estimate.ts";
import { modelError, type Asked } from "./model-failure.ts";
import type { Model, ModelCallContext } from "./port.ts";

/** Stands before the colon in their names. */
export const LENT_PROVIDER = "vscode";

export interface LentModels {
  /** @returns what takes them back */
  lend(lender: Lender): () => void;
  /** `vscode:<id>`, in the order of the client that came last. */
  names(): readonly string[];
  /** Also of one that nobody lends at the moment: asking it says so, and may be tried again. */
  model(id: string, limits: { readonly idleTimeoutMs: number; readonly callTimeoutMs: number }): Model;
}

export function createLentModels(): LentModels {
  /** The latest last. */
  const lenders: Lender[] = [];
  return {
    lend: (lender) => {
      lenders.push(lender);
      return () => {
        const at = lenders.indexOf(lender);
        if (at >= 0) lenders.splice(at, 1);
      };
    },
    names: () => [...new Set(lenders.toReversed().flatMap(({ models }) => models.map(({ id }) => `${LENT_PROVIDER}:${id}`)))],
    model: (id, { idleTimeoutMs, callTimeoutMs }) => ({
      complete: async (request, ctx) => {
        const asked: Asked = { provider: LENT_PROVIDER, model: id, shownUrl: "VS Code", keyVariable: null };
        const lender = lenders.findLast(({ models }) => models.some((each) => each.id === id));
        if (lender === undefined)
          throw modelError(
            "model_unavailable",
            asked,
            "is lent by nobody at the moment: open this workspace in VS Code with Bosun's extension",
            {
              unreached: true,
            },
          );
        const clock = startCallClock(ctx.signal, idleTimeoutMs, callTimeoutMs);
        try {
          return replyOf(request, await completed(lender, request, { id, clock, ctx }), asked);
        } catch (error) {
          throw explained(error, clock, asked);
        } finally {
          clock.stop();
        }
      },
    }),
  };
}

async function completed(
  lender: Lender,
  request: ModelRequest,
  { id, clock, ctx }: { readonly id: string; readonly clock: CallClock; readonly ctx: ModelCallContext },
): Promise<unknown> {
  const { reply_schema: schema, tools, max_completion_tokens } = request;
  const messages = schema === null ? request.messages : withSchemaInPrompt(request.messages, schema);
  const onDelta = (text: string): void => {
    clock.touch();
    ctx.onDelta(text);
  };
  const gaveUp = new Promise<never>((_, reject) => {
    clock.signal.addEventListener("abort", () => reject(new BosunError("cancelled", "nobody waits any more")), { once: true });
  });
  const answer = lender.complete({ model: id, messages, tools, max_completion_tokens }, { signal: clock.signal, onDelta });
  // One that does not listen to the signal is not waited for.
  return Promise.race([answer, gaveUp]);
}

function replyOf(request: ModelRequest, answer: unknown, asked: Asked): ModelReply {
  const parsed = lentReplySchema.safeParse(answer);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw modelError(
      "model_unavailable",
      asked,
      `gave an answer that does not fit: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`,
    );
  }
  const { content, tool_calls = [], usage, finish_reason = tool_calls.length > 0 ? "tool_calls" : "stop" } = parsed.data;
  const message: AssistantMessage = { role: "assistant", content, ...(tool_calls.length === 0 ? {} : { tool_calls }) };
  return {
    message,
    model: asked.model,
    finish_reason,
    usage: usage === undefined ? estimateUsage(request, message, null) : { ...usage, cached_tokens: 0, usd: null, source: "reported" },
  };
}

function explained(error: unknown, clock: CallClock, asked: Asked): unknown {
  switch (clock.endedBy()) {
    case "cancelled":
      return new BosunError("cancelled", "the model call was cancelled");
    case "idle":
    case "total":
      return modelError("model_unavailable", asked, "did not answer in time");
    case null:
      return error instanceof BosunError && error.cause === undefined && isErrorValue(error)
        ? modelError(error.code, asked, error.message, { retryable: error.retryable })
        : error;
  }
}
