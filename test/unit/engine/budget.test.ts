/** Caps and charges of model calls, with the real `ask_model` on the engine. */
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { DurableFunction } from "../../../shared/durable.ts";
import { DEFAULT_CONFIG } from "../../../shared/config.ts";
import { BosunError } from "../../../shared/errors.ts";
import type { ModelReply } from "../../../shared/model.ts";
import { createAskModel, MODEL_POOL } from "../../../mcp-server/activities/ask-model.ts";
import { createModelBudget } from "../../../mcp-server/activities/model-budget.ts";
import { createModelDesk } from "../../../mcp-server/models/desk.ts";
import { createModelHealth } from "../../../mcp-server/models/model-health.ts";
import type { Model } from "../../../mcp-server/models/port.ts";
import { createRateGate } from "../../../mcp-server/models/rate-gate.ts";
import { statusOf } from "../../../mcp-server/journal/fold-run.ts";
import type { Journal } from "../../../mcp-server/journal/port.ts";
import { createWords } from "../../../mcp-server/service/words.ts";
import type { SupervisorActivities } from "../../../mcp-server/supervisor/activities.ts";
import { modelError } from "../../../mcp-server/models/model-failure.ts";
import { NO_USAGE } from "../../../shared/usage.ts";
import { ask } from "../../../mcp-server/supervisor/ask.ts";
import type { Activities, BareEngine, Fn } from "../../support/bare-engine.ts";
import { gate, openBareEngine, turns } from "../../support/bare-engine.ts";

const REPLY: ModelReply = {
  message: { role: "assistant", content: "x" },
  model: "m",
  finish_reason: "stop",
  usage: { prompt_tokens: 5, completion_tokens: 5, cached_tokens: 0, usd: null, source: "reported" },
};

interface Parts {
  readonly model?: () => Model;
  readonly price?: (name: string) => { readonly in: number; readonly out: number } | null;
}

const ANSWERS = (): Model => ({
  complete: async () => {
    await turns(2);
    return REPLY;
  },
});

/** So many workers ask a model at once, for up to so many tokens each. */
function asking(at: { readonly workers: number; readonly tokens: number; readonly places?: number }, parts: Parts = {}): BareEngine {
  const fn: DurableFunction<SupervisorActivities, unknown, unknown> = async (ctx) => {
    const answers = await Promise.all(
      Array.from({ length: at.workers }, (_, index) =>
        ctx.branch(`step:${index}`, (inner) =>
          ask(inner, {
            purpose: "work",
            worker: "coder",
            models: ["fake:m"],
            turn: 1,
            transcript: inner.chain([{ role: "user", content: `hello ${index}` }]),
            tools: null,
            reply_schema: null,
            max_completion_tokens: at.tokens,
          }),
        ),
      ),
    );
    return { ok: true, value: answers.map((answer) => answer.ok) };
  };
  const activities = (journal: Journal): Activities => ({
    ask_model: {
      ...createAskModel({
        journal,
        desk: createModelDesk({
          catalogue: { models: () => [], unitPrice: () => null, model: parts.model ?? ANSWERS },
          health: createModelHealth({ now: Date.now }),
          gate: createRateGate({ now: Date.now, sleep: (ms, signal) => delay(ms, undefined, { signal }), random: () => 0 }),
          now: Date.now,
        }),
        budget: createModelBudget({
          journal,
          price: parts.price ?? (() => null),
          caps: () => DEFAULT_CONFIG.budget,
          ledger: () => {
            throw new Error("the day has no cap");
          },
          workspace: "w",
          until: () => 0,
        }),
        checkReply: () => ({ ok: true, data: null }),
        maxAttempts: () => 3,
        random: () => 0,
      }),
      retryDelayMs: ({ retryable }, { attempt: failed }) => (retryable && failed < 3 ? 80 : null),
    },
  });
  return openBareEngine(fn as Fn, activities, at.places === undefined ? {} : { limits: { pools: { [MODEL_POOL]: at.places } } });
}

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
