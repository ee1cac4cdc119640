/** No tokenizer that makes at most one token of a byte makes more tokens of a request than it is bounded by. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { createPromptBounds, promptBound } from "../../mcp-server/budget/prompt-bound.ts";
import type { ModelMessage, ModelRequest } from "../../shared/model.ts";

const text = fc.string({ unit: "binary", maxLength: 60 });
const call = fc.record({ id: text, name: text, arguments: text });
const message: fc.Arbitrary<ModelMessage> = fc.oneof(
  fc.record({ role: fc.constantFrom("system" as const, "user" as const), content: text }),
  fc.record({ role: fc.constant("assistant" as const), content: text, tool_calls: fc.array(call, { maxLength: 3 }) }),
  fc.record({ role: fc.constant("tool" as const), tool_call_id: text, content: text }),
);
const tools = fc.array(fc.record({ name: text, description: text, parameters: fc.constant({ type: "object" }) }), { maxLength: 2 });

/** Tokens for each byte of every text, and some around each message and each request. */
const tokenizer = fc.record({
  perByte: fc.double({ min: 0.01, max: 1, noNaN: true }),
  perMessage: fc.nat(8),
  perRequest: fc.nat(64),
  perTools: fc.nat(512),
});

function request(messages: readonly ModelMessage[], offers: ModelRequest["tools"]): ModelRequest {
  return {
    model: "m:m",
    purpose: "work",
    worker: "coder",
    run_id: "r",
    turn: 1,
    messages,
    tools: offers,
    reply_schema: null,
    max_completion_tokens: 100,
    traceparent: "",
  };
}

function count(
  { messages, tools: offers }: ModelRequest,
  by: { perByte: number; perMessage: number; perRequest: number; perTools: number },
) {
  const tokens = (said: string): number => Math.ceil(Buffer.byteLength(said) * by.perByte);
  const ofMessage = (one: ModelMessage): number => {
    const calls = one.role === "assistant" ? (one.tool_calls ?? []) : [];
    const id = one.role === "tool" ? tokens(one.tool_call_id) : 0;
    return (
      by.perMessage +
      tokens(one.content) +
      id +
      calls.reduce((sum, each) => sum + by.perMessage + tokens(each.id) + tokens(each.name) + tokens(each.arguments), 0)
    );
  };
  const ofTools = offers.length === 0 ? 0 : by.perTools + tokens(JSON.stringify(offers));
  return by.perRequest + ofTools + messages.reduce((sum, one) => sum + ofMessage(one), 0);
}

it("bounds what any such tokenizer counts, also after it was told what the beginning has", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(message, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 }),
      tools,
      tokenizer,
      (turns, offers, by) => {
        const bounds = createPromptBounds();
        let messages: readonly ModelMessage[] = [];
        for (const more of turns) {
          messages = [...messages, ...more];
          const asked = request(messages, offers);
          const truth = count(asked, by);
          expect(truth).toBeLessThanOrEqual(promptBound(asked));
          expect(truth).toBeLessThanOrEqual(bounds.bound(asked));
          bounds.learn(asked, { prompt_tokens: truth, completion_tokens: 1, cached_tokens: 0, usd: null, source: "reported" });
        }
      },
    ),
  );
});
