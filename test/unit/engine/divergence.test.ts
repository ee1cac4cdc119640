import { describe, expect, it } from "vitest";
import type { Probe } from "../../../mcp-server/engine/activity.ts";
import { createWords } from "../../../mcp-server/service/words.ts";
import { statusOf } from "../../../mcp-server/journal/fold-run.ts";
import type { Fn } from "../../support/bare-engine.ts";
import { never, openBareEngine, turns } from "../../support/bare-engine.ts";

const two: Fn = async (ctx) => {
  const [a, b] = await Promise.all([ctx.call("echo", 1), ctx.call("echo", 2)]);
  return { ok: true, value: [a.ok && a.value, b.ok && b.value] };
};

describe("replay of a changed function", () => {
  const changed: Record<string, Fn> = {
    "another input": async (ctx) => {
      await Promise.all([ctx.call("echo", 1), ctx.call("echo", 3)]);
      return { ok: true, value: [1, 2] };
    },
    "another order": async (ctx) => {
      const [b, a] = await Promise.all([ctx.call("echo", 2), ctx.call("echo", 1)]);
      return { ok: true, value: [a.ok && a.value, b.ok && b.value] };
    },
    "one after the other": async (ctx) => {
      await ctx.call("echo", 1);
      await ctx.call("echo", 2);
      return { ok: true, value: [1, 2] };
    },
    "a call less": async (ctx) => {
      await ctx.call("echo", 1);
      return { ok: true, value: [1, 2] };
    },
    "a call more": async (ctx) => {
      await Promise.all([ctx.call("echo", 1), ctx.call("echo", 2)]);
      await ctx.call("echo", 3);
      return { ok: true, value: [1, 2] };
    },
    "another result": async (ctx) => {
      await Promise.all([ctx.call("echo", 1), ctx.call("echo", 2)]);
      return { ok: true, value: [2, 1] };
    },
    "another branch": async (ctx) => {
      await ctx.branch("b", (inner) => Promise.all([inner.call("echo", 1), inner.call("echo", 2)]));
      return { ok: true, value: [1, 2] };
    },
    "a fact recorded": async (ctx) => {
      ctx.record("step-skipped", { step: "a", why: "b" });
      await Promise.all([ctx.call("echo", 1), ctx.call("echo", 2)]);
      return { ok: true, value: [1, 2] };
    },
  };

  it("passes when nothing changed", async () => {
    const at = openBareEngine(two, { echo: {} });
    const run = at.start();
    await at.engine.settled(run);
    expect(await at.engine.replay(run)).toMatchObject({ ok: true, result: { ok: true, value: [1, 2] } });
  });

  for (const [what, fn] of Object.entries(changed)) {
    it(`finds ${what}`, async () => {
      const at = openBareEngine(two, { echo: {} });
      const run = at.start();
      await at.engine.settled(run);
      const replayed = await at.again(fn, { echo: {} }).engine.replay(run);
      expect(replayed.ok, JSON.stringify(replayed)).toBe(false);
    });
  }
});

it("finds calls made at once that were made one after the other", async () => {
  const serial: Fn = async (ctx) => {
    const a = await ctx.call("echo", 1);
    const b = await ctx.call("echo", 2);
    return { ok: true, value: [a.ok && a.value, b.ok && b.value] };
  };
  const at = openBareEngine(serial, { echo: {} });
  const run = at.start();
  await at.engine.settled(run);
  expect(await at.engine.replay(run)).toMatchObject({ ok: true });
  expect((await at.again(two, { echo: {} }).engine.replay(run)).ok).toBe(false);
});

it("passes when only the wording of a hold changed", async () => {
  const holds =
    (message: string): Fn =>
    async (ctx) => {
      await ctx.hold({ code: "timeout", message, retryable: true });
      return { ok: true, value: 1 };
    };
  const at = openBareEngine(holds("nobody decided in time"), {});
  const run = at.start();
  await at.engine.settled(run);
  at.engine.resume(run, "test");
  await at.engine.settled(run);
  expect(await at.again(holds("nobody decided before it expired"), {}).engine.replay(run)).toMatchObject({ ok: true });
});

describe("recovery", () => {
  it("holds a run that the new version would drive elsewhere, and executes nothing", async () => {
    let executed = 0;
    const hang = { run: async (input: unknown) => (input === 2 ? never() : ((executed += 1), input)) };
    const at = openBareEngine(two, { echo: hang });
    const run = at.start();
    await expect.poll(() => executed).toBe(1);
    const next = at.again(
      async (ctx) => {
        await ctx.call("echo", 7);
        return { ok: true, value: null };
      },
      { echo: { run: async () => (executed += 1) } },
    );
    next.engine.recover();
    await next.engine.settled(run);
    const fold = next.journal.run(run);
    expect(statusOf(fold)).toBe("paused");
    expect(fold.held === null ? "" : createWords(next.journal.blobs).error(fold.held).message).toMatch(
      /would do something else than the journal has at event/u,
    );
    expect(executed).toBe(1);
    next.engine.cancel(run, "test");
    await next.engine.settled(run);
    expect(statusOf(next.journal.run(run))).toBe("cancelled");
  });

  const effect: Fn = async (ctx) => {
    const done = await ctx.call("echo", 1);
    return { ok: true, value: done.ok ? done.value : done.error.code };
  };
  const probes: readonly { readonly found: Probe<unknown>; readonly runs: number; readonly status: string }[] = [
    { found: { state: "done", output: "probed" }, runs: 1, status: "completed" },
    { found: { state: "not_started" }, runs: 2, status: "completed" },
    { found: { state: "failed", error: { code: "conflict", message: "m", retryable: true } }, runs: 1, status: "completed" },
    { found: { state: "uncertain", why: "who knows" }, runs: 1, status: "paused" },
  ];
  for (const { found, runs, status } of probes) {
    it(`asks the probe about an effect cut short: ${found.state}`, async () => {
      let ran = 0;
      const at = openBareEngine(effect, { echo: { kind: "effect", run: () => ((ran += 1), never()) } });
      const run = at.start();
      await expect.poll(() => ran).toBe(1);
      const next = at.again(effect, { echo: { kind: "effect", run: async () => ((ran += 1), "ran"), probe: async () => found } });
      next.engine.recover();
      await next.engine.settled(run);
      expect(ran).toBe(runs);
      expect(statusOf(next.journal.run(run))).toBe(status);
      if (found.state === "uncertain")
        expect(Object.values(next.journal.run(run).uncertain)).toMatchObject([{ error: { code: "uncertain_effect" } }]);
    });
  }

  it("gives a paid call up that was lost in five crashes", async () => {
    const asks: Fn = async (ctx) => {
      const answer = await ctx.call("echo", 1);
      return answer.ok ? { ok: true, value: 1 } : answer;
    };
    let ran = 0;
    const paid = {
      echo: {
        kind: "paid" as const,
        admit: () => ({ reserve: { prompt_tokens: 1, completion_tokens: 2, usd: null } }),
        run: () => ((ran += 1), never()),
      },
    };
    let at = openBareEngine(asks, paid);
    const run = at.start();
    for (let crash = 1; crash <= 5; crash += 1) {
      await expect.poll(() => ran).toBe(crash);
      at = at.again(asks, paid);
      at.engine.recover();
    }
    await at.engine.settled(run);
    expect(at.journal.run(run).ended?.error?.code).toBe("model_unavailable");
    expect(at.journal.run(run).usage).toMatchObject({ prompt_tokens: 5, completion_tokens: 10, source: "estimated" });
    expect(ran).toBe(5);
  });

  it("expires an overdue deadline at the start", async () => {
    const waits: Fn = async (ctx) => {
      const got = await ctx.signal("s", ctx.now() + 5, { for: "answer", question_id: "q", question: ctx.keep({ text: "?", options: [] }) });
      return { ok: true, value: got.kind };
    };
    const at = openBareEngine(waits, {});
    const run = at.start();
    await at.engine.settled(run);
    await expect.poll(() => at.journal.run(run).ended?.status, { timeout: 2000 }).toBe("completed");
    expect(() => at.engine.signal(run, "s", 1)).toThrow(/has ended/u);
  });

  it("keeps a signal that came before anyone waited", async () => {
    const waits: Fn = async (ctx) => {
      await ctx.call("echo", 1);
      const got = await ctx.signal<number>("early", null, {
        for: "answer",
        question_id: "q",
        question: ctx.keep({ text: "?", options: [] }),
      });
      return { ok: true, value: got.kind === "received" ? got.payload : null };
    };
    let unblock = (): void => undefined;
    const at = openBareEngine(waits, { echo: { run: () => new Promise((resolve) => (unblock = () => resolve(1))) } });
    const run = at.start();
    await turns();
    at.engine.signal(run, "early", 42);
    expect(() => at.engine.signal(run, "early", 43)).toThrow(/answered already/u);
    unblock();
    await at.engine.settled(run);
    expect(statusOf(at.journal.run(run))).toBe("completed");
    expect(await at.engine.replay(run)).toMatchObject({ ok: true, result: { value: 42 } });
  });
});
