import fc from "fast-check";
import { expect, it } from "vitest";
import type { ModelMessage, ModelRequest } from "../../../shared/model.ts";
import { chatBody } from "../../../mcp-server/models/chat-request.ts";
import { dialectOf } from "../../../mcp-server/models/dialect.ts";
import { TASK_PLAN } from "../../../mcp-server/models/reply-schema.ts";
import { createToolRegistry, toolOffers } from "../../../mcp-server/tools/registry.ts";
import { modelRequest } from "./model-request.ts";

const text = (request: ModelRequest): string => JSON.stringify(chatBody(request, "m", dialectOf("http://strange", "m")));
const tools = toolOffers(createToolRegistry(), ["read_file", "search_text"]);

it("a conversation that goes on begins with the bytes of the request before, whatever is left of a budget", () => {
  const call = fc.record({ id: fc.string(), name: fc.string(), arguments: fc.string() });
  const message = fc.oneof(
    fc.record({ role: fc.constant("user" as const), content: fc.string() }),
    fc.record({ role: fc.constant("assistant" as const), content: fc.string(), tool_calls: fc.array(call, { maxLength: 2 }) }),
    fc.record({ role: fc.constant("tool" as const), tool_call_id: fc.string(), content: fc.string() }),
  );
  const said = fc.array(message, { minLength: 1, maxLength: 5 });
  const limit = fc.nat(10_000);
  fc.assert(
    fc.property(said, said, limit, limit, fc.boolean(), (before, after: ModelMessage[], first, second, shaped) => {
      const messages: ModelMessage[] = [{ role: "system", content: "You are the coder worker" }, ...before];
      const same = { tools, reply_schema: shaped ? TASK_PLAN : null };
      const one = text(modelRequest({ ...same, messages, max_completion_tokens: first, turn: 1 }));
      const next = text(modelRequest({ ...same, messages: [...messages, ...after], max_completion_tokens: second, turn: 2 }));
      const begins = one.slice(0, one.lastIndexOf("]"));
      expect(next.slice(0, begins.length)).toBe(begins);
    }),
  );
});
