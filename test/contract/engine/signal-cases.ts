/** Signals, deadlines and sleep. */
import { expect } from "vitest";
import { gate } from "../../support/bare-engine.ts";
import type { Fn } from "./harness.ts";
import { refusal } from "./suite.ts";
import type { Suite } from "./suite.ts";

const MINUTE = 60_000;

/** Waits for `s`, for a minute when the input says so. */
const waits: Fn = async (ctx, input) => {
  await ctx.call("echo", 1);
  const got = await ctx.signal("s", input === "minute" ? ctx.now() + MINUTE : null, { for: "timer" });
  return { ok: true, value: got.kind === "received" ? got.payload : "expired" };
};

const sleeps: Fn = async (ctx) => {
  const from = ctx.now();
  await ctx.sleep(MINUTE);
  return { ok: true, value: ctx.now() - from };
};

export function signalCases(suite: Suite): void {
  suite.it("a signal is delivered to the one who waits for it", async (open) => {
    const at = open(waits);
    const run = at.start();
    await at.rest(run);
    expect(at.world.reader.openWaits(run)).toMatchObject([{ name: "s", deadline: null }]);
    at.engine.signal(run, "s", { yes: true });
    expect(at.kinds(run)).toContain("signal-received");
    expect(at.world.reader.openWaits(run)).toEqual([]);
    await at.ends(run, { yes: true });
  });

  suite.it("a signal that comes before anyone waits is kept for them, also across a kill", async (open) => {
    const door = gate();
    const fn: Fn = async (ctx, input) => {
      await ctx.call("door", 1);
      return waits(ctx, input);
    };
    const at = open(fn, { door: { run: () => door.passed } });
    const run = at.start({ input: "minute" });
    await at.untilTold(run, "call-started door:0");
    at.engine.signal(run, "s", "early");
    expect(await refusal(() => at.engine.signal(run, "s", "again"))).toBe("conflict");
    at.crash();
    door.open(1);
    await at.ends(run, "early");
  });

  suite.it("a signal that comes while the process is dead is recorded by the next owner before it drives anything", async (open) => {
    const at = open(waits);
    const run = at.start();
    await at.rest(run);
    at.crash();
    at.engine.signal(run, "s", "told");
    at.crash();
    await at.ends(run, "told");
  });

  suite.it("the second signal of a name is a conflict, before and after the run went on", async (open) => {
    const fn: Fn = async (ctx) => {
      const got = await ctx.signal("s", null, { for: "timer" });
      await ctx.signal("t", null, { for: "timer" });
      return { ok: true, value: got.kind === "received" && got.payload };
    };
    const at = open(fn);
    const run = at.start();
    await at.rest(run);
    at.engine.signal(run, "s", 1);
    expect(await refusal(() => at.engine.signal(run, "s", 2))).toBe("conflict");
    await at.rest(run);
    expect(await refusal(() => at.engine.signal(run, "s", 3))).toBe("conflict");
    at.engine.signal(run, "t", 1);
    await at.ends(run, 1);
    expect(await refusal(() => at.engine.signal(run, "t", 1))).toBe("conflict");
  });

  suite.it("a signal after the deadline is refused as expired, whether or not the timer has told of it", async (open) => {
    const at = open(waits);
    const run = at.start({ input: "minute" });
    await at.rest(run);
    await at.clock.advance(MINUTE - 1);
    expect(at.status(run)).not.toBe("completed");
    at.world.freeze();
    await at.clock.advance(1);
    expect(await refusal(() => at.engine.signal(run, "s", "late"))).toBe("approval_expired");
    at.world.thaw();
    await at.ends(run, "expired");
    expect(at.kinds(run).filter((kind) => kind.startsWith("wait-expired"))).toHaveLength(1);
  });

  suite.it("a signal one millisecond before the deadline counts", async (open) => {
    const at = open(waits);
    const run = at.start({ input: "minute" });
    await at.rest(run);
    await at.clock.advance(MINUTE - 1);
    at.engine.signal(run, "s", "just in time");
    await at.clock.advance(MINUTE);
    await at.ends(run, "just in time");
  });

  suite.it("a deadline that passed while the process was dead expires at the start", async (open) => {
    const at = open(waits);
    const run = at.start({ input: "minute" });
    await at.rest(run);
    at.world.kill();
    await at.clock.advance(10 * MINUTE);
    expect(at.kinds(run).at(-1)).toBe("wait-started wait:0");
    at.world.takeOver();
    await at.ends(run, "expired");
  });

  suite.it("deadlines that are due together expire once each, in every run, also when a listener answers them meanwhile", async (open) => {
    const fn: Fn = async (ctx) => {
      const each = await Promise.all(
        ["a", "b"].map((name) => ctx.branch(name, (inner) => inner.signal(`s:${name}`, inner.now() + MINUTE, { for: "timer" }))),
      );
      await ctx.call("echo", 1);
      await ctx.signal("go", null, { for: "timer" });
      return { ok: true, value: each.map((got) => got.kind) };
    };
    const at = open(fn);
    const runs = [at.start(), at.start()];
    for (const run of runs) await at.rest(run);
    const refused: (string | null)[] = [];
    at.engine.subscribe((note) => {
      if (note.type !== "event" || note.event.kind !== "wait-expired") return;
      for (const run of runs)
        for (const name of ["s:a", "s:b"]) void refusal(() => at.engine.signal(run, name, 1)).then((code) => refused.push(code));
    });
    await at.clock.advance(MINUTE);
    for (const run of runs) {
      await at.rest(run);
      at.engine.signal(run, "go", 1);
      await at.ends(run, ["expired", "expired"]);
      expect(at.kinds(run).filter((kind) => kind.startsWith("wait-expired"))).toEqual(["wait-expired a/wait:0", "wait-expired b/wait:0"]);
    }
    expect(refused).not.toContain(null);
  });

  suite.it("a sleep lasts its time, also across a kill, and its run is not at rest meanwhile", async (open) => {
    const at = open(sleeps);
    const run = at.start();
    await at.untilTold(run, "wait-started sleep:0");
    let rested = false;
    void at.engine.settled(run).then(
      () => (rested = true),
      () => undefined,
    );
    await at.clock.advance(MINUTE / 2);
    expect(rested).toBe(false);
    at.crash();
    await at.clock.advance(MINUTE / 2 - 1);
    expect(at.kinds(run)).not.toContain("run-ended");
    await at.clock.advance(1);
    await at.ends(run, MINUTE);
  });

  suite.it("a sleep that was over while the process was dead ends at the start", async (open) => {
    const at = open(sleeps);
    const run = at.start();
    await at.untilTold(run, "wait-started sleep:0");
    at.world.kill();
    await at.clock.advance(3 * MINUTE);
    at.world.takeOver();
    await at.ends(run, 3 * MINUTE);
  });

  suite.it("many sleeps of one run end in their order", async (open) => {
    const fn: Fn = async (ctx) => {
      const order: number[] = [];
      await Promise.all(
        [5, 1, 3, 1].map((ms, index) =>
          ctx.branch(`b${index}`, async (inner) => {
            await inner.sleep(ms);
            order.push(index);
          }),
        ),
      );
      return { ok: true, value: order };
    };
    const at = open(fn);
    const run = at.start();
    await at.untilTold(run, "wait-started b3/sleep:0");
    await at.clock.advance(10);
    await at.ends(run, [1, 3, 2, 0]);
  });

  suite.it("a wait for a person lets the run leave: nothing is at work, and it is settled", async (open) => {
    const fn: Fn = async (ctx) => {
      await ctx.signal("approval:x", null, { for: "approval", approval_id: "x" });
      await ctx.signal("question:x", null, { for: "answer", question_id: "x", question: ctx.keep({ text: "?", options: [] }) });
      return { ok: true, value: 1 };
    };
    const at = open(fn);
    const run = at.start();
    expect(await at.rest(run)).toBe("waiting_approval");
    at.engine.signal(run, "approval:x", { decision: "approve" });
    expect(await at.rest(run)).toBe("waiting_answer");
    at.crash();
    expect(await at.rest(run)).toBe("waiting_answer");
    at.engine.signal(run, "question:x", "yes");
    await at.ends(run, 1);
  });
}
