import { describe, expect, it } from "vitest";
import type { PlanEstimate, StepEstimate } from "../../../shared/estimate.ts";
import { plainText } from "../../../mcp-server/cli/render/line.ts";
import { estimateWords, planLines } from "../../../mcp-server/cli/render/plan-lines.ts";
import { runView, step } from "./views.ts";

const priced = (over: Partial<StepEstimate> = {}): StepEstimate => ({
  usd: 0.018,
  prompt_tokens: 48_000,
  completion_tokens: 2400,
  seconds: 42.5,
  source: "estimated",
  tier: "medium",
  model: "openai:gpt-5-mini",
  ...over,
});

const total = (over: Partial<PlanEstimate> = {}): PlanEstimate => ({
  usd: 0.0322,
  prompt_tokens: 98_500,
  completion_tokens: 5400,
  seconds: 95,
  source: "estimated",
  critical_path: ["look", "mend"],
  guessed: [],
  ...over,
});

const text = (...given: Parameters<typeof planLines>): string =>
  planLines(...given)
    .map(plainText)
    .join("\n");

describe("a plan with its price", () => {
  it("shows worker, tier, model, tokens, money and time of each step, and what it comes to", () => {
    const steps = [
      step("look", "researcher", { estimate: priced({ tier: "small", model: "openai:gpt-5-nano", usd: 0.0012 }) }),
      step("mend", "coder", { depends_on: ["look"], estimate: priced() }),
    ];
    expect(text({ steps, estimate: total() })).toBe(
      [
        "1. look › researcher: do look",
        "   small tier, openai:gpt-5-nano · 48,000 + 2,400 tokens · about $0.0012 · 42.5 s",
        "2. mend › coder (after look): do mend",
        "   medium tier, openai:gpt-5-mini · 48,000 + 2,400 tokens · about $0.0180 · 42.5 s",
        "In all 98,500 + 5,400 tokens · about $0.0322 · 1 m 35 s · longest way: look → mend",
      ].join("\n"),
    );
  });

  it("says that a cost is unknown, that there is no model, and for whom it is a guess", () => {
    const steps = [step("mend", "coder", { estimate: priced({ usd: null, source: "unknown", model: null }) })];
    expect(text({ steps, estimate: total({ usd: null, source: "unknown", guessed: ["coder", "my\u001B[31m"] }) })).toBe(
      [
        "1. mend › coder: do mend",
        "   medium tier, no model · 48,000 + 2,400 tokens · cost unknown · 42.5 s",
        "In all 98,500 + 5,400 tokens · cost unknown · 1 m 35 s",
        "A guess for coder, my⟨U+001B⟩[31m: fewer than 3 of their steps were measured in this workspace.",
      ].join("\n"),
    );
  });

  it("shows a plan that could not be priced without a word about it", () => {
    expect(text({ steps: [step("mend", "coder")], estimate: null })).toBe("1. mend › coder: do mend");
  });
});

describe("an estimate beside what it came to", () => {
  const actual = { usd: 0.0161, prompt_tokens: 80_100, completion_tokens: 4000, seconds: 71.2, source: "reported" as const };
  const estimate = { ...total(), actual };

  it("is told in one line, and grows while the run is under way", () => {
    const words = "estimated 98,500 + 5,400 tokens, about $0.0322, 1 m 35 s";
    expect(estimateWords(runView({ estimate, finished_at: "2026-01-02T03:04:05.000Z" }))).toBe(
      `${words}; was 80,100 + 4,000 tokens, $0.0161, 1 m 11 s`,
    );
    expect(estimateWords(runView({ estimate }))).toBe(`${words}; so far 80,100 + 4,000 tokens, $0.0161, 1 m 11 s`);
  });

  it("says that it was a guess, and what nobody knows", () => {
    const unknown = { ...total({ guessed: ["coder"] }), actual: { ...actual, usd: null } };
    expect(estimateWords(runView({ estimate: unknown }))).toBe(
      "estimated 98,500 + 5,400 tokens, about $0.0322, 1 m 35 s (a guess); so far 80,100 + 4,000 tokens, cost unknown, 1 m 11 s",
    );
  });

  it("stands alone for a run that only plans, and is missing where nothing was reckoned", () => {
    expect(estimateWords(runView({ estimate, workflow: "plan" }))).toBe("estimated 98,500 + 5,400 tokens, about $0.0322, 1 m 35 s");
    expect(estimateWords(runView())).toBeNull();
  });
});
