/** A cancel holds from the moment it is in the journal. */
import { describe, expect, it } from "vitest";
import { createWords } from "../../../mcp-server/service/words.ts";
import { statusOf } from "../../../mcp-server/journal/fold-run.ts";
import type { Fn } from "../../support/bare-engine.ts";
import { eventsOf, gate, never, openBareEngine, turns } from "../../support/bare-engine.ts";

/** Asks for this once somebody says go. */
const afterGo =
  (activity: string): Fn =>
  async (ctx) => {
    await ctx.signal("go", null, { for: "timer" });
    await ctx.call(activity, 1);
    return { ok: true, value: 1 };
  };

describe("a cancel", () => {
  it("lets no effect begin that is asked for after it", async () => {
    let ran = 0;
    const at = openBareEngine(afterGo("write"), { write: { kind: "effect", run: async () => (ran += 1) } });
    const run = at.start();
    await at.engine.settled(run);
    at.engine.signal(run, "go", 1);
    at.engine.cancel(run, "test");
    await at.engine.settled(run);
    expect(ran).toBe(0);
    expect(eventsOf(at.journal, run)).toEqual(["run-started", "wait-started wait:0", "signal-received", "cancel-requested", "run-ended"]);
    expect(await at.engine.replay(run)).toMatchObject({ ok: true });
  });

  it("lets no paid call begin that is asked for after it, and charges nothing", async () => {
    let ran = 0;
    const at = openBareEngine(afterGo("pay"), {
      pay: {
        kind: "paid",
        admit: () => ({ reserve: { prompt_tokens: 1, completion_tokens: 1000, usd: null } }),
        run: async () => (ran += 1),
      },
    });
    const run = at.start();
    await at.engine.settled(run);
    at.engine.signal(run, "go", 1);
    at.engine.cancel(run, "test");
    await at.engine.settled(run);
    expect(ran).toBe(0);
    expect(at.journal.run(run).usage).toMatchObject({ prompt_tokens: 0, completion_tokens: 0 });
  });

  it("lets an effect under way finish, and refuses every decision meanwhile", async () => {
    const written = gate();
    const fn: Fn = async (ctx) => {
      await Promise.all([ctx.call("write", 1), ctx.signal("approval:x", null, { for: "approval", approval_id: "x" })]);
      return { ok: true, value: 1 };
    };
    const at = openBareEngine(fn, { write: { kind: "effect", run: () => written.passed } });
    const run = at.start();
    await expect.poll(() => eventsOf(at.journal, run)).toContain("wait-started wait:0");
    at.engine.cancel(run, "test");
    expect(() => at.engine.signal(run, "approval:x", { decision: "approve" })).toThrow(/is being cancelled/u);
    await turns();
    expect(() => at.engine.signal(run, "approval:x", { decision: "approve" })).toThrow(/is being cancelled/u);
    written.open(1);
    await at.engine.settled(run);
    expect(statusOf(at.journal.run(run))).toBe("cancelled");
    expect(eventsOf(at.journal, run).slice(-2)).toEqual(["call-completed write:0", "run-ended"]);
  });

  it("says in the journal that nobody knows whether an effect of the run happened", async () => {
    const fn: Fn = async (ctx) => ({ ok: true, value: await ctx.call("write", 1) });
    const at = openBareEngine(fn, { write: { kind: "effect", run: never } });
    const run = at.start();
    await expect.poll(() => eventsOf(at.journal, run)).toContain("call-started write:0");
    const next = at.again(fn, { write: { kind: "effect", probe: async () => ({ state: "uncertain", why: "who knows" }) } });
    next.engine.recover();
    await next.engine.settled(run);
    expect(statusOf(next.journal.run(run))).toBe("paused");
    next.engine.cancel(run, "test");
    await next.engine.settled(run);
    const failed = next.journal.events(run).find((event) => event.kind === "call-failed");
    if (failed?.kind !== "call-failed") throw new Error("the effect has no outcome");
    expect(createWords(next.journal.blobs).error(failed.data.error)).toMatchObject({
      code: "uncertain_effect",
      message: expect.stringContaining("who knows") as string,
    });
    expect(eventsOf(next.journal, run).slice(-2)).toEqual(["call-failed write:0", "run-ended"]);
  });
});
