/** Caps and charges of model calls, with the real `ask_model` on the engine. */
import { describe, expect, it } from "vitest";
import { DEFAULT_CONFIG } from "../../../shared/config.ts";
import { BosunError } from "../../../shared/errors.ts";
import { NO_USAGE } from "../../../shared/usage.ts";
import { statusOf } from "../../../mcp-server/journal/fold-run.ts";
import { modelError } from "../../../mcp-server/models/model-failure.ts";
import type { Model } from "../../../mcp-server/models/port.ts";
import { createWords } from "../../../mcp-server/service/words.ts";
import { asking, REPLY } from "../../support/asking.ts";
import type { Parts } from "../../support/asking.ts";
import { gate, turns } from "../../support/bare-engine.ts";

const ASKED = { provider: "fake", model: "m", shownUrl: "http://x", keyVariable: null };
const NOTHING = { prompt_tokens: 0, completion_tokens: 0, cached_tokens: 0, usd: 0, source: "reported" };

it("parallel calls under a cap that holds each of them are all answered", async () => {
  const at = asking({ workers: 3, tokens: 4096 });
  const run = at.start({ budget: { tokens: 8000 } });
  await at.engine.settled(run);
  expect(statusOf(at.journal.run(run))).toBe("completed");
  expect(at.journal.run(run).usage).toMatchObject({ prompt_tokens: 15, completion_tokens: 15, source: "reported" });
  expect(at.journal.events(run).filter((event) => event.kind === "call-failed")).toEqual([]);
});

it("five parallel calls under a cap of less than what they set aside are all answered, without a resume", async () => {
  let sent = 0;
  const model: () => Model = () => ({ complete: async () => ((sent += 1), REPLY) });
  const at = asking({ workers: 5, tokens: 8192 }, { model });
  const run = at.start({ budget: { tokens: 32_000 } });
  await at.engine.settled(run);
  expect(statusOf(at.journal.run(run))).toBe("completed");
  expect(sent).toBe(5);
  expect(at.journal.run(run).usage.completion_tokens).toBe(25);
});

it("a call is sent with what the cap leaves, the next is refused, and a higher cap lets it through", async () => {
  const sizes: number[] = [];
  const model: () => Model = () => ({
    complete: async (request) => {
      sizes.push(request.max_completion_tokens);
      return { ...REPLY, usage: { ...REPLY.usage, completion_tokens: request.max_completion_tokens } };
    },
  });
  const at = asking({ workers: 2, tokens: 4096 }, { model });
  const run = at.start({ budget: { tokens: 1000 } });
  await at.engine.settled(run);
  expect(sizes).toHaveLength(1);
  const { usage } = at.journal.run(run);
  expect(usage.prompt_tokens + usage.completion_tokens).toBeLessThanOrEqual(1000);
  expect(statusOf(at.journal.run(run))).toBe("paused");
  at.engine.resume(run, "test");
  await at.engine.settled(run);
  expect(sizes).toHaveLength(1);
  expect(statusOf(at.journal.run(run))).toBe("paused");
  at.engine.resume(run, "test", { tokens: 10_000 });
  await at.engine.settled(run);
  expect(sizes).toEqual([sizes[0], 4096]);
  expect(statusOf(at.journal.run(run))).toBe("completed");
});

it("a person is told once of each cap that is used to four fifths", async () => {
  const alerts: string[] = [];
  const model = (): Model => ({
    complete: async (request) => ({ ...REPLY, usage: { ...REPLY.usage, completion_tokens: request.max_completion_tokens } }),
  });
  const at = asking({ workers: 8, tokens: 100, places: 1 }, { model, alert: (text) => alerts.push(text) });
  const run = at.start({ budget: { tokens: 900 } });
  await at.engine.settled(run);
  expect(alerts).toHaveLength(1);
  expect(alerts[0]).toMatch(/^run_\w+: \d\d % of the run's budget is used: \d{3} of 900 tokens$/);
});

it("a call that takes longer than a call may is given up, settled at what was set aside, and the run waits with the reason", async () => {
  const caps = { ...DEFAULT_CONFIG.budget, call: { usd: null, tokens: null, seconds: 0.02 } };
  const model = (): Model => ({
    complete: (_, { signal }) => new Promise((__, reject) => signal.addEventListener("abort", () => reject(new Error("aborted")))),
  });
  const at = asking({ workers: 1, tokens: 100 }, { model, caps: () => caps, retryMs: () => null });
  const run = at.start();
  await at.engine.settled(run);
  const { usage, waits } = at.journal.run(run);
  expect(statusOf(at.journal.run(run))).toBe("paused");
  expect(usage).toMatchObject({ completion_tokens: 100, source: "estimated" });
  expect(Object.values(waits).map(({ about }) => about.for === "hold" && about.error.code)).toEqual(["timeout"]);
});

it("a call that was never sent, for the model is not configured, is not charged", async () => {
  const at = asking(
    { workers: 1, tokens: 4096 },
    {
      model: () => {
        throw new BosunError("model_unavailable", "there is no key", { retryable: false });
      },
    },
  );
  const run = at.start();
  await at.engine.settled(run);
  expect(statusOf(at.journal.run(run))).toBe("paused");
  expect(at.journal.run(run).usage).toEqual(NOTHING);
});

it("a call that is refused because its price is unknown is not charged", async () => {
  let sent = 0;
  const at = asking({ workers: 1, tokens: 4096 }, { model: () => ({ complete: async () => ((sent += 1), REPLY) }) });
  const run = at.start({ budget: { usd: 1 } });
  await at.engine.settled(run);
  expect(statusOf(at.journal.run(run))).toBe("paused");
  expect(at.journal.run(run).usage).toEqual(NOTHING);
  expect(sent).toBe(0);
});

/** The first call fails, with nothing spent; all that are answered take as much as they may. */
function failingFirst(sizes: number[], failing: () => Promise<unknown>): Parts {
  let asked = 0;
  return {
    model: () => ({
      complete: async (request) => {
        asked += 1;
        if (asked === 1) {
          await failing();
          throw modelError("model_unavailable", ASKED, "busy", { retryable: true, usage: NO_USAGE });
        }
        sizes.push(request.max_completion_tokens);
        await new Promise((resolve) => setTimeout(resolve, 200));
        return { ...REPLY, usage: { ...REPLY.usage, completion_tokens: request.max_completion_tokens } };
      },
    }),
  };
}

it("a call that is tried again leaves alone what a call that began meanwhile may spend", async () => {
  const sizes: number[] = [];
  const at = asking({ workers: 2, tokens: 1000 }, failingFirst(sizes, turns));
  const run = at.start({ budget: { tokens: 1000 } });
  await at.engine.settled(run);
  const { usage } = at.journal.run(run);
  expect(usage.prompt_tokens + usage.completion_tokens).toBeLessThanOrEqual(1000);
  expect(sizes).toHaveLength(1);
});

it("a call that has its place does not wait for one that was tried again and waits for a place", async () => {
  const sizes: number[] = [];
  const urgent = gate();
  const at = asking(
    { workers: 2, tokens: 1000, places: 1 },
    failingFirst(sizes, () => urgent.passed),
  );
  const run = at.start({ budget: { tokens: 1000 } });
  await turns();
  // It has the one place from when the first call has failed until after that is tried again.
  const other = at.start({ priority: "high" });
  await turns();
  urgent.open(1);
  await at.engine.settled(run);
  await at.engine.settled(other);
  expect(sizes).toHaveLength(3);
});

describe("the error of a budget that is spent", () => {
  const priced: Parts = {
    price: () => ({ in: 1_000, out: 1_000 }),
  };
  async function refused(budget: { readonly tokens?: number; readonly usd?: number }, parts: Parts = {}) {
    const at = asking({ workers: 1, tokens: 4096 }, parts);
    const run = at.start({ budget });
    await at.engine.settled(run);
    const failed = at.journal.events(run).find((event) => event.kind === "call-failed");
    if (failed?.kind !== "call-failed") throw new Error("nothing was refused");
    const message = createWords(at.journal.blobs).error(failed.data.error).message;
    return { at, run, message };
  }

  it("names a cap that lets the next call through, and one less does not", async () => {
    const { at, run, message } = await refused({ tokens: 3 });
    const least = Number(/the cap must be (\d+) tokens at least/u.exec(message)?.[1]);
    expect(message).toContain(`\`bosun resume ${run} --budget-tokens N\``);
    expect(message).not.toContain("usd");
    at.engine.resume(run, "test", { tokens: least - 1 });
    await at.engine.settled(run);
    expect(statusOf(at.journal.run(run))).toBe("paused");
    at.engine.resume(run, "test", { tokens: least });
    await at.engine.settled(run);
    expect(statusOf(at.journal.run(run))).toBe("completed");
  });

  it("names only the cap that was hit", async () => {
    const { at, run, message } = await refused({ tokens: 100_000, usd: 0.001 }, priced);
    const least = Number(/the cap must be \$([\d.]+) at least/u.exec(message)?.[1]);
    expect(message).toContain(`\`bosun resume ${run} --budget-usd N\``);
    expect(message).not.toContain("--budget-tokens");
    at.engine.resume(run, "test", { usd: least });
    await at.engine.settled(run);
    expect(statusOf(at.journal.run(run))).toBe("completed");
  });
});
