/** What a task is told while it is under way, and what the world is told of it. */
import { expect } from "vitest";
import type { RunEvent } from "../../../shared/events.ts";
import { gate, turns } from "../../support/bare-engine.ts";
import type { Fn } from "./harness.ts";
import { paid, refusal } from "./suite.ts";
import type { Suite } from "./suite.ts";

/** Notes what it has been told so far before and after each of three calls, and after a wait. */
const listens: Fn = async (ctx) => {
  const heard: (readonly unknown[])[] = [ctx.events()];
  for (const input of [1, 2]) {
    await ctx.call("work", input);
    heard.push(ctx.events());
  }
  await ctx.signal("s", null, { for: "timer" });
  heard.push(ctx.events());
  await ctx.call("work", 3);
  return { ok: true, value: [...heard, ctx.events()] };
};

export function eventCases(suite: Suite): void {
  suite.it(
    "a task hears what it is told before its start, between its turns, while parked and while the process was dead, in order",
    async (open) => {
      const doors = [gate(), gate()];
      const at = open(listens, { work: { run: (input) => doors[Number(input) - 1]?.passed ?? Promise.resolve(1) } });
      const run = at.start();
      at.engine.event(run, "before the start");
      await at.untilTold(run, "call-started work:0");
      at.engine.event(run, { while: "the first call" });
      doors[0]?.open(1);
      await at.untilTold(run, "call-started work:1");
      at.crash();
      at.engine.event(run, "after a kill");
      doors[1]?.open(1);
      await at.rest(run);
      at.engine.event(run, "while parked");
      await at.rest(run);
      at.engine.signal(run, "s", 1);
      const all = ["before the start", { while: "the first call" }, "after a kill", "while parked"];
      expect(await at.rest(run)).toBe("completed");
      const replayed = await at.engine.replay(run);
      const heard = replayed.ok && replayed.result?.ok === true ? (replayed.result.value as unknown[][]) : [];
      expect(heard.at(-1)).toEqual(all);
      for (const [index, each] of heard.entries()) {
        expect(each).toEqual(all.slice(0, each.length));
        expect(each.length).toBeGreaterThanOrEqual(heard[index - 1]?.length ?? 0);
      }
      expect(heard[1]).toEqual(all.slice(0, 2));
      await at.sound(run);
      expect(await refusal(() => at.engine.event(run, "late"))).toBe("conflict");
    },
  );

  suite.it("what a paused and what a held run is told is heard after its resume", async (open) => {
    const at = open({
      paused: async (ctx) => {
        await ctx.signal("s", null, { for: "timer" });
        return { ok: true, value: ctx.events() };
      },
      held: async (ctx) => {
        await ctx.hold({ code: "timeout", message: "held", retryable: true });
        return { ok: true, value: ctx.events() };
      },
    });
    const paused = at.start({ workflow: "paused" });
    const held = at.start({ workflow: "held" });
    for (const run of [paused, held]) await at.rest(run);
    at.engine.pause(paused, "person");
    for (const run of [paused, held]) {
      at.engine.event(run, 1);
      at.engine.event(run, 2);
      expect(await at.rest(run)).toBe("paused");
      at.engine.resume(run, "person");
    }
    at.engine.signal(paused, "s", 1);
    for (const run of [paused, held]) await at.ends(run, [1, 2]);
  });

  suite.it("nobody is told of what is not written: a reader has each event when a listener hears of it", async (open) => {
    const at = open(listens, { work: paid(async () => 1) });
    const told: RunEvent[] = [];
    const early: RunEvent[] = [];
    at.engine.subscribe((note) => {
      if (note.type !== "event") return;
      told.push(note.event);
      if (at.events(note.event.run_id)[note.event.seq - 1]?.kind !== note.event.kind) early.push(note.event);
    });
    const run = at.start();
    await at.rest(run);
    at.engine.event(run, 1);
    at.engine.pause(run, "person");
    at.engine.resume(run, "person");
    at.engine.signal(run, "s", 1);
    await at.rest(run);
    expect(early).toEqual([]);
    expect(told).toEqual(at.events(run));
  });

  suite.it("every listener hears every event once and in order, also when one of them acts on what it hears or throws", async (open) => {
    const at = open(listens, { work: {} });
    const told = { before: [] as RunEvent[], after: [] as RunEvent[] };
    at.engine.subscribe((note) => {
      if (note.type === "event") told.before.push(note.event);
    });
    at.engine.subscribe((note) => {
      if (note.type !== "event") return;
      if (note.event.kind === "run-started") at.engine.event(note.event.run_id, "hello");
      if (note.event.kind === "wait-started") at.engine.signal(note.event.run_id, "s", 1);
    });
    at.engine.subscribe(() => {
      throw new Error("a bad listener");
    });
    const stop = at.engine.subscribe((note) => {
      if (note.type === "event") told.after.push(note.event);
    });
    const run = at.start();
    expect(await at.rest(run)).toBe("completed");
    expect(told.before).toEqual(at.events(run));
    expect(told.after).toEqual(at.events(run));
    stop();
    await at.rest(at.start());
    expect(told.after).toHaveLength(at.events(run).length);
  });

  suite.it("text that streams is told and leaves no event", async (open) => {
    const at = open(async (ctx) => ({ ok: true, value: await ctx.call("work", 1) }), {
      work: {
        run: async (_, ctx) => {
          ctx.delta("some ");
          ctx.delta("text");
          return 1;
        },
      },
    });
    const text: string[] = [];
    at.engine.subscribe((note) => {
      if (note.type === "delta") text.push(`${note.path} ${note.text}`);
    });
    const run = at.start();
    await at.rest(run);
    expect(text).toEqual(["work:0 some ", "work:0 text"]);
    expect(at.kinds(run)).toEqual(["run-started", "call-started work:0", "call-completed work:0", "run-ended"]);
  });

  suite.it("settled waits for the end or for a wait, is told of a broken owner, and of nothing that moves", async (open) => {
    const door = gate();
    const at = open(listens, { work: { run: () => door.passed } });
    const run = at.start();
    let settled = 0;
    const all = [1, 2].map(() => at.engine.settled(run).then(() => (settled += 1)));
    await turns(50);
    expect(settled).toBe(0);
    door.open(1);
    await Promise.all(all);
    expect(at.status(run)).toBe("running");
    at.engine.signal(run, "s", 1);
    await at.ends(run, [[], [], [], [], []]);
    const stuck = open(listens, { work: { run: () => gate().passed } });
    const lost = stuck.start();
    const waiting = refusal(() => stuck.engine.settled(lost));
    await turns();
    await stuck.engine.close();
    expect(await waiting).toBe("internal");
  });
}
