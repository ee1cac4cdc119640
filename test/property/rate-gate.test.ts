/** Many workers behind one gate against a simulated provider that takes R requests a minute: few refusals, and little room left unused. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { createRateGate } from "../../mcp-server/models/rate-gate.ts";
import { virtualTime, type VirtualTime } from "../support/virtual-time.ts";

interface Case {
  readonly workers: number;
  readonly perMinute: number;
  readonly latencyMs: number;
  /** `minute`, `second`: so many in each of the clock. `bucket`: filled again little by little. */
  readonly counts: "minute" | "second" | "bucket";
  /** How it tells of its limit. */
  readonly tells: "headers" | "retry-after" | "configured" | "nothing";
  /** Where in its minute it is at the start. */
  readonly phaseMs: number;
}

function provider({ perMinute, counts, tells, phaseMs }: Case, time: VirtualTime) {
  const windowMs = counts === "second" ? 1000 : 60_000;
  const limit = Math.max(1, Math.floor((perMinute * windowMs) / 60_000));
  let left = limit;
  let at = time.now() - phaseMs;
  const seen = { good: 0, refused: 0 };
  const refill = (): number => {
    const passed = time.now() - at;
    if (counts !== "bucket") {
      if (passed >= windowMs) [left, at] = [limit, at + Math.floor(passed / windowMs) * windowMs];
      return at + windowMs - time.now();
    }
    [left, at] = [Math.min(limit, left + (passed * limit) / windowMs), time.now()];
    return ((limit - left) * windowMs) / limit;
  };
  const answer = (): { status: number; headers: Headers } => {
    refill();
    const ok = left >= 1;
    if (ok) left -= 1;
    seen[ok ? "good" : "refused"] += 1;
    const resetMs = refill();
    const headers = new Headers();
    if (tells === "headers") {
      headers.set("x-ratelimit-limit-requests", String(limit));
      headers.set("x-ratelimit-remaining-requests", String(Math.floor(left)));
      headers.set("x-ratelimit-reset-requests", `${Math.floor(resetMs)}ms`);
    }
    if (!ok && tells === "retry-after") headers.set("retry-after", String(Math.ceil(resetMs / 1000)));
    return { status: ok ? 200 : 429, headers };
  };
  return { answer, seen };
}

async function run(at: Case, minutes: number): Promise<{ good: number; refused: number }> {
  const time = virtualTime();
  const { answer, seen } = provider(at, time);
  const limits = { rpm: at.tells === "configured" ? at.perMinute : null, tpm: null };
  const gate = createRateGate({ now: time.now, sleep: time.sleep, random: () => 0.5, limits: () => limits });
  const stop = new AbortController();
  const worker = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const pass = await gate.enter("p", { tokens: 10, signal: stop.signal });
      await time.sleep(at.latencyMs / 2);
      const { status, headers } = answer();
      await time.sleep(at.latencyMs / 2);
      pass.observe(status, headers);
      pass.leave();
    }
  };
  const all = Array.from({ length: at.workers }, () => worker().catch(() => undefined));
  await time.pass(minutes * 60_000);
  stop.abort();
  void all;
  return seen;
}

const anyCase = (tells: readonly Case["tells"][], counts: readonly Case["counts"][]) =>
  fc.record<Case>({
    workers: fc.integer({ min: 1, max: 40 }),
    perMinute: fc.integer({ min: 60, max: 200 }),
    latencyMs: fc.integer({ min: 50, max: 2000 }),
    counts: fc.constantFrom(...counts),
    tells: fc.constantFrom(...tells),
    phaseMs: fc.nat(59_000),
  });

const MINUTES = 10;
const possible = ({ workers, perMinute, latencyMs }: Case): number => Math.min(perMinute, (workers * 60_000) / latencyMs) * MINUTES;

it("is never refused after the first burst by a provider that tells its limit or whose limit is configured", { timeout: 60_000 }, () =>
  fc.assert(
    fc.asyncProperty(anyCase(["headers", "configured"], ["minute", "bucket"]), async (at) => {
      const { good, refused } = await run(at, MINUTES);
      expect(refused).toBeLessThanOrEqual(at.tells === "headers" ? at.workers : 0);
      expect(good).toBeGreaterThanOrEqual(0.8 * possible(at));
    }),
    { numRuns: 30 },
  ),
);

it("learns from Retry-After how much a provider takes", { timeout: 60_000 }, () =>
  fc.assert(
    fc.asyncProperty(anyCase(["retry-after"], ["minute", "bucket"]), async (at) => {
      const { good, refused } = await run(at, MINUTES);
      expect(refused).toBeLessThanOrEqual(at.workers + 0.15 * good);
      expect(good).toBeGreaterThanOrEqual(0.8 * possible(at));
    }),
    { numRuns: 20 },
  ),
);

it("makes no storm of refusals whatever a provider counts by and tells, and goes on", { timeout: 60_000 }, () =>
  fc.assert(
    fc.asyncProperty(anyCase(["headers", "retry-after", "nothing"], ["minute", "second", "bucket"]), async (at) => {
      const { good, refused } = await run(at, MINUTES);
      expect(refused).toBeLessThanOrEqual(at.workers + 0.2 * good);
      expect(good).toBeGreaterThanOrEqual(0.3 * possible(at));
    }),
    { numRuns: 30 },
  ),
);
