/** The end of a run is the end of its journal: what is still under way comes home first. */
import { describe, expect, it } from "vitest";
import { statusOf } from "../../../mcp-server/journal/fold-run.ts";
import type { Fn } from "../../support/bare-engine.ts";
import { eventsOf, gate, never, openBareEngine, turns } from "../../support/bare-engine.ts";

/** Ends when `echo` has answered, and leaves a branch with this call behind. */
const dropping =
  (activity: string): Fn =>
  async (ctx) => {
    void ctx.branch("dropped", (inner) => inner.call(activity, "dropped"));
    await ctx.call("echo", "main");
    return { ok: true, value: 1 };
  };

describe("a run that ends while a branch is still at work", () => {
  it("replays when the branch's answer is committed together with the last one", async () => {
    const answers = new Map<unknown, (value: unknown) => void>();
    const fn: Fn = async (ctx) => {
      void ctx.branch("dropped", async (inner) => {
        await inner.call("echo", "dropped");
        await inner.call("echo", "never asked");
      });
      await ctx.call("echo", "main");
      return { ok: true, value: 1 };
    };
    const at = openBareEngine(fn, { echo: { run: (input: unknown) => new Promise((resolve) => answers.set(input, resolve)) } });
    const run = at.start();
    await expect.poll(() => [...answers.keys()]).toEqual(["dropped", "main"]);
    answers.get("main")?.(1);
    answers.get("dropped")?.(1);
    await at.engine.settled(run);
    expect(eventsOf(at.journal, run).slice(-3)).toEqual(["call-completed echo:0", "call-completed dropped/echo:0", "run-ended"]);
    expect(await at.engine.replay(run)).toMatchObject({ ok: true });
  });

  it("gives up a paid call of the branch, settles it, and begins no further attempt", async () => {
    let attempts = 0;
    const late = gate();
    const begun = gate();
    const at = openBareEngine(dropping("pay"), {
      echo: { run: () => begun.passed },
      pay: {
        kind: "paid",
        admit: () => ({ reserve: { prompt_tokens: 1, completion_tokens: 9, usd: null } }),
        retryDelayMs: () => 0,
        run: () => {
          attempts += 1;
          begun.open(1);
          return late.passed;
        },
      },
    });
    const run = at.start();
    await at.engine.settled(run);
    late.open(1);
    await turns();
    expect(attempts).toBe(1);
    expect(eventsOf(at.journal, run).slice(-2)).toEqual(["call-failed dropped/pay:0", "run-ended"]);
    expect(at.journal.run(run).usage).toMatchObject({ completion_tokens: 9, source: "estimated" });
    expect(await at.engine.replay(run)).toMatchObject({ ok: true });
  });

  it("does not try again a paid call that waits for its next attempt", async () => {
    let attempts = 0;
    const main = gate();
    const at = openBareEngine(dropping("pay"), {
      echo: { run: () => main.passed },
      pay: {
        kind: "paid",
        admit: () => ({ reserve: { prompt_tokens: 1, completion_tokens: 9, usd: null } }),
        retryDelayMs: () => 60_000,
        run: async () => {
          attempts += 1;
          throw new Error("busy");
        },
      },
    });
    const run = at.start();
    await expect.poll(() => eventsOf(at.journal, run)).toContain("attempt-ended dropped/pay:0/attempt:1");
    main.open(1);
    await at.engine.settled(run);
    expect(attempts).toBe(1);
    expect(eventsOf(at.journal, run).slice(-2)).toEqual(["call-failed dropped/pay:0", "run-ended"]);
    expect(at.journal.run(run).usage.completion_tokens).toBe(9);
  });

  it("waits for an effect of the branch, so that the journal can tell of it", async () => {
    const written = gate();
    const at = openBareEngine(dropping("write"), { echo: {}, write: { kind: "effect", run: () => written.passed } });
    const run = at.start();
    await expect.poll(() => eventsOf(at.journal, run)).toContain("call-completed echo:0");
    await turns();
    expect(statusOf(at.journal.run(run))).toBe("running");
    written.open("written");
    await at.engine.settled(run);
    expect(eventsOf(at.journal, run).slice(-2)).toEqual(["call-completed dropped/write:0", "run-ended"]);
    expect(await at.engine.replay(run)).toMatchObject({ ok: true });
  });

  it("has its effect looked for by the next owner when it was killed, and ends after that", async () => {
    let probed = 0;
    const at = openBareEngine(dropping("write"), { echo: {}, write: { kind: "effect", run: never } });
    const run = at.start();
    await expect.poll(() => eventsOf(at.journal, run)).toContain("call-completed echo:0");
    const next = at.again(dropping("write"), {
      echo: {},
      write: { kind: "effect", probe: async () => ((probed += 1), { state: "done", output: 1 }) },
    });
    expect(next.engine.recover()).toEqual([run]);
    await next.engine.settled(run);
    expect(probed).toBe(1);
    expect(eventsOf(next.journal, run).slice(-2)).toEqual(["call-completed dropped/write:0", "run-ended"]);
    expect(await next.engine.replay(run)).toMatchObject({ ok: true });
  });
});

describe("an engine that is closed", () => {
  const asks: Fn = async (ctx) => {
    await ctx.signal("go", null, { for: "timer" });
    const answer = await ctx.call("pay", 1);
    return { ok: true, value: answer.ok };
  };

  it("lets nobody wait for a run that it drives no more", async () => {
    const at = openBareEngine(async (ctx) => ({ ok: true, value: await ctx.call("echo", 1) }), { echo: { run: never } });
    const run = at.start();
    await turns();
    const settled = at.engine.settled(run).then(
      () => "settled",
      (error: unknown) => String(error),
    );
    await at.engine.close();
    expect(await settled).toMatch(/Bosun was closed/u);
  });

  it("charges nothing for a paid call that it had queued and never begun", async () => {
    let ran = 0;
    const pay = {
      kind: "paid" as const,
      admit: () => ({ reserve: { prompt_tokens: 1, completion_tokens: 1000, usd: null } }),
      run: async () => (ran += 1),
    };
    const at = openBareEngine(asks, { pay });
    const run = at.start();
    await at.engine.settled(run);
    at.engine.signal(run, "go", 1);
    await turns(1);
    await at.engine.close();
    expect(ran).toBe(0);
    const next = at.again(asks, { pay });
    next.engine.recover();
    await next.engine.settled(run);
    expect(ran).toBe(1);
    expect(next.journal.run(run).usage.completion_tokens).toBe(0);
  });
});
