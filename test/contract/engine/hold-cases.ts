/** Holds, caps, and time at work. */
import { expect } from "vitest";
import { gate, never, turns } from "../../support/bare-engine.ts";
import type { Fn } from "./harness.ts";
import { paid } from "./suite.ts";
import type { Suite } from "./suite.ts";

const MINUTE = 60_000;

const holds: Fn = async (ctx) => {
  await Promise.all(
    ["a", "b"].map((name) =>
      ctx.branch(name, (inner) => inner.hold({ code: "budget_exceeded", message: `${name} is out`, retryable: false })),
    ),
  );
  await ctx.call("echo", 1);
  return { ok: true, value: 1 };
};

/** Works, waits for a person, works again. */
const works: Fn = async (ctx) => {
  const first = await ctx.call("work", 1);
  await ctx.signal("go", null, { for: "timer" });
  const second = await ctx.call("work", 2);
  return { ok: true, value: [first.ok, second.ok] };
};

export function holdCases(suite: Suite): void {
  suite.it("a hold shows its error until a resume, which opens every hold and raises caps", async (open) => {
    const at = open(holds);
    const run = at.start({ budget: { usd: 1, tokens: 5 } });
    expect(await at.rest(run)).toBe("paused");
    expect(at.trouble(run)).toBe("budget_exceeded: a is out; budget_exceeded: b is out");
    at.crash();
    expect(await at.rest(run)).toBe("paused");
    at.engine.resume(run, "person", { tokens: 10 });
    at.crash();
    await at.ends(run, 1);
    expect(at.fold(run).budget).toEqual({ usd: 1, tokens: 10, seconds: null });
    expect(at.kinds(run).filter((kind) => kind === "resume-requested")).toHaveLength(1);
  });

  suite.it("a resume where nothing is held does no harm and leaves nothing behind", async (open) => {
    const at = open(works, { work: {} });
    const run = at.start();
    await at.rest(run);
    at.engine.resume(run, "person");
    await at.rest(run);
    expect(at.kinds(run)).not.toContain("resume-requested");
    at.engine.signal(run, "go", 1);
    await at.ends(run, [true, true]);
  });

  suite.it("a run has its seconds of active time: waiting, a pause and a dead process are free", async (open) => {
    const doors = [gate(), gate(), gate()];
    let begun = 0;
    const at = open(works, { work: paid(() => doors[(begun += 1) - 1]?.passed ?? never()) });
    const run = at.start({ budget: { seconds: 100 } });
    await at.until(() => begun === 1);
    await at.clock.advance(40_000);
    doors[0]?.open(1);
    await at.rest(run);
    expect(at.fold(run).active_ms).toBe(40_000);
    await at.clock.advance(60 * MINUTE);
    at.engine.pause(run, "person");
    await at.clock.advance(60 * MINUTE);
    at.engine.resume(run, "person");
    at.world.kill();
    await at.clock.advance(60 * MINUTE);
    at.world.takeOver();
    await at.rest(run);
    at.engine.signal(run, "go", 1);
    await at.until(() => begun === 2);
    await at.clock.advance(50_000);
    at.world.kill();
    await at.clock.advance(60 * MINUTE);
    at.world.takeOver();
    await at.until(() => begun === 3);
    doors[2]?.open(1);
    await at.ends(run, [true, true]);
    // What the dead owner did after its last event is not known to anyone.
    expect(at.fold(run).active_ms).toBe(40_000);
  });

  suite.it(
    "a run whose seconds are used up stops; with more of them it goes on, and the paid call that was halted is made again",
    async (open) => {
      const doors = [gate(), gate()];
      let begun = 0;
      const at = open(works, { work: paid(() => doors[(begun += 1) - 1]?.passed ?? Promise.resolve(1)) });
      const run = at.start({ budget: { seconds: 10 } });
      await at.until(() => begun === 1);
      await at.clock.advance(9_999);
      expect(at.status(run)).toBe("running");
      await at.clock.advance(1);
      expect(await at.rest(run)).toBe("paused");
      expect(at.trouble(run)).toMatch(/^budget_exceeded: .*10 seconds/u);
      expect(at.fold(run).usage).toMatchObject({ completion_tokens: 10, source: "estimated" });
      await at.clock.advance(60 * MINUTE);
      at.engine.resume(run, "person", { seconds: 30 });
      await at.until(() => begun === 2);
      await at.clock.advance(15_000);
      doors[1]?.open(1);
      expect(await at.rest(run)).toBe("running");
      expect(at.fold(run).active_ms).toBe(25_000);
      at.engine.signal(run, "go", 1);
      await at.ends(run, [true, true]);
      expect(begun).toBe(3);
      expect(at.fold(run).usage.completion_tokens).toBe(14);
    },
  );

  suite.it("a run without seconds left that is resumed without more begins nothing, costs nothing, and stops again", async (open) => {
    let begun = 0;
    const at = open(works, { work: paid(() => ((begun += 1), never())) });
    const run = at.start({ budget: { seconds: 10 } });
    await at.until(() => begun === 1);
    await at.clock.advance(10_000);
    await at.rest(run);
    for (let again = 0; again < 3; again += 1) {
      at.engine.resume(run, "person");
      expect(await at.rest(run)).toBe("paused");
      expect(at.trouble(run)).toMatch(/^budget_exceeded/u);
    }
    at.crash();
    expect(await at.rest(run)).toBe("paused");
    expect(begun).toBe(1);
    expect(at.fold(run).usage.completion_tokens).toBe(10);
  });

  suite.it("an effect under way when the seconds are used up comes home, and is not repeated after the resume", async (open) => {
    const door = gate();
    let ran = 0;
    const at = open(
      async (ctx) => {
        const done = await ctx.call("write", 1);
        const next = await ctx.call("echo", 1);
        return { ok: true, value: [done.ok && done.value, next.ok] };
      },
      { write: { kind: "effect", run: () => ((ran += 1), door.passed) } },
    );
    const run = at.start({ budget: { seconds: 1 } });
    await at.until(() => ran === 1);
    await at.clock.advance(2000);
    await turns();
    door.open("written");
    expect(await at.rest(run)).toBe("paused");
    expect(at.kinds(run).slice(-2)).toEqual(["call-completed write:0", "run-held"]);
    at.engine.resume(run, "person", { seconds: 10 });
    await at.ends(run, ["written", true]);
    expect(ran).toBe(1);
  });

  suite.it("time while an effect is uncertain is not active", async (open) => {
    let ran = 0;
    const at = open(async (ctx) => ({ ok: true, value: (await ctx.call("write", 1)).ok }), {
      write: { kind: "effect", run: () => ((ran += 1), never()), assume: () => 1 },
    });
    const run = at.start({ budget: { seconds: 100 } });
    await at.until(() => ran === 1);
    at.crash();
    expect(await at.rest(run)).toBe("paused");
    await at.clock.advance(60 * MINUTE);
    await at.engine.decideEffect(run, "write:0", "happened", "person");
    await at.ends(run, true);
    expect(at.fold(run).active_ms).toBe(0);
  });
}
