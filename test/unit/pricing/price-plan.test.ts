import { describe, expect, it } from "vitest";
import { pricePlan } from "../../../mcp-server/pricing/price-plan.ts";
import { pricing, steps } from "./pricing.ts";

const worker = pricing().worker;

describe("the price of a plan", () => {
  it("of one step is that step's, with the price of its tier's first model", () => {
    const { estimate, steps: priced } = pricePlan(steps(["a", "medium-4"]), pricing());
    expect(priced["a"]).toEqual({
      usd: 8,
      prompt_tokens: 4000,
      completion_tokens: 400,
      seconds: 4,
      source: "estimated",
      tier: "medium",
      model: "p:medium",
    });
    expect(estimate).toEqual({
      usd: 8,
      prompt_tokens: 4000,
      completion_tokens: 400,
      seconds: 4,
      source: "estimated",
      critical_path: ["a"],
      guessed: [],
    });
  });

  it("of several steps adds them up, with the call that puts the reports together", () => {
    const { estimate } = pricePlan(steps(["a", "small-2"], ["b", "large-3"], ["c", "medium-1", ["a", "b"]]), pricing());
    expect(estimate).toMatchObject({
      usd: 2 + 15 + 2 + 2,
      prompt_tokens: 7000,
      completion_tokens: 700,
      seconds: 3 + 1 + 1,
      critical_path: ["b", "c"],
    });
  });

  it("is unknown as soon as the price of one model is, and so marked; tokens and seconds are not", () => {
    const unpriced = pricing({ model: (tier) => (tier === "large" ? "p:new" : `p:${tier}`) });
    const { estimate, steps: priced } = pricePlan(steps(["a", "small-2"], ["b", "large-3"]), unpriced);
    expect(estimate).toMatchObject({ usd: null, source: "unknown", prompt_tokens: 6000, seconds: 4 });
    expect(priced["a"]).toMatchObject({ usd: 2, source: "estimated" });
    expect(priced["b"]).toMatchObject({ usd: null, source: "unknown", model: "p:new" });
  });

  it("is unknown where there is no model at all", () => {
    const { steps: priced } = pricePlan(steps(["a", "small-2"]), pricing({ model: () => null }));
    expect(priced["a"]).toMatchObject({ usd: null, model: null, prompt_tokens: 2000 });
  });

  it("leaves out what is there only for a failure, and what comes after that, though each step has its price", () => {
    const plan = steps(
      ["a", "medium-1"],
      ["mend", "large-9", [], { step: "a", is: "failed" }],
      ["after", "large-9", ["mend"]],
      ["well", "medium-1", [], { step: "a", is: "ok" }],
    );
    const { estimate, steps: priced } = pricePlan(plan, pricing());
    expect(estimate).toMatchObject({ prompt_tokens: 3000, critical_path: ["a", "well"] });
    expect(priced["mend"]).toMatchObject({ prompt_tokens: 9000 });
  });

  it("says once for each worker that it is a guess", () => {
    const guessing = pricing({ worker: (name, model) => ({ ...worker(name, model), guessed: name === "small-2" }) });
    expect(pricePlan(steps(["a", "small-2"], ["b", "small-2"], ["c", "medium-1"]), guessing).estimate.guessed).toEqual(["small-2"]);
  });

  it("counts the seconds of tools", () => {
    const slow = pricing({ worker: (name, model) => ({ ...worker(name, model), tool_seconds: 0.5 }) });
    expect(pricePlan(steps(["a", "small-2"]), slow).estimate.seconds).toBe(2.5);
  });
});
