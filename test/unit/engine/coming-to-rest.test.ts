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

it("an effect that waits for its place when Bosun is closed is not told to have failed, and happens later", async () => {
  const fn: Fn = async (ctx) => {
    const [first, second] = await Promise.all([ctx.call("slow", 1), ctx.call("write", 1)]);
    return { ok: true, value: [first.ok, second.ok] };
  };
  const begun = gate();
  const finish = gate();
  const ran: string[] = [];
  const activities = {
    slow: { kind: "effect", pool: "p", run: async () => (begun.open(1), finish.passed) },
    write: { kind: "effect", pool: "p", run: async () => ran.push("write") },
  } as const;
  const at = openBareEngine(fn, activities, { limits: { pools: { p: 1 } } });
  const run = at.start();
  await begun.passed;
  await turns();
  const closed = at.engine.close();
  finish.open(1);
  await closed;
  const next = at.again(fn, activities);
  expect(eventsOf(next.journal, run)).not.toContain("call-failed write:0");
  next.engine.recover();
  await next.engine.settled(run);
  expect(ran).toEqual(["write"]);
  expect(statusOf(next.journal.run(run))).toBe("completed");
});

it("an effect that waits for its next attempt when Bosun is closed is made again later", async () => {
  let ran = 0;
  const busy = {
    kind: "effect",
    retryDelayMs: () => 1000,
    run: async () => {
      ran += 1;
      if (ran === 1) throw new BosunError("internal", "busy");
    },
  } as const;
  const at = openBareEngine(writes, { write: busy });
  const run = at.start();
  await expect.poll(() => eventsOf(at.journal, run)).toContain("attempt-ended write:0/attempt:1");
  await at.engine.close();
  const next = at.again(writes, { write: busy });
  next.engine.recover();
  await next.engine.settled(run);
  expect(ran).toBe(2);
  expect(statusOf(next.journal.run(run))).toBe("completed");
});

it("closing does not wait for the next attempt of an effect that fails meanwhile", async () => {
  const begun = gate();
  const fail = gate();
  const at = openBareEngine(writes, {
    write: {
      kind: "effect",
      retryDelayMs: () => 600_000,
      run: async () => {
        begun.open(1);
        await fail.passed;
        throw new BosunError("internal", "busy");
      },
    },
  });
  at.start();
  await begun.passed;
  let closed = false;
  void at.engine.close().then(() => (closed = true));
  fail.open(1);
  await turns(60);
  expect(closed).toBe(true);
});

it("an effect that fails after the run was cancelled is not tried again", async () => {
  let ran = 0;
  const begun = gate();
  const fail = gate();
  const at = openBareEngine(writes, {
    write: {
      kind: "effect",
      retryDelayMs: () => 0,
      run: async () => {
        ran += 1;
        begun.open(1);
        await fail.passed;
        if (ran === 1) throw new BosunError("internal", "busy");
      },
    },
  });
  const run = at.start();
  await begun.passed;
  at.engine.cancel(run, "test");
  fail.open(1);
  await at.engine.settled(run);
  expect(ran).toBe(1);
  expect(statusOf(at.journal.run(run))).toBe("cancelled");
});

it("a call whose start was not written yet when the run was stopped does not begin", async () => {
  const ran: string[] = [];
  const fn: Fn = async (ctx) => {
    void ctx.call("pay", 1);
    void ctx.call("write", 1);
    throw new Error("a fault of the supervisor");
  };
  const at = openBareEngine(fn, {
    pay: {
      kind: "paid",
      admit: () => ({ reserve: { prompt_tokens: 1, completion_tokens: 9, usd: null } }),
      run: async () => ran.push("pay"),
    },
    write: { kind: "effect", run: async () => ran.push("write") },
  });
  const run = at.start();
  await at.engine.settled(run);
  expect(statusOf(at.journal.run(run))).toBe("paused");
  expect(ran).toEqual([]);
  expect(at.journal.run(run).usage).toMatchObject({ completion_tokens: 0 });
});

it("resuming a run that waits for its turn does not let it in before its turn", async () => {
  const go = gate();
  const begun: unknown[] = [];
  const fn: Fn = async (ctx, input) => {
    await ctx.call("work", input);
    return { ok: true, value: null };
  };
  const at = openBareEngine(fn, { work: { run: async (input: unknown) => (begun.push(input), go.passed) } }, { limits: { maxRuns: 1 } });
  at.start({ input: 1 });
  const second = at.start({ input: 2 });
  await turns();
  at.engine.resume(second, "test");
  await turns();
  expect(begun).toEqual([1]);
  go.open(1);
  await at.engine.settled(second);
  expect(begun).toEqual([1, 2]);
});

it("whoever asks after a run once the engine is closed is told so", async () => {
  const at = openBareEngine(writes, { write: { run: () => new Promise(() => undefined) } });
  const run = at.start();
  await turns();
  await at.engine.close();
  await expect(Promise.race([at.engine.settled(run), turns().then(() => "nothing")])).rejects.toThrow(/closed/u);
});

it("a second close waits for the first", async () => {
  const begun = gate();
  const finish = gate();
  const at = openBareEngine(writes, { write: { kind: "effect", run: async () => (begun.open(1), finish.passed) } });
  at.start();
  await begun.passed;
  const first = at.engine.close();
  let second = false;
  const closing = at.engine.close().then(() => (second = true));
  await turns();
  expect(second).toBe(false);
  finish.open(1);
  await first;
  await closing;
});

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

/** Runs `leaving` beside runs that have an outcome handed over in every turn, so that commits are held up; its events. */
async function leaveBesideBusyRuns(leaving: Fn, ran: string[]): Promise<readonly string[]> {
  const busy: Fn = async (ctx) => {
    for (let turn = 0; turn < 40; turn += 1) await ctx.call("echo", turn);
    return { ok: true, value: null };
  };
  const at = openBareEngine(
    { busy, leaving },
    {
      echo: {},
      pay: {
        kind: "paid",
        admit: () => ({ reserve: { prompt_tokens: 1, completion_tokens: 9, usd: null } }),
        run: async () => ran.push("pay"),
      },
      write: { kind: "effect", run: async () => ran.push("write") },
    },
  );
  const others = [at.start({ workflow: "busy" }), at.start({ workflow: "busy" })];
  const run = at.start({ workflow: "leaving" });
  await Promise.all([run, ...others].map((each) => at.engine.settled(each)));
  await turns();
  at.engine.flush();
  return eventsOf(at.journal, run).slice(3);
}

it("what a function asked for last before it returned has one outcome, and nothing comes after the run's end", async () => {
  const ran: string[] = [];
  const leaving: Fn = async (ctx) => {
    await ctx.call("echo", "first");
    void ctx.call("pay", 1);
    void ctx.call("write", 1);
    return { ok: true, value: null };
  };
  expect(await leaveBesideBusyRuns(leaving, ran)).toEqual([
    "call-started pay:0",
    "call-started write:0",
    "call-failed pay:0",
    "call-completed write:0",
    "run-ended",
  ]);
  expect(ran).toEqual(["write"]);
});

it("what a function asked for last before it failed does not begin, and nothing comes after the hold", async () => {
  const ran: string[] = [];
  const leaving: Fn = async (ctx) => {
    await ctx.call("echo", "first");
    void ctx.call("pay", 1);
    void ctx.call("write", 1);
    throw new Error("a fault of the supervisor");
  };
  const events = await leaveBesideBusyRuns(leaving, ran);
  expect(events.at(-1)).toBe("run-held");
  expect(ran).toEqual([]);
});

it("an effect that did not happen is not done when its function has returned meanwhile", async () => {
  let ran = 0;
  const slow = gate();
  const fn: Fn = async (ctx) => {
    void ctx.call("write", 1);
    void ctx.call("slow", 1);
    await ctx.call("pause", 1);
    return { ok: true, value: null };
  };
  const at = openBareEngine(fn, {
    pause: { run: () => turns(10) },
    slow: { kind: "effect", run: () => slow.passed },
    write: {
      kind: "effect",
      run: async () => {
        ran += 1;
        if (ran === 1) throw new BosunError("uncertain_effect", "nobody knows");
      },
    },
  });
  const run = at.start();
  await expect.poll(() => eventsOf(at.journal, run)).toContain("call-completed pause:0");
  await turns();
  await at.engine.decideEffect(run, "write:0", "not_happened", "test");
  await turns();
  slow.open(1);
  await at.engine.settled(run);
  expect(ran).toBe(1);
  expect(eventsOf(at.journal, run).at(-1)).toBe("run-ended");
});

it("a resume that comes while a run is on its way to a hold is not lost", async () => {
  const slow = gate();
  const begun = gate();
  let fails = true;
  const fn: Fn = async (ctx) => {
    const done = ctx.call("slow", 1);
    if (fails) throw new Error("a fault of the supervisor");
    await done;
    return { ok: true, value: null };
  };
  const at = openBareEngine(fn, { slow: { run: () => (begun.open(1), slow.passed) } });
  const run = at.start();
  await begun.passed;
  await turns();
  fails = false;
  at.engine.resume(run, "test");
  slow.open(1);
  await at.engine.settled(run);
  expect(statusOf(at.journal.run(run))).toBe("completed");
  expect(await at.engine.replay(run)).toMatchObject({ ok: true });
});
