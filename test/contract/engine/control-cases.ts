/** Cancel, pause and hold: what a person says of a run as a whole. */
import { expect } from "vitest";
import { gate, never, turns } from "../../support/bare-engine.ts";
import type { Gate } from "../../support/bare-engine.ts";
import type { Fn } from "./harness.ts";
import { paid, refusal } from "./suite.ts";
import type { Activities, Suite } from "./suite.ts";

const MINUTE = 60_000;

/** Calls one activity after the other, as the input lists them; `wait:x` waits for the signal `x`. */
const each: Fn = async (ctx, input) => {
  const got: unknown[] = [];
  for (const name of input as string[]) {
    if (name.startsWith("wait:")) {
      const told = await ctx.signal(name.slice(5), null, { for: "timer" });
      got.push(told.kind === "received" ? told.payload : told.kind);
    } else {
      const outcome = await ctx.call(name, name);
      got.push(outcome.ok ? outcome.value : outcome.error.code);
    }
  }
  return { ok: true, value: got };
};

/** `pay` is open or not; how often it ran. */
function payer(): { ran: number; door: Gate<unknown>; activities: Activities } {
  const payer = { ran: 0, door: gate(), activities: {} as Activities };
  payer.activities = { pay: paid(() => ((payer.ran += 1), payer.door.passed)) };
  return payer;
}

export function cancelCases(suite: Suite): void {
  suite.it("a cancelled run aborts what only reads or pays, settles it, and ends as cancelled", async (open) => {
    const aborted: string[] = [];
    const at = open(
      async (ctx) => {
        await Promise.all([ctx.call("pay", 1), ctx.call("look", 1)]);
        return { ok: true, value: 1 };
      },
      {
        pay: paid((_, { signal }) => (signal.addEventListener("abort", () => aborted.push("pay")), never())),
        look: { run: (_, { signal }) => (signal.addEventListener("abort", () => aborted.push("look")), never()) },
      },
    );
    const run = at.start();
    await at.untilTold(run, "call-started look:0");
    at.engine.cancel(run, "person");
    expect(await at.rest(run)).toBe("cancelled");
    expect(aborted.toSorted()).toEqual(["look", "pay"]);
    expect(at.fold(run).usage).toMatchObject({ completion_tokens: 10, source: "estimated" });
    await at.sound(run);
  });

  suite.it("a cancel waits for an effect under way, and its receipt is kept", async (open) => {
    const door = gate();
    const at = open(each, { write: { kind: "effect", run: () => door.passed } });
    const run = at.start({ input: ["write", "echo"] });
    await at.untilTold(run, "call-started write:0");
    at.engine.cancel(run, "person");
    at.engine.cancel(run, "person");
    await turns();
    expect(at.kinds(run).at(-1)).toBe("cancel-requested");
    door.open("written");
    expect(await at.rest(run)).toBe("cancelled");
    expect(at.kinds(run).slice(-2)).toEqual(["call-completed write:0", "run-ended"]);
    await at.sound(run);
  });

  suite.it("an effect that still waits for its place when the run is cancelled does not begin", async (open) => {
    const ran: unknown[] = [];
    const door = gate();
    const at = open(
      async (ctx, input) => ({ ok: true, value: await ctx.call("write", input) }),
      { write: { kind: "effect", pool: "one", run: (input) => (ran.push(input), door.passed) } },
      { pools: { one: 1 } },
    );
    const first = at.start({ input: "first" });
    await at.until(() => ran.length === 1);
    const second = at.start({ input: "second" });
    await at.untilTold(second, "call-started write:0");
    await turns();
    at.engine.cancel(second, "person");
    await turns();
    door.open(1);
    expect(await at.rest(first)).toBe("completed");
    expect(await at.rest(second)).toBe("cancelled");
    expect(ran).toEqual(["first"]);
  });

  suite.it("a run is cancelled in every state: queued, parked, paused, held, uncertain, and in recovery", async (open) => {
    const write: Activities = { write: { kind: "effect", run: never } };
    const at = open(
      {
        each,
        holds: async (ctx) => {
          await ctx.hold({ code: "timeout", message: "held", retryable: true });
          return { ok: true, value: 1 };
        },
        breaks: async () => {
          throw new Error("a fault");
        },
      },
      { ...write, ...payer().activities },
      { maxRuns: 4 },
    );
    const parked = at.start({ workflow: "each", input: ["wait:s"] });
    const held = at.start({ workflow: "holds" });
    const broken = at.start({ workflow: "breaks" });
    for (const run of [parked, held, broken]) await at.rest(run);
    const paused = at.start({ workflow: "each", input: ["wait:s"] });
    await at.rest(paused);
    at.engine.pause(paused, "person");
    const uncertain = at.start({ workflow: "each", input: ["write"] });
    await at.untilTold(uncertain, "call-started write:0");
    at.crash();
    await at.rest(uncertain);
    const busy = Array.from({ length: 4 }, () => at.start({ workflow: "each", input: ["pay"] }));
    for (const run of busy) await at.untilTold(run, "call-started pay:0");
    const queued = at.start({ workflow: "each", input: ["pay"] });
    expect(at.status(queued)).toBe("queued");
    expect([held, broken, paused, uncertain].map((run) => at.status(run))).toEqual(["paused", "paused", "paused", "paused"]);
    at.crash();
    for (const run of [queued, parked, paused, held, broken, uncertain, ...busy]) {
      at.engine.cancel(run, "person");
      expect(await at.rest(run), at.kinds(run).join()).toBe("cancelled");
      expect(await refusal(() => at.engine.cancel(run, "person"))).toBe("conflict");
      expect(at.kinds(run).at(-1)).toBe("run-ended");
      if (run !== broken) await at.sound(run);
    }
  });

  suite.it("a cancel holds across a kill, whatever was under way", async (open) => {
    const at = open(each, { write: { kind: "effect", run: never, probe: async () => ({ state: "not_started" }) } });
    const run = at.start({ input: ["write"] });
    await at.untilTold(run, "call-started write:0");
    at.engine.cancel(run, "person");
    at.crash();
    expect(await at.rest(run)).toBe("cancelled");
    await at.sound(run);
  });

  suite.it("the first of cancel and completion wins, and there is one end", async (open) => {
    for (let early = 0; early < 8; early += 1) {
      const at = open(each);
      const run = at.start({ input: ["echo", "echo"] });
      await turns(early);
      const code = await refusal(() => at.engine.cancel(run, "person"));
      expect(await at.rest(run)).toBe(code === null ? "cancelled" : "completed");
      if (code !== null) expect(code).toBe("conflict");
      expect(at.kinds(run).filter((kind) => kind === "run-ended")).toHaveLength(1);
      await at.sound(run);
    }
  });

  suite.it("a cancelled run hears nothing any more", async (open) => {
    const door = gate();
    const at = open(
      async (ctx) => {
        await Promise.all([ctx.call("write", 1), ctx.signal("approval:x", null, { for: "approval", approval_id: "x" })]);
        return { ok: true, value: 1 };
      },
      { write: { kind: "effect", run: () => door.passed } },
    );
    const run = at.start();
    await at.untilTold(run, "wait-started wait:0");
    at.engine.cancel(run, "person");
    for (const act of [() => at.engine.signal(run, "approval:x", 1), () => at.engine.event(run, 1), () => at.engine.pause(run, "person")])
      expect(await refusal(act), act.toString()).toBe("conflict");
    door.open(1);
    expect(await at.rest(run)).toBe("cancelled");
  });
}

export function pauseCases(suite: Suite): void {
  suite.it("a paused run begins nothing new; what is under way comes home, and resume goes on from there", async (open) => {
    const { activities, door } = payer();
    const at = open(each, activities);
    const run = at.start({ input: ["pay", "echo"] });
    await at.untilTold(run, "call-started pay:0");
    at.engine.pause(run, "person");
    at.engine.pause(run, "person");
    expect(at.status(run)).toBe("running");
    door.open("answer");
    expect(await at.rest(run)).toBe("paused");
    expect(at.kinds(run).slice(-2)).toEqual(["pause-requested", "call-completed pay:0"]);
    expect(at.fold(run).usage.completion_tokens).toBe(2);
    at.engine.resume(run, "person");
    await at.ends(run, ["answer", "echo"]);
  });

  suite.it("a paid call in its retry delay is not tried again while the run is paused, and is when it is resumed", async (open) => {
    let fails = true;
    let ran = 0;
    const at = open(each, {
      pay: paid(
        async () => {
          ran += 1;
          if (fails) throw new Error("busy");
          return "answer";
        },
        { retryDelayMs: () => 3_600_000 },
      ),
    });
    const run = at.start({ input: ["pay"] });
    await at.untilTold(run, "attempt-ended pay:0/attempt:1");
    at.engine.pause(run, "person");
    expect(await at.rest(run)).toBe("paused");
    expect(ran).toBe(1);
    fails = false;
    at.engine.resume(run, "person");
    await at.ends(run, ["answer"]);
    expect(at.attempts(run, "pay:0")).toBe(2);
  });

  suite.it("a paid call whose first attempt fails after the pause is tried again only when the run is resumed", async (open) => {
    const door = gate();
    let ran = 0;
    const at = open(each, {
      pay: paid(
        async () => {
          ran += 1;
          if (ran === 1) {
            await door.passed;
            throw new Error("busy");
          }
          return "answer";
        },
        { retryDelayMs: () => 1 },
      ),
    });
    const run = at.start({ input: ["pay"] });
    await at.untilTold(run, "call-started pay:0");
    at.engine.pause(run, "person");
    door.open(1);
    expect(await at.rest(run)).toBe("paused");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ran).toBe(1);
    at.engine.resume(run, "person");
    await at.ends(run, ["answer"]);
  });

  for (const kind of ["paid", "effect"] as const)
    suite.it(
      `a call (${kind}) that waits for its place does not begin while the run is paused, costs nothing, and is made when it is resumed`,
      async (open) => {
        const ran: unknown[] = [];
        const door = gate();
        const work =
          kind === "paid"
            ? paid((input) => (ran.push(input), door.passed))
            : { kind, run: (input: unknown) => (ran.push(input), door.passed) };
        const at = open(
          async (ctx, input) => ({ ok: true, value: (await ctx.call("work", input)).ok }),
          { work: { ...work, pool: "one" } },
          { pools: { one: 1 } },
        );
        const first = at.start({ input: "first" });
        await at.until(() => ran.length === 1);
        const second = at.start({ input: "second" });
        await at.untilTold(second, "call-started work:0");
        await turns();
        at.engine.pause(second, "person");
        expect(await at.rest(second)).toBe("paused");
        door.open(1);
        await at.ends(first, true);
        await turns();
        expect(ran).toEqual(["first"]);
        expect(at.fold(second).usage.completion_tokens).toBe(0);
        at.engine.resume(second, "person");
        await at.ends(second, true);
        expect(ran).toEqual(["first", "second"]);
      },
    );

  suite.it("a parked run that is paused keeps what it is told for the time after, and its deadlines run on", async (open) => {
    const at = open(async (ctx) => {
      const [a, b] = await Promise.all([
        ctx.branch("a", (inner) => inner.signal("a", null, { for: "approval", approval_id: "a" })),
        ctx.branch("b", (inner) => inner.signal("b", inner.now() + MINUTE, { for: "timer" })),
      ]);
      await ctx.call("echo", 1);
      return { ok: true, value: [a.kind, b.kind] };
    });
    const run = at.start();
    expect(await at.rest(run)).toBe("waiting_approval");
    at.engine.pause(run, "person");
    expect(await at.rest(run)).toBe("paused");
    at.engine.signal(run, "a", 1);
    await at.clock.advance(2 * MINUTE);
    expect(at.kinds(run)).toContain("wait-expired b/wait:0");
    expect(await refusal(() => at.engine.signal(run, "b", 1))).toBe("conflict");
    expect(await at.rest(run)).toBe("paused");
    expect(at.kinds(run)).not.toContain("call-started echo:0");
    at.crash();
    expect(await at.rest(run)).toBe("paused");
    at.engine.resume(run, "person");
    await at.ends(run, ["received", "expired"]);
  });

  suite.it("a paused or held run is at rest, also when a sleep of it goes on", async (open) => {
    const at = open({
      sleeps: async (ctx) => {
        await ctx.sleep(MINUTE);
        return { ok: true, value: 1 };
      },
      breaks: async (ctx) => {
        void ctx.branch("b", (inner) => inner.sleep(MINUTE));
        await ctx.call("echo", 1);
        throw new Error("a fault");
      },
    });
    const paused = at.start({ workflow: "sleeps" });
    await at.untilTold(paused, "wait-started sleep:0");
    const settled = at.engine.settled(paused);
    at.engine.pause(paused, "person");
    await settled;
    expect(await at.rest(paused)).toBe("paused");
    const held = at.start({ workflow: "breaks" });
    expect(await at.rest(held)).toBe("paused");
    at.engine.resume(paused, "person");
    await at.clock.advance(MINUTE);
    await at.ends(paused, 1);
  });

  suite.it("a queued run that is paused does not begin, is at rest, and waits for its turn again when it is resumed", async (open) => {
    const { activities, door } = payer();
    const at = open(each, activities, { maxRuns: 1 });
    const busy = at.start({ input: ["pay"] });
    await at.untilTold(busy, "call-started pay:0");
    const run = at.start({ input: ["echo"] });
    const settled = at.engine.settled(run);
    at.engine.pause(run, "person");
    await settled;
    expect(at.status(run)).toBe("paused");
    at.engine.resume(run, "person");
    await turns();
    expect(at.status(run)).toBe("queued");
    expect(at.kinds(run)).toEqual(["run-started", "pause-requested", "resume-requested"]);
    door.open(1);
    await at.ends(busy, [1]);
    await at.ends(run, ["echo"]);
  });

  suite.it(
    "a run that is killed while it pauses is paused when the next owner has it, and a lost call is made again after resume",
    async (open) => {
      const payers = payer();
      const at = open(each, payers.activities);
      const run = at.start({ input: ["pay"] });
      await at.untilTold(run, "call-started pay:0");
      at.engine.pause(run, "person");
      at.crash();
      expect(await at.rest(run)).toBe("paused");
      await turns();
      expect(payers.ran).toBe(1);
      expect(at.fold(run).usage).toMatchObject({ completion_tokens: 10, source: "estimated" });
      at.crash();
      expect(await at.rest(run)).toBe("paused");
      payers.door.open("answer");
      at.engine.resume(run, "person");
      await at.ends(run, ["answer"]);
      expect(payers.ran).toBe(2);
      expect(at.fold(run).usage.completion_tokens).toBe(12);
    },
  );

  suite.it("a pause during recovery holds what the earlier owner left, and the effect that it left is looked for", async (open) => {
    let ran = 0;
    const at = open(each, {
      look: { run: async () => ((ran += 1), "seen") },
      write: { kind: "effect", run: never, probe: async () => ({ state: "done", output: "found" }) },
    });
    const reading = at.start({ input: ["wait:s", "look", "look"] });
    const writing = at.start({ input: ["write", "look"] });
    await at.untilTold(writing, "call-started write:0");
    await at.rest(reading);
    at.engine.signal(reading, "s", 1);
    at.crash();
    at.engine.pause(reading, "person");
    at.engine.pause(writing, "person");
    expect(await at.rest(reading)).toBe("paused");
    expect(await at.rest(writing)).toBe("paused");
    await turns();
    expect(ran).toBe(0);
    expect(at.kinds(writing)).toContain("call-completed write:0");
    for (const run of [reading, writing]) at.engine.resume(run, "person");
    await at.ends(reading, [1, "seen", "seen"]);
    await at.ends(writing, ["found", "seen"]);
  });

  suite.it("a resume that comes while the run is still coming to rest is not lost", async (open) => {
    const { activities, door } = payer();
    const at = open(each, activities);
    const run = at.start({ input: ["pay", "echo"] });
    await at.untilTold(run, "call-started pay:0");
    at.engine.pause(run, "person");
    at.engine.resume(run, "person");
    at.engine.pause(run, "person");
    at.engine.resume(run, "person");
    door.open("answer");
    await at.ends(run, ["answer", "echo"]);
  });

  suite.it("a run that is paused and resumed at any moment comes to the same end", async (open) => {
    const at = open(each, { pay: paid(async () => "paid"), write: { kind: "effect", run: async () => "written" } });
    const runs = Array.from({ length: 12 }, () => at.start({ input: ["echo", "pay", "write", "echo"] }));
    for (const [index, run] of runs.entries()) {
      await turns(index % 4);
      await refusal(() => at.engine.pause(run, "person"));
    }
    for (const run of runs) expect(["paused", "completed"]).toContain(await at.rest(run));
    for (const run of runs) await refusal(() => at.engine.resume(run, "person"));
    for (const run of runs) {
      await at.ends(run, ["echo", "paid", "written", "echo"]);
      expect(at.attempts(run, "write:0")).toBe(1);
      expect(at.fold(run).usage.completion_tokens).toBe(2);
    }
  });

  suite.it("a run that is cancelled while it comes to rest leaves no call without an outcome", async (open) => {
    const doors = [gate(), gate()];
    let ran = 0;
    const at = open(
      async (ctx) => {
        await Promise.all([0, 1].map((index) => ctx.branch(`b${index}`, (inner) => inner.call("pay", index))));
        return { ok: true, value: 1 };
      },
      { pay: paid((input) => ((ran += 1), doors[Number(input)]?.passed ?? never()), { pool: "one" }) },
      { pools: { one: 1 } },
    );
    const run = at.start();
    await at.untilTold(run, "call-started b1/pay:0");
    await turns();
    at.engine.pause(run, "person");
    await at.untilTold(run, "attempt-ended b1/pay:0/attempt:1");
    at.engine.cancel(run, "person");
    expect(await at.rest(run)).toBe("cancelled");
    expect(
      at
        .kinds(run)
        .filter((kind) => kind.startsWith("call-failed"))
        .toSorted(),
    ).toEqual(["call-failed b0/pay:0", "call-failed b1/pay:0"]);
    expect(ran).toBe(1);
    expect(at.fold(run).usage.completion_tokens).toBe(10);
    await at.sound(run);
  });

  suite.it("a paused run can be cancelled, and an ended one can be neither paused nor resumed", async (open) => {
    const at = open(each);
    const run = at.start({ input: ["wait:s"] });
    await at.rest(run);
    at.engine.pause(run, "person");
    at.engine.cancel(run, "person");
    expect(await at.rest(run)).toBe("cancelled");
    expect(await refusal(() => at.engine.pause(run, "person"))).toBe("conflict");
    expect(await refusal(() => at.engine.resume(run, "person"))).toBe("conflict");
    await at.sound(run);
  });
}
