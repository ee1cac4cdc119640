/** Versions, flags and divergence: what a newer or an older program may do with a run. */
import { expect } from "vitest";
import { gate, never, turns } from "../../support/bare-engine.ts";
import type { Fn } from "./harness.ts";
import { refusal } from "./suite.ts";
import type { Suite } from "./suite.ts";

const flagged: Fn = async (ctx) => {
  await ctx.call("look", ctx.flag(1) ? "new way" : "old way");
  await ctx.signal("s", null, { for: "timer" });
  await ctx.call("look", [ctx.flag(1), ctx.flag(2)]);
  return { ok: true, value: [ctx.flag(1), ctx.flag(2)] };
};

/** Reads, pays for nothing, and stops at a signal in the middle. */
const original: Fn = async (ctx) => {
  await ctx.call("look", 1);
  await ctx.signal("s", null, { for: "timer" });
  await ctx.call("look", 2);
  return { ok: true, value: "original" };
};

const CHANGED: Readonly<Record<string, Fn>> = {
  "another activity": async (ctx) => {
    await ctx.call("other", 1);
    await ctx.signal("s", null, { for: "timer" });
    return { ok: true, value: 1 };
  },
  "another input": async (ctx) => {
    await ctx.call("look", 7);
    await ctx.signal("s", null, { for: "timer" });
    return { ok: true, value: 1 };
  },
  "a command that is missing": async (ctx) => {
    await ctx.call("look", 1);
    return { ok: true, value: 1 };
  },
  "a command that never comes": async (ctx) => {
    await ctx.call("look", 1);
    return never();
  },
  "an extra command": async (ctx) => {
    await ctx.call("look", 1);
    await ctx.call("look", "extra");
    await ctx.signal("s", null, { for: "timer" });
    return { ok: true, value: 1 };
  },
  "another order": async (ctx) => {
    await ctx.signal("s", null, { for: "timer" });
    await ctx.call("look", 1);
    return { ok: true, value: 1 };
  },
};

export function versionCases(suite: Suite): void {
  suite.it("a run keeps the flags that it began with when a newer program drives it on", async (open) => {
    const at = open({ w: { version: 1, flags: [1], fn: flagged } }, { look: {} });
    const run = at.start();
    await at.rest(run);
    const newer = { w: { version: 2, flags: [1, 2], fn: flagged } };
    at.crash(newer, { look: {} });
    at.engine.signal(run, "s", 1);
    await at.ends(run, [true, false]);
    const next = at.start();
    await at.rest(next);
    at.engine.signal(next, "s", 1);
    await at.ends(next, [true, true]);
    expect(at.events(next)[0]?.data).toMatchObject({ version: 2, flags: [1, 2] });
  });

  for (const [what, older] of [
    ["of a newer version", { version: 1, flags: [1], fn: flagged }],
    ["with a flag that is not known", { version: 2, flags: [], fn: flagged }],
  ] as const)
    suite.it(`a run ${what} is held with a clear error, nothing of it is executed, and the newer program goes on with it`, async (open) => {
      let looked = 0;
      const look = { look: { run: async () => (looked += 1) } };
      const newer = { w: { version: 2, flags: [1], fn: flagged } };
      const at = open(newer, look);
      const run = at.start();
      await at.rest(run);
      at.crash({ w: older }, look);
      at.engine.signal(run, "s", 1);
      expect(await at.rest(run)).toBe("paused");
      expect(at.trouble(run)).toMatch(/newer Bosun/u);
      expect(looked).toBe(1);
      expect(await refusal(() => at.engine.fork(run, { at: 1 }))).toBe("internal");
      at.engine.resume(run, "person");
      expect(await at.rest(run)).toBe("paused");
      at.crash(newer, look);
      at.engine.resume(run, "person");
      await at.ends(run, [true, false]);
      expect(looked).toBe(2);
    });

  for (const [what, fn] of Object.entries(CHANGED))
    suite.it(`a program that would do otherwise (${what}) holds the run, executes nothing, and the right one goes on`, async (open) => {
      const ran: unknown[] = [];
      const look = { look: { run: async (input: unknown) => (ran.push(input), input) }, other: { run: async () => ran.push("other") } };
      const at = open(original, look);
      const run = at.start();
      await at.rest(run);
      expect(ran).toEqual([1]);
      at.crash(fn, look);
      at.engine.signal(run, "s", 1);
      expect(await at.rest(run), what).toBe("paused");
      expect(at.trouble(run)).toMatch(/^internal: .*would do something else than the journal has at event \d+/u);
      expect(ran).toEqual([1]);
      expect((await at.engine.replay(run)).ok).toBe(false);
      at.crash(original, look);
      at.engine.resume(run, "person");
      await at.ends(run, "original");
      expect(ran).toEqual([1, 2]);
    });

  suite.it("a call that was under way when the program changed is not begun by the one that does not ask for it", async (open) => {
    const ran: unknown[] = [];
    const door = gate();
    const look = { look: { run: (input: unknown) => (ran.push(input), door.passed) } };
    const at = open(original, look);
    const run = at.start();
    await at.untilTold(run, "call-started look:0");
    at.crash(async () => ({ ok: true, value: "nothing to do" }), look);
    expect(await at.rest(run)).toBe("paused");
    await turns();
    expect(ran).toEqual([1]);
  });

  suite.it("an activity of another version is another activity", async (open) => {
    const at = open(original, { look: {} });
    const run = at.start();
    await at.rest(run);
    at.crash(original, { look: { version: 2 } });
    at.engine.signal(run, "s", 1);
    expect(await at.rest(run)).toBe("paused");
    expect(at.trouble(run)).toContain("look@1");
  });
}
