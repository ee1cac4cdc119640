import { describe, expect, it } from "vitest";
import type { Measured, Sum, WorkerSum } from "../../../mcp-server/journal/learn-priors.ts";
import { createPriors, latestPriors } from "../../../mcp-server/pricing/priors.ts";

const NOTHING: Measured = {
  workers: new Map(),
  models: new Map(),
  tools: new Map(),
  synthesis: { count: 0, seconds: 0, prompt_tokens: 0, completion_tokens: 0 },
};

function coder(over: Partial<WorkerSum> = {}): Measured {
  const sum: WorkerSum = {
    steps: 4,
    count: 20,
    seconds: 60,
    prompt_tokens: 40_000,
    completion_tokens: 4000,
    toolSeconds: 8,
    models: new Map(),
    ...over,
  };
  return { ...NOTHING, workers: new Map([["coder", sum]]) };
}

const sums = (entries: Readonly<Record<string, Sum>>): ReadonlyMap<string, Sum> => new Map(Object.entries(entries));

describe("what a step of a worker takes", () => {
  it("is what the steps of that worker took here on the average", () => {
    expect(createPriors(coder()).worker("coder", [], "p:m")).toEqual({
      calls: 5,
      prompt_tokens: 2000,
      completion_tokens: 200,
      seconds: 3,
      tool_seconds: 2,
      guessed: false,
    });
  });

  it("is a guess with fewer than three of its steps", () => {
    expect(createPriors(coder({ steps: 2 })).worker("coder", ["read_file"], null)).toMatchObject({
      calls: 8,
      prompt_tokens: 9000,
      completion_tokens: 450,
      guessed: true,
    });
    expect(createPriors(NOTHING).worker("coder", [], null)).toMatchObject({ seconds: 9, guessed: true });
  });

  it("is a guess for a worker that nobody knows, whatever it is called", () => {
    for (const name of ["toString", "__proto__", "my-own"])
      expect(createPriors(NOTHING).worker(name, [], null)).toMatchObject({ calls: 7, guessed: true });
  });

  it("takes the time of its own calls at the model, else of any call at the model, else of its own at others", () => {
    const at = { models: sums({ "p:m": { count: 3, seconds: 6 }, "p:rare": { count: 2, seconds: 200 } }) };
    const priors = createPriors({ ...coder(at), models: sums({ "p:m": { count: 9, seconds: 9 }, "p:other": { count: 3, seconds: 30 } }) });
    expect(priors.worker("coder", [], "p:m").seconds).toBe(2);
    expect(priors.worker("coder", [], "p:other").seconds).toBe(10);
    expect(priors.worker("coder", [], "p:rare").seconds).toBe(3);
  });

  it("guesses the time of its tools from what each of them took here", () => {
    const priors = createPriors({ ...NOTHING, tools: sums({ slow: { count: 3, seconds: 6 }, rare: { count: 1, seconds: 100 } }) });
    expect(priors.worker("coder", ["slow"], null).tool_seconds).toBe(18);
    expect(priors.worker("coder", ["rare"], null).tool_seconds).toBeCloseTo(0.45);
    expect(priors.worker("coder", [], null).tool_seconds).toBe(0);
  });
});

describe("putting reports together", () => {
  it("takes what it took here, else what one guesses", () => {
    const synthesis = { count: 3, seconds: 12, prompt_tokens: 3000, completion_tokens: 900 };
    expect(createPriors({ ...NOTHING, synthesis }).synthesis(null)).toEqual({ prompt_tokens: 1000, completion_tokens: 300, seconds: 4 });
    expect(createPriors(NOTHING).synthesis(null)).toEqual({ prompt_tokens: 2500, completion_tokens: 600, seconds: 11.5 });
  });
});

describe("the latest priors", () => {
  it("are measured when they are asked for, and again after a minute", () => {
    let [time, measured] = [1_000_000, 0];
    const priors = latestPriors({ measure: () => ((measured += 1), NOTHING), now: () => time });
    expect(measured).toBe(0);
    const first = priors();
    time += 59_999;
    expect(priors()).toBe(first);
    time += 1;
    expect(priors()).not.toBe(first);
    expect(measured).toBe(2);
  });

  it("are measured again when the clock was put back", () => {
    let [time, measured] = [1_000_000, 0];
    const priors = latestPriors({ measure: () => ((measured += 1), NOTHING), now: () => time });
    priors();
    time = 0;
    priors();
    expect(measured).toBe(2);
  });
});
