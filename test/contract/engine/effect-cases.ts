/** Effects: never again with a receipt, never silently without one. */
import { expect } from "vitest";
import type { EffectDecision } from "../../../shared/events.ts";
import { BosunError } from "../../../shared/errors.ts";
import type { AnyActivity, Probe } from "../../../mcp-server/engine/activity.ts";
import { gate, never, turns } from "../../support/bare-engine.ts";
import type { Fn } from "./harness.ts";
import { refusal } from "./suite.ts";
import type { Activities, Open, Site, Suite } from "./suite.ts";

const writes: Fn = async (ctx) => {
  const done = await ctx.call("write", 1);
  await ctx.call("echo", done.ok ? done.value : done.error.code);
  return { ok: true, value: done.ok ? done.value : done.error.code };
};

/** Writes in one branch, reads in another. */
const both: Fn = async (ctx) => {
  const [done] = await Promise.all([
    ctx.branch("a", (inner) => inner.call("write", 1)),
    ctx.branch("b", async (inner) => {
      await inner.call("echo", 1);
      await inner.signal("s", null, { for: "timer" });
      await inner.call("echo", 2);
    }),
  ]);
  return { ok: true, value: done.ok ? done.value : done.error.code };
};

const UNCERTAIN: Probe<unknown> = { state: "uncertain", why: "who knows" };

interface Write {
  ran: number;
  probed: number;
  stuck: boolean;
  found: Probe<unknown>;
}

function writing(write: Write, more: Partial<AnyActivity> = {}): Activities {
  return {
    write: {
      kind: "effect",
      run: () => ((write.ran += 1), write.stuck ? never() : Promise.resolve("written")),
      probe: async () => ((write.probed += 1), write.found),
      assume: () => "assumed",
      ...more,
    },
  };
}

function newWrite(found: Probe<unknown> = UNCERTAIN): Write {
  return { ran: 0, probed: 0, stuck: true, found };
}

/** A run whose effect was cut off by a kill, taken over, and at rest. */
async function cutOff(open: Open, write: Write, fn: Fn = writes): Promise<{ at: Site; run: string }> {
  const at = open(fn, writing(write));
  const run = at.start();
  await at.until(() => write.ran === 1);
  at.crash();
  write.stuck = false;
  await at.rest(run);
  return { at, run };
}

export function effectCases(suite: Suite): void {
  suite.it("an effect that has its receipt never happens again, however often the process is killed after it", async (open) => {
    const write = { ...newWrite(), stuck: false };
    const at = open(both, writing(write));
    const run = at.start();
    await at.untilTold(run, "call-completed a/write:0");
    for (let crash = 0; crash < 3; crash += 1) at.crash();
    await at.rest(run);
    at.engine.signal(run, "s", 1);
    at.crash();
    await at.ends(run, "written");
    expect(write).toMatchObject({ ran: 1, probed: 0 });
  });

  suite.it("an effect's intent is written before it begins", async (open) => {
    const seen: (readonly string[])[] = [];
    const at: Site = open(writes, { write: { kind: "effect", run: async (_, ctx) => seen.push(at.kinds(ctx.runId)) } });
    await at.rest(at.start());
    expect(seen).toEqual([["run-started", "call-started write:0"]]);
  });

  suite.it("an effect without a receipt that its probe finds done is taken as done", async (open) => {
    const write = newWrite({ state: "done", output: "found" });
    const { at, run } = await cutOff(open, write);
    await at.ends(run, "found");
    expect(write).toMatchObject({ ran: 1, probed: 1 });
  });

  suite.it("an effect without a receipt that its probe finds not started is begun once more", async (open) => {
    const write = newWrite({ state: "not_started" });
    const at = open(writes, writing(write));
    const run = at.start();
    await at.until(() => write.ran === 1);
    write.stuck = false;
    at.crash();
    await at.ends(run, "written");
    expect(write).toMatchObject({ ran: 2, probed: 1 });
    expect(at.kinds(run)).toEqual(expect.arrayContaining(["attempt-ended write:0/attempt:1", "attempt-started write:0/attempt:2"]));
  });

  suite.it("an effect without a receipt that its probe finds failed counts as failed", async (open) => {
    const write = newWrite({ state: "failed", error: { code: "tool_failed", message: "m", retryable: false } });
    const { at, run } = await cutOff(open, write);
    await at.ends(run, "tool_failed");
    expect(write.ran).toBe(1);
  });

  suite.it("an effect that nothing can check is uncertain, and so is one whose probe throws", async (open) => {
    for (const probe of [undefined, () => Promise.reject(new Error("no disk"))]) {
      const write = newWrite();
      const activities = (): Activities => {
        const { write: activity } = writing(write);
        const { probe: _, ...rest } = activity ?? {};
        return { write: probe === undefined ? rest : { ...rest, probe } };
      };
      const at = open(writes, activities());
      const run = at.start();
      await at.until(() => write.ran === 1);
      at.crash();
      expect(await at.rest(run)).toBe("paused");
      expect(at.trouble(run)).toMatch(probe === undefined ? /nothing can check it/u : /no disk/u);
    }
  });

  suite.it("while an effect is uncertain the other branches go on; then the run is paused with uncertain_effect", async (open) => {
    const write = newWrite();
    const at = open(both, writing(write));
    const run = at.start();
    await at.untilTold(run, "call-completed b/echo:0");
    at.crash();
    await at.rest(run);
    expect(at.kinds(run)).toContain("effect-uncertain a/write:0");
    expect(Object.keys(at.fold(run).uncertain)).toEqual(["a/write:0"]);
    at.engine.signal(run, "s", 1);
    expect(await at.rest(run)).toBe("paused");
    expect(at.kinds(run)).toContain("call-completed b/echo:1");
    expect(at.trouble(run)).toMatch(/^uncertain_effect: .*who knows/u);
    await at.sound(run);
  });

  const decided: readonly { readonly decision: EffectDecision; readonly value: string; readonly ran: number }[] = [
    { decision: "happened", value: "assumed", ran: 1 },
    { decision: "not_happened", value: "written", ran: 2 },
    { decision: "give_up", value: "uncertain_effect", ran: 1 },
  ];
  for (const { decision, value, ran } of decided) {
    suite.it(`a person decides about an uncertain effect: ${decision}`, async (open) => {
      const write = newWrite();
      const { at, run } = await cutOff(open, write);
      await at.engine.decideEffect(run, "write:0", decision, "person");
      await at.ends(run, value);
      expect(write.ran).toBe(ran);
      expect(at.events(run)).toContainEqual(
        expect.objectContaining({ kind: "effect-decided", path: "write:0", data: { attempt: 1, decision, by: "person" } }),
      );
      expect(await refusal(() => at.engine.decideEffect(run, "write:0", decision, "person"))).toBe("conflict");
    });

    suite.it(`the decision ${decision} holds when the process is killed before and after it`, async (open) => {
      const write = newWrite();
      const { at, run } = await cutOff(open, write);
      at.crash();
      await at.rest(run);
      await at.engine.decideEffect(run, "write:0", decision, "person");
      write.found = { state: "not_started" };
      at.crash();
      await at.ends(run, value);
      expect(write.ran).toBeLessThanOrEqual(ran + (decision === "not_happened" ? 1 : 0));
      if (decision !== "not_happened") expect(write.ran).toBe(1);
    });

    suite.it(`the decision ${decision} counts when it comes while the probe is about to be asked again`, async (open) => {
      const write = newWrite();
      const { at, run } = await cutOff(open, write);
      at.crash();
      at.engine.resume(run, "person");
      await at.engine.decideEffect(run, "write:0", decision, "person");
      await at.ends(run, value);
      expect(write).toMatchObject({ ran, probed: 1 });
      expect(at.kinds(run).filter((kind) => kind.startsWith("effect-uncertain"))).toHaveLength(1);
    });

    suite.it(`the decision ${decision} may be made while the run is paused, and is carried out when it is resumed`, async (open) => {
      const write = newWrite();
      const { at, run } = await cutOff(open, write);
      at.engine.pause(run, "person");
      await at.engine.decideEffect(run, "write:0", decision, "person");
      expect(await at.rest(run)).toBe("paused");
      expect(write.ran).toBe(1);
      at.engine.resume(run, "person");
      await at.ends(run, value);
      expect(write.ran).toBe(ran);
    });
  }

  for (const { decision, value, ran } of decided)
    for (const found of [UNCERTAIN, { state: "done", output: "found" }, { state: "not_started" }] as const)
      suite.it(`the decision ${decision} counts while the probe is being asked again, which then says ${found.state}`, async (open) => {
        const write = newWrite();
        const door = gate<Probe<unknown>>();
        const { at, run } = await cutOff(open, write, writes);
        at.crash(writes, writing(write, { probe: () => ((write.probed += 1), door.passed) }));
        at.engine.resume(run, "person");
        await at.until(() => write.probed === 2);
        await at.engine.decideEffect(run, "write:0", decision, "person");
        await turns(2);
        door.open(found);
        await at.ends(run, value);
        expect(write.ran).toBe(ran);
      });

  suite.it("a decision while the run is paused and its probe is being asked again leaves the run at rest", async (open) => {
    const write = newWrite();
    const door = gate<Probe<unknown>>();
    const { at, run } = await cutOff(open, write);
    at.crash(writes, writing(write, { probe: () => ((write.probed += 1), door.passed) }));
    at.engine.resume(run, "person");
    await at.until(() => write.probed === 2);
    at.engine.pause(run, "person");
    await at.engine.decideEffect(run, "write:0", "not_happened", "person");
    door.open(UNCERTAIN);
    expect(await at.rest(run)).toBe("paused");
    expect(write.ran).toBe(1);
    at.engine.resume(run, "person");
    await at.ends(run, "written");
    expect(write.ran).toBe(2);
  });

  suite.it("a run that ends with an uncertain effect in a branch that it left says so before its end", async (open) => {
    const door = gate();
    const write = newWrite();
    const leaving: Fn = async (ctx) => {
      void ctx.branch("left", (inner) => inner.call("write", 1));
      await ctx.call("look", 1);
      return { ok: true, value: 1 };
    };
    const at = open(leaving, { ...writing(write), look: { run: () => door.passed } });
    const run = at.start();
    await at.until(() => write.ran === 1);
    at.crash();
    await at.untilTold(run, "effect-uncertain left/write:0");
    door.open(1);
    await at.ends(run, 1);
    expect(at.kinds(run).slice(-2)).toEqual(["call-failed left/write:0", "run-ended"]);
  });

  suite.it("a decision where nothing is uncertain is a conflict, and so is one that the activity has no receipt for", async (open) => {
    const write = newWrite();
    const { assume: _, ...rest } = writing(write)["write"] ?? {};
    const at = open(writes, { write: rest });
    const run = at.start();
    await at.until(() => write.ran === 1);
    expect(await refusal(() => at.engine.decideEffect(run, "write:0", "happened", "person"))).toBe("conflict");
    at.crash();
    await at.rest(run);
    expect(await refusal(() => at.engine.decideEffect(run, "write:1", "give_up", "person"))).toBe("conflict");
    expect(await refusal(() => at.engine.decideEffect(run, "write:0", "happened", "person"))).toBe("conflict");
    expect(at.status(run)).toBe("paused");
    await at.engine.decideEffect(run, "write:0", "give_up", "person");
    await at.ends(run, "uncertain_effect");
  });

  suite.it("of two decisions at once one holds and the other is a conflict", async (open) => {
    const write = newWrite();
    const { at, run } = await cutOff(open, write);
    const both = await Promise.all(
      (["happened", "give_up"] as const).map((decision) => refusal(() => at.engine.decideEffect(run, "write:0", decision, "person"))),
    );
    expect(new Set(both)).toEqual(new Set(["conflict", null]));
    await at.rest(run);
    expect(at.kinds(run).filter((kind) => kind.startsWith("effect-decided"))).toHaveLength(1);
    await at.sound(run);
  });

  suite.it("an uncertain effect is asked of its probe again when the run is resumed", async (open) => {
    const write = newWrite();
    const { at, run } = await cutOff(open, write);
    const probed = write.probed;
    at.engine.resume(run, "person");
    expect(await at.rest(run)).toBe("paused");
    expect(write.probed).toBe(probed + 1);
    expect(at.kinds(run).filter((kind) => kind.startsWith("effect-uncertain"))).toHaveLength(1);
    write.found = { state: "done", output: "found" };
    at.engine.resume(run, "person");
    await at.ends(run, "found");
    expect(write.ran).toBe(1);
  });

  suite.it("an effect that says of itself that nobody knows is uncertain at once", async (open) => {
    const at = open(writes, {
      write: { kind: "effect", run: () => Promise.reject(new BosunError("uncertain_effect", "half of it")), assume: () => "assumed" },
    });
    const run = at.start();
    expect(await at.rest(run)).toBe("paused");
    expect(at.trouble(run)).toContain("half of it");
    await at.engine.decideEffect(run, "write:0", "happened", "person");
    await at.ends(run, "assumed");
  });

  suite.it("a frozen owner does not begin the effect that it had just found not started", async (open) => {
    const ran: string[] = [];
    let owner = "first";
    const found = gate<Probe<unknown>>();
    const at = open(writes, {
      write: {
        kind: "effect",
        run: () => (ran.push(owner), owner === "first" ? never() : Promise.resolve("written")),
        probe: async () => (owner === "second" ? found.passed : { state: "not_started" }),
      },
    });
    const run = at.start();
    await at.until(() => ran.length === 1);
    owner = "second";
    at.crash();
    await turns();
    at.world.freeze();
    const frozen = at.engine;
    owner = "third";
    at.world.takeOver();
    await at.ends(run, "written");
    found.open({ state: "not_started" });
    at.world.thaw();
    await at.until(() => frozen.broken !== null);
    expect(ran).toEqual(["first", "third"]);
  });
}
