import { describe, expect, it } from "vitest";
import { createPromptBounds, promptBound } from "../../../mcp-server/budget/prompt-bound.ts";
import type { ModelMessage, ModelRequest } from "../../../shared/model.ts";
import type { Usage } from "../../../shared/usage.ts";

const SYSTEM: ModelMessage = { role: "system", content: "s".repeat(1_000) };
const TASK: ModelMessage = { role: "user", content: "do it" };
const TOOLS: ModelRequest["tools"] = [{ name: "read_file", description: "reads", parameters: {} }];

function request(messages: readonly ModelMessage[], more: Partial<ModelRequest> = {}): ModelRequest {
  return {
    model: "openai:a",
    purpose: "work",
    worker: "coder",
    run_id: "r",
    turn: 1,
    messages,
    tools: TOOLS,
    reply_schema: null,
    max_completion_tokens: 100,
    traceparent: "",
    ...more,
  };
}

const usage = (promptTokens: number, source: Usage["source"] = "reported"): Usage => ({
  prompt_tokens: promptTokens,
  completion_tokens: 5,
  cached_tokens: 0,
  usd: null,
  source,
});

describe("the bound of a prompt", () => {
  const first = request([SYSTEM, TASK]);
  const grown = [SYSTEM, TASK, { role: "assistant", content: "abc" }, { role: "user", content: "and äö" }] as const;

  it("is all bytes where nothing is known", () => {
    expect(promptBound(request([TASK], { tools: [] }))).toBe(64 + 8 + 5);
    expect(promptBound(request([TASK], { tools: [], reply_schema: { name: "task_plan", schema: {} } }))).toBeGreaterThan(64 + 8 + 5 + 256);
    expect(promptBound(first)).toBeGreaterThan(1_500);
  });

  it("is what was reported for the beginning, and the bytes of what came after", () => {
    const bounds = createPromptBounds();
    bounds.learn(first, usage(300));
    expect(bounds.bound(first)).toBe(300);
    expect(bounds.bound(request(grown))).toBe(300 + (8 + 3) + (8 + 8));
  });

  it.each([
    ["another model", request(grown, { model: "openai:b" })],
    ["other tools", request(grown, { tools: [...TOOLS] })],
    ["a reply schema", request(grown, { reply_schema: { name: "task_output", schema: {} } })],
    ["another beginning that has its last message in common", request([{ ...SYSTEM }, ...grown.slice(1)])],
    ["the same words said again", request(grown.map((message) => ({ ...message })))],
  ])("takes nothing over for %s", (_what, other) => {
    const bounds = createPromptBounds();
    bounds.learn(first, usage(300));
    expect(bounds.bound(other)).toBe(promptBound(other));
  });

  it("learns from reports alone", () => {
    const bounds = createPromptBounds();
    bounds.learn(first, usage(300, "estimated"));
    bounds.learn(first, usage(0));
    expect(bounds.bound(first)).toBe(promptBound(first));
  });
});
