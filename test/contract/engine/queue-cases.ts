/** Who is at work: priorities, fairness, places. */
import { expect } from "vitest";
import type { Priority } from "../../../shared/events.ts";
import { gate, turns } from "../../support/bare-engine.ts";
import type { Gate } from "../../support/bare-engine.ts";
import type { Fn } from "./harness.ts";
import { paid } from "./suite.ts";
import type { Site, Suite } from "./suite.ts";

const work: Fn = async (ctx, input) => {
  await ctx.call("work", input);
  return { ok: true, value: input };
};

/** Calls of `work` come one by one, in the order in which they began, each waiting to be let go. */
class Desk {
  readonly begun: string[] = [];
  readonly #doors: Gate<unknown>[] = [];
  atOnce = 0;
  most = 0;

  readonly run = async (input: unknown): Promise<unknown> => {
    const door = gate();
    this.begun.push(String(input));
    this.#doors.push(door);
    this.atOnce += 1;
    this.most = Math.max(this.most, this.atOnce);
    await door.passed;
    this.atOnce -= 1;
    return input;
  };

  /** Lets calls go one after the other until so many have begun. */
  async drain(at: Site, count: number): Promise<void> {
    for (let next = 0; next < count; next += 1) {
      await at.until(() => this.begun.length > next);
      this.#doors[next]?.open(next);
    }
  }
}

export function queueCases(suite: Suite): void {
  suite.it(
    "with one place runs begin by weight: of twelve eight are high, three normal, one low, and nobody waits for ever",
    async (open) => {
      const desk = new Desk();
      const at = open(work, { work: { run: desk.run } }, { maxRuns: 1 });
      at.start({ input: "normal" });
      await at.until(() => desk.begun.length === 1);
      const runs = (["low", "normal", "high"] as const).flatMap((priority: Priority) =>
        Array.from({ length: 16 }, () => at.start({ input: priority, priority })),
      );
      expect(new Set(runs.map((run) => at.status(run)))).toEqual(new Set(["queued"]));
      await desk.drain(at, 49);
      const order = desk.begun;
      const count = (upTo: number, priority: Priority): number => order.slice(0, upTo).filter((each) => each === priority).length;
      expect([count(12, "high"), count(12, "normal"), count(12, "low")]).toEqual([8, 3, 1]);
      expect([count(24, "high"), count(24, "normal"), count(24, "low")]).toEqual([16, 6, 2]);
      expect(order[1]).toBe("high");
      expect(desk.most).toBe(1);
      expect(order).toHaveLength(49);
      for (const run of runs) expect(await at.rest(run)).toBe("completed");
    },
  );

  suite.it("sessions take turns, however many runs each of them has waiting", async (open) => {
    const desk = new Desk();
    const at = open(work, { work: { run: desk.run } }, { maxRuns: 1 });
    at.start({ input: "first", session: "a" });
    await at.until(() => desk.begun.length === 1);
    for (let index = 0; index < 5; index += 1) at.start({ input: `a${index}`, session: "a" });
    for (let index = 0; index < 2; index += 1) at.start({ input: `b${index}`, session: "b" });
    at.start({ input: "c", session: "c" });
    await desk.drain(at, 9);
    expect(desk.begun).toEqual(["first", "a0", "b0", "c", "a1", "b1", "a2", "a3", "a4"]);
  });

  suite.it("a run that waits for a person gives its place free, and has it back at once when it is told", async (open) => {
    const desk = new Desk();
    const waits: Fn = async (ctx, input) => {
      await ctx.signal("s", null, { for: "timer" });
      return work(ctx, input);
    };
    const at = open({ waits, work }, { work: { run: desk.run } }, { maxRuns: 1 });
    const waiting = at.start({ workflow: "waits", input: "waited" });
    const busy = at.start({ workflow: "work", input: "busy" });
    const queued = at.start({ workflow: "work", input: "queued" });
    await at.until(() => desk.begun.length === 1);
    expect(desk.begun).toEqual(["busy"]);
    expect(at.status(queued)).toBe("queued");
    at.engine.signal(waiting, "s", 1);
    await at.until(() => desk.begun.length === 2);
    expect(desk.begun).toEqual(["busy", "waited"]);
    await turns();
    expect(at.status(queued)).toBe("queued");
    await desk.drain(at, 3);
    for (const run of [waiting, busy, queued]) expect(await at.rest(run)).toBe("completed");
  });

  suite.it("the queue survives a kill, with its priorities, and what it was told meanwhile", async (open) => {
    const desk = new Desk();
    const at = open(
      async (ctx, input) => {
        const outcome = await work(ctx, input);
        return { ok: true, value: [outcome.ok, ctx.events()] };
      },
      { work: { run: desk.run } },
      { maxRuns: 1 },
    );
    const busy = at.start({ input: "busy" });
    await at.untilTold(busy, "call-started work:0");
    const runs = new Map((["low", "normal", "high"] as const).map((priority) => [priority, at.start({ input: priority, priority })]));
    const low = runs.get("low") ?? "";
    at.engine.event(low, "hello");
    expect(at.status(low)).toBe("queued");
    at.crash();
    await at.until(() => desk.begun.length === 2);
    await turns();
    expect(desk.begun).toEqual(["busy", "busy"]);
    for (const run of runs.values()) expect(at.status(run)).toBe("queued");
    await desk.drain(at, 5);
    expect(desk.begun.slice(2)).toEqual(["high", "normal", "low"]);
    await at.ends(low, [true, ["hello"]]);
    expect(desk.most).toBeLessThanOrEqual(2);
  });

  suite.it("a queued run is not recovered, only begun: nothing of it was under way", async (open) => {
    const desk = new Desk();
    const at = open(work, { work: { run: desk.run } }, { maxRuns: 1 });
    at.start({ input: "busy" });
    await at.until(() => desk.begun.length === 1);
    const queued = at.start({ input: "queued" });
    at.crash();
    await desk.drain(at, 3);
    await at.ends(queued, "queued");
    expect(at.kinds(queued)).not.toContain("run-recovered");
  });

  suite.it(
    "a pool never has more calls at once than its size, over all runs, with failures, cancels and pauses in between",
    async (open) => {
      let atOnce = 0;
      let most = 0;
      let ran = 0;
      const door = gate();
      const pay = paid(
        async () => {
          ran += 1;
          atOnce += 1;
          most = Math.max(most, atOnce);
          await door.passed;
          await turns(ran % 5);
          atOnce -= 1;
          if (ran % 4 === 0) throw new Error("busy");
          return 1;
        },
        { pool: "model", retryDelayMs: (_, { attempt: failed }) => (failed < 4 ? 1 : null) },
      );
      const at = open(
        async (ctx) => {
          await Promise.all(Array.from({ length: 6 }, (_, index) => ctx.branch(`b${index}`, (inner) => inner.call("pay", 1))));
          return { ok: true, value: 1 };
        },
        { pay },
        { pools: { model: 3 } },
      );
      const runs = Array.from({ length: 8 }, () => at.start());
      for (const run of runs) await at.untilTold(run, "call-started b5/pay:0");
      expect(ran).toBe(3);
      at.engine.cancel(runs[1] ?? "", "person");
      at.engine.pause(runs[2] ?? "", "person");
      door.open(1);
      expect(await at.rest(runs[1] ?? "")).toBe("cancelled");
      expect(await at.rest(runs[2] ?? "")).toBe("paused");
      at.engine.resume(runs[2] ?? "", "person");
      for (const [index, run] of runs.entries()) expect(await at.rest(run)).toBe(index === 1 ? "cancelled" : "completed");
      for (const run of runs) await at.sound(run);
      expect(most).toBe(3);
    },
  );

  suite.it("calls that wait for a pool go by the priority of their run", async (open) => {
    const desk = new Desk();
    const at = open(work, { work: { run: desk.run, pool: "one" } }, { pools: { one: 1 } });
    at.start({ input: "first" });
    await at.until(() => desk.begun.length === 1);
    for (const priority of ["low", "normal", "high"] as const)
      for (let index = 0; index < 2; index += 1) {
        const run = at.start({ input: priority, priority });
        await at.untilTold(run, "call-started work:0");
      }
    await turns();
    await desk.drain(at, 7);
    // Nobody waits for ever: after one of each the other of the higher priority is next.
    expect(desk.begun).toEqual(["first", "high", "normal", "low", "high", "normal", "low"]);
    expect(desk.most).toBe(1);
  });
}
