/** Whatever happens, a provider that keeps to its limits is never paid more than a cap allows. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { NO_USAGE } from "../../shared/usage.ts";
import { statusOf } from "../../mcp-server/journal/fold-run.ts";
import { modelError } from "../../mcp-server/models/model-failure.ts";
import type { Model } from "../../mcp-server/models/port.ts";
import { askers } from "../support/asking.ts";
import { openBareEngine, turns } from "../support/bare-engine.ts";

const ASKED = { provider: "fake", model: "m", shownUrl: "http://x", keyVariable: null };
/** US dollars per token, in and out. */
const PRICE = { in: 1, out: 3 };

/** Numbers from 0 to 1 that are the same for the same seed. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Bill {
  tokens: number;
  usd: number;
  calls: number;
}

/** Uses what it likes of what it may, fails in some calls with and without a bill, and never answers some. */
function provider(random: () => number, bill: Bill): () => Model {
  return () => ({
    complete: async (request, { signal }) => {
      const bytes = request.messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
      const prompt = Math.ceil(bytes * random());
      const completion = Math.floor(request.max_completion_tokens * random());
      const charge = (): void => {
        bill.tokens += prompt + completion;
        bill.usd += (prompt * PRICE.in + completion * PRICE.out) / 1_000_000;
        bill.calls += 1;
      };
      await turns(Math.floor(random() * 6));
      const fate = random();
      if (fate < 0.1) throw modelError("model_unavailable", ASKED, "busy", { retryable: true, usage: NO_USAGE });
      charge();
      if (fate < 0.2) throw modelError("model_unavailable", ASKED, "cut off", { retryable: true, usage: null });
      if (fate < 0.25) await new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
      const usd = (prompt * PRICE.in + completion * PRICE.out) / 1_000_000;
      const usage = { prompt_tokens: prompt, completion_tokens: completion, cached_tokens: 0, usd, source: "reported" as const };
      return { message: { role: "assistant", content: "x" }, model: "m", finish_reason: "stop", usage };
    },
  });
}

it("twenty workers side by side, with failures, silence and kills, never spend more than the run's caps, and nothing stays set aside", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        seed: fc.integer(),
        workers: fc.integer({ min: 1, max: 20 }),
        tokens: fc.integer({ min: 1, max: 4_000 }),
        capTokens: fc.option(fc.integer({ min: 1, max: 30_000 })),
        capUsd: fc.option(fc.double({ min: 0.000_01, max: 0.05, noNaN: true })),
        kills: fc.integer({ min: 0, max: 3 }),
      }),
      async ({ seed, workers, tokens, capTokens, capUsd, kills }) => {
        const random = numbers(seed);
        const bill: Bill = { tokens: 0, usd: 0, calls: 0 };
        const { fn, activities } = askers(
          { workers, tokens },
          { model: provider(random, bill), price: () => PRICE, retryMs: (n) => (n < 4 ? 1 : null) },
        );
        let at = openBareEngine(fn, activities);
        const run = at.start({
          budget: { ...(capTokens === null ? {} : { tokens: capTokens }), ...(capUsd === null ? {} : { usd: capUsd }) },
        });
        const holds = (): void => {
          const { usage } = at.journal.run(run);
          if (capTokens !== null) {
            expect(bill.tokens).toBeLessThanOrEqual(capTokens);
            expect(usage.prompt_tokens + usage.completion_tokens).toBeLessThanOrEqual(capTokens);
          }
          if (capUsd !== null) {
            expect(bill.usd).toBeLessThanOrEqual(capUsd * (1 + 1e-9));
            expect(usage.usd ?? 0).toBeLessThanOrEqual(capUsd * (1 + 1e-9));
          }
        };
        for (let kill = 0; kill < kills; kill += 1) {
          await turns(Math.floor(random() * 60));
          // Another owner takes over; the one before finds out at its next write.
          at = at.again(fn, activities);
          holds();
          at.engine.recover();
        }
        await turns(400);
        holds();
        if (at.journal.run(run).ended === null) at.engine.cancel(run, "test");
        await at.engine.settled(run);
        holds();
        expect(Object.keys(at.journal.run(run).open)).toEqual([]);
        expect(["cancelled", "completed"]).toContain(statusOf(at.journal.run(run)));
        await at.close();
      },
    ),
    { numRuns: Number(process.env["BUDGET_RUNS"] ?? 60) },
  );
}, 120_000);
