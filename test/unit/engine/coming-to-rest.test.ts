/** What still begins, and what does not, while a run or the engine comes to rest. */
import { expect, it, vi } from "vitest";
import { BosunError } from "../../../shared/errors.ts";
import { statusOf } from "../../../mcp-server/journal/fold-run.ts";
import type { Fn } from "../../support/bare-engine.ts";
import { eventsOf, gate, openBareEngine, turns } from "../../support/bare-engine.ts";

const writes: Fn = async (ctx) => {
  const done = await ctx.call("write", 1);
  return { ok: true, value: done.ok };
};

it("a held run is not at work, whatever an earlier life left open in it", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    const fn: Fn = async (ctx) => (await ctx.call("work", 1), { ok: true, value: 1 });
    const other: Fn = async (ctx) => (await ctx.call("work", 2), { ok: true, value: 1 });
    const at = openBareEngine(fn, { work: { run: () => new Promise(() => undefined) } });
    const run = at.start({ budget: { seconds: 60 } });
    await turns();
    at.engine.flush();
    const next = at.again(other, {});
    next.engine.recover();
    await next.engine.settled(run);
    expect(statusOf(next.journal.run(run))).toBe("paused");
    vi.setSystemTime(Date.now() + 3_600_000);
    next.engine.resume(run, "test");
    await next.engine.settled(run);
    expect(next.journal.run(run).active_ms).toBeLessThan(60_000);
  } finally {
    vi.useRealTimers();
  }
});
