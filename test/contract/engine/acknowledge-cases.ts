/** What an engine has said yes to is true whatever happens next; what it is told is done once. */
import { expect } from "vitest";
import { gate, turns } from "../../support/bare-engine.ts";
import type { Fn } from "./harness.ts";
import { paid, refusal } from "./suite.ts";
import type { Site, Suite } from "./suite.ts";

const waits: Fn = async (ctx) => {
  await ctx.call("echo", 1);
  const got = await ctx.signal("s", null, { for: "timer" });
  await ctx.hold({ code: "timeout", message: "held", retryable: true });
  await ctx.signal("t", null, { for: "timer" });
  return { ok: true, value: [got.kind === "received" && got.payload, ctx.events()] };
};

async function waiting(at: Site): Promise<string> {
  const run = at.start();
  await at.rest(run);
  return run;
}

export function acknowledgeCases(suite: Suite): void {
  suite.it("a run that was started is there when the process is killed at that moment, and is driven by the next owner", async (open) => {
    const at = open(waits);
    const run = at.start({ input: { large: "x".repeat(2000) }, session: "s", priority: "high", budget: { tokens: 7 } });
    expect(at.crash()).toEqual([run]);
    expect(await at.rest(run)).toBe("running");
    expect(at.fold(run)).toMatchObject({ session_id: "s", priority: "high", budget: { tokens: 7 } });
    expect(at.kinds(run)).toContain("wait-started wait:0");
  });

  suite.it("a signal, an event, a pause, a resume and a cancel hold when the process is killed at that moment", async (open) => {
    const at = open(waits);
    const run = await waiting(at);
    at.engine.event(run, "told");
    at.crash();
    at.engine.pause(run, "person");
    at.crash();
    expect(await at.rest(run)).toBe("paused");
    at.engine.signal(run, "s", "yes");
    at.crash();
    expect(await at.rest(run)).toBe("paused");
    at.engine.resume(run, "person", { usd: 3 });
    at.crash();
    // It also opens the hold that was on its way.
    expect(await at.rest(run)).toBe("running");
    expect(at.fold(run).budget.usd).toBe(3);
    at.engine.signal(run, "t", 1);
    at.crash();
    await at.ends(run, ["yes", ["told"]]);
    const other = await waiting(at);
    at.engine.cancel(other, "person");
    at.crash();
    expect(await at.rest(other)).toBe("cancelled");
  });

  suite.it("a fork is there when the process is killed at that moment", async (open) => {
    const at = open(waits);
    const run = await waiting(at);
    const fork = await at.engine.fork(run, { at: 3, signals: { "wait:0": "changed" } });
    at.crash();
    expect(await at.rest(fork)).toBe("running");
    at.engine.signal(fork, "t", 1);
    await at.ends(fork, ["changed", []]);
  });

  suite.it("a run that rests is not taken up again by the next owner: nothing of it is written", async (open) => {
    const at = open(waits);
    const run = await waiting(at);
    const head = at.world.reader.head(run);
    for (let crash = 0; crash < 3; crash += 1) expect(at.crash()).toEqual([]);
    expect(at.world.reader.head(run)).toBe(head);
  });

  suite.it("to recover twice is to recover once", async (open) => {
    const door = gate();
    let ran = 0;
    const at = open(async (ctx) => ({ ok: true, value: (await ctx.call("pay", 1)).ok }), { pay: paid(() => ((ran += 1), door.passed)) });
    const run = at.start();
    await at.until(() => ran === 1);
    expect(at.crash()).toEqual([run]);
    expect(at.engine.recover()).toEqual([]);
    await at.until(() => ran === 2);
    expect(at.engine.recover()).toEqual([]);
    door.open(1);
    await at.ends(run, true);
    expect(ran).toBe(2);
    expect(at.kinds(run).filter((kind) => kind === "run-recovered")).toHaveLength(1);
  });

  suite.it("an owner that was taken over refuses everything as a conflict, and writes nothing of it", async (open) => {
    const at = open(waits);
    const run = await waiting(at);
    const old = at.engine;
    at.world.takeOver();
    const head = at.world.reader.head(run);
    const acts = [
      () => old.signal(run, "s", 1),
      () => old.pause(run, "person"),
      () => old.resume(run, "person", { usd: 1 }),
      () => old.event(run, 1),
      () => old.cancel(run, "person"),
      () => old.fork(run, { at: 1 }),
      () => old.start({ workflow: "w", session_id: null, input: null }),
      () => old.settled(run),
    ];
    for (const act of acts) expect(await refusal(act), act.toString()).toBe("conflict");
    await turns();
    expect(at.world.reader.head(run)).toBe(head);
    expect(at.world.reader.runs({ limit: 10 })).toHaveLength(1);
    expect(old.broken).toMatchObject({ code: "conflict" });
  });

  suite.it("a closed engine leaves its runs to the next owner, and refuses what comes after", async (open) => {
    let ran = 0;
    const door = gate();
    const at = open(async (ctx) => ({ ok: true, value: (await ctx.call("write", 1)).ok }), {
      write: { kind: "effect", run: () => ((ran += 1), door.passed) },
    });
    const run = at.start();
    await at.until(() => ran === 1);
    const closing = at.engine.close();
    await turns();
    door.open(1);
    await closing;
    expect(at.kinds(run).at(-1)).toBe("call-completed write:0");
    expect(await refusal(() => at.engine.cancel(run, "person"))).toBe("internal");
    at.world.takeOver();
    await at.ends(run, true);
    expect(ran).toBe(1);
  });
}
