/** Runs, values and calls. */
import { expect } from "vitest";
import type { Kept } from "../../../shared/durable.ts";
import { gate, never } from "../../support/bare-engine.ts";
import type { Fn } from "./harness.ts";
import { paid, refusal } from "./suite.ts";
import type { Suite } from "./suite.ts";

const echoes: Fn = async (ctx, input) => {
  const got = await ctx.call("echo", input);
  return got.ok ? got : { ok: true, value: got.error };
};

const VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1.5e-300,
  Number.MAX_SAFE_INTEGER,
  "",
  "\u0000 \u2028 é 😀 \ud800",
  [],
  [[], [null, [1]]],
  {},
  { "": 1, a: { b: [{ c: null }] } },
  JSON.parse('{"__proto__": {"x": 1}, "constructor": 2}'),
  { $kept: "0".repeat(64) },
  { $chain: "x", more: { $plain: { $kept: 1 } } },
  { $plain: [{ $plain: {} }] },
  { $blob: "x" },
  "x".repeat(10_000),
  Array.from({ length: 500 }, (_, index) => ({ index })),
];

const asks: Fn = async (ctx) => {
  const got = await ctx.call("pay", 1);
  return { ok: true, value: got.ok ? got.value : got.error.code };
};

export function callCases(suite: Suite): void {
  suite.it("a run is started, driven to its end, and known by its id", async (open) => {
    const at = open(echoes);
    const run = at.start({ input: "hello", session: "s" });
    expect(at.fold(run)).toMatchObject({ run_id: run, workflow: "w", session_id: "s" });
    await at.ends(run, "hello");
    expect(at.kinds(run)).toEqual(["run-started", "call-started echo:0", "call-completed echo:0", "run-ended"]);
    expect(await refusal(() => at.engine.settled(run))).toBe(null);
  });

  suite.it("a run that is not there is not found, whatever is asked of it", async (open) => {
    const at = open(echoes);
    const acts = [
      () => at.engine.signal("none", "s", 1),
      () => at.engine.cancel("none", "t"),
      () => at.engine.pause("none", "t"),
      () => at.engine.event("none", 1),
      () => at.engine.resume("none", "t"),
      () => at.engine.decideEffect("none", "p", "happened", "t"),
      () => at.engine.fork("none", { at: 1 }),
      () => at.engine.replay("none"),
      () => at.engine.settled("none"),
    ];
    for (const act of acts) expect(await refusal(act), act.toString()).toBe("not_found");
  });

  suite.it("a function that gives up, and one that throws, are told apart: failed, and held with the error", async (open) => {
    const at = open({
      fails: async () => ({ ok: false, error: { code: "tool_failed", message: "no", retryable: false } }),
      throws: async () => {
        throw new Error("a fault");
      },
    });
    const fails = at.start({ workflow: "fails" });
    expect(await at.rest(fails)).toBe("failed");
    expect(at.trouble(fails)).toBe("tool_failed: no");
    const throws = at.start({ workflow: "throws" });
    expect(await at.rest(throws)).toBe("paused");
    expect(at.trouble(throws)).toContain("a fault");
  });

  suite.it("every JSON value comes through input, call, signal, event and result as it is, now and on replay", async (open) => {
    const fn: Fn = async (ctx, input) => {
      const called = await ctx.call("echo", input);
      const told = await ctx.signal("s", null, { for: "timer" });
      return {
        ok: true,
        value: [input, called.ok && called.value, told.kind === "received" && told.payload, ctx.events()[0]],
      };
    };
    const at = open(fn);
    for (const value of VALUES) {
      const run = at.start({ input: value });
      await at.rest(run);
      at.engine.event(run, value);
      at.engine.signal(run, "s", value);
      await at.ends(run, [value, value, value, value]);
    }
  });

  suite.it("what is kept once is handed around as itself, across a kill and on replay", async (open) => {
    const fn: Fn = async (ctx) => {
      const mine = ctx.keep({ text: "large" });
      const list = ctx.chain([1, 2], ctx.chain([0]));
      const got = (await ctx.call("echo", { mine, list })) as { ok: true; value: { mine: typeof mine; list: typeof list } };
      const told = await ctx.signal<{ quote: Kept<string> }>("s", null, { for: "timer" });
      return {
        ok: true,
        value: [got.value.mine.value, got.value.list.items, told.kind === "received" && told.payload.quote.value],
      };
    };
    const at = open(fn);
    const run = at.start();
    await at.rest(run);
    at.crash();
    at.engine.signal(run, "s", { quote: at.engine.keep("said by a person") });
    at.crash();
    await at.ends(run, [{ text: "large" }, [0, 1, 2], "said by a person"]);
    expect(JSON.stringify(at.events(run))).not.toContain("said by a person");
  });

  suite.it(
    "branches run at once, and their outcomes are delivered in the order of the journal, also on replay and after a kill",
    async (open) => {
      const doors = Array.from({ length: 4 }, () => gate());
      const order: Fn = async (ctx) => {
        const seen: number[] = [];
        const each = async (index: number): Promise<void> => {
          await ctx.branch(`b${index}`, (inner) => inner.call("door", index));
          seen.push(index);
        };
        await Promise.all([0, 1, 2, 3].map(each));
        await ctx.signal("go", null, { for: "timer" });
        return { ok: true, value: seen };
      };
      const at = open(order, { door: { run: (input) => doors[Number(input)]?.passed ?? never() } });
      const run = at.start();
      await at.untilTold(run, "call-started b3/door:0");
      for (const index of [2, 0, 3, 1]) {
        doors[index]?.open(index);
        await at.until(() => at.kinds(run).includes(`call-completed b${index}/door:0`));
      }
      at.crash();
      await at.rest(run);
      at.engine.signal(run, "go", 1);
      await at.ends(run, [2, 0, 3, 1]);
    },
  );

  suite.it("outcomes that come in one turn are delivered one at a time, in one order for all readers", async (open) => {
    const all = gate();
    const race: Fn = async (ctx) => {
      const first = await Promise.race(
        [0, 1, 2].map(async (index) => (await ctx.branch(`b${index}`, (inner) => inner.call("door", index)), index)),
      );
      await ctx.call("echo", first);
      return { ok: true, value: first };
    };
    const at = open(race, { door: { run: () => all.passed } });
    const run = at.start();
    await at.untilTold(run, "call-started b2/door:0");
    all.open(1);
    const first = (await at.rest(run), at.kinds(run).find((kind) => kind.startsWith("call-completed b")));
    await at.ends(run, Number(/b(\d)/u.exec(first ?? "")?.[1]));
  });

  for (const kind of ["read", "idempotent"] as const)
    suite.it(`a call that is ${kind} is simply run again after a kill, and one that had its outcome is not`, async (open) => {
      const ran: unknown[] = [];
      const fn: Fn = async (ctx) => {
        await ctx.call("look", "first");
        const second = await ctx.call("look", "second");
        return { ok: true, value: second.ok && second.value };
      };
      const look = (stuck: boolean) => ({
        look: { kind, run: (input: unknown) => (ran.push(input), stuck && input === "second" ? never() : Promise.resolve(input)) },
      });
      const at = open(fn, look(true));
      const run = at.start();
      await at.untilTold(run, "call-started look:1");
      at.crash(fn, look(false));
      await at.ends(run, "second");
      expect(ran).toEqual(["first", "second", "second"]);
    });

  suite.it("a paid call that a kill cut off is settled at its reservation and made once more", async (open) => {
    let ran = 0;
    const pay = (stuck: boolean) => ({ pay: paid(() => ((ran += 1), stuck ? never() : Promise.resolve("answer"))) });
    const at = open(asks, pay(true));
    const run = at.start();
    await at.until(() => ran === 1);
    at.crash(asks, pay(false));
    await at.ends(run, "answer");
    expect(ran).toBe(2);
    expect(at.fold(run).usage).toEqual({ prompt_tokens: 2, completion_tokens: 12, cached_tokens: 0, usd: 0.11, source: "estimated" });
    expect(at.kinds(run)).toContain("attempt-ended pay:0/attempt:1");
  });

  suite.it("a paid call that was lost in five crashes is given up", async (open) => {
    let ran = 0;
    const at = open(asks, { pay: paid(() => ((ran += 1), never())) });
    const run = at.start();
    for (let crash = 1; crash <= 5; crash += 1) {
      await at.until(() => ran === crash);
      at.crash();
    }
    await at.ends(run, "model_unavailable");
    expect(ran).toBe(5);
    expect(at.fold(run).usage).toMatchObject({ completion_tokens: 50, source: "estimated" });
  });

  suite.it("a paid call that failed is tried again as its activity says, and each attempt is charged", async (open) => {
    let ran = 0;
    const at = open(asks, {
      pay: paid(
        async () => {
          ran += 1;
          if (ran < 3) throw new Error("busy");
          return "answer";
        },
        { retryDelayMs: () => 1 },
      ),
    });
    const run = at.start();
    await at.ends(run, "answer");
    expect(at.attempts(run, "pay:0")).toBe(3);
    expect(at.fold(run).usage.completion_tokens).toBe(22);
  });

  suite.it(
    "a paid call that waits for its next attempt is tried again at once after a kill, and nothing is settled twice",
    async (open) => {
      let ran = 0;
      const pay = (fails: boolean) => ({
        pay: paid(
          async () => {
            ran += 1;
            if (fails) throw new Error("busy");
            return "answer";
          },
          { retryDelayMs: () => 3_600_000 },
        ),
      });
      const at = open(asks, pay(true));
      const run = at.start();
      await at.untilTold(run, "attempt-ended pay:0/attempt:1");
      at.crash(asks, pay(false));
      await at.ends(run, "answer");
      expect(ran).toBe(2);
      expect(at.fold(run).usage.completion_tokens).toBe(12);
    },
  );

  suite.it("an owner that was frozen while another took over changes nothing any more and says why", async (open) => {
    const ran: number[] = [];
    const fn: Fn = async (ctx) => {
      await ctx.call("look", 1);
      await ctx.call("write", 1);
      return { ok: true, value: 1 };
    };
    let owner = 1;
    const look = gate();
    const at = open(fn, {
      look: { run: () => (owner === 1 ? look.passed : Promise.resolve(1)) },
      write: { kind: "effect", run: async () => ran.push(owner) },
    });
    const run = at.start();
    await at.untilTold(run, "call-started look:0");
    const frozen = at.engine;
    at.world.freeze();
    owner = 2;
    at.world.takeOver();
    await at.ends(run, 1);
    const head = at.world.reader.head(run);
    at.world.thaw();
    look.open(1);
    await at.until(() => frozen.broken !== null);
    expect(frozen.broken).toMatchObject({ code: "conflict" });
    expect(await refusal(() => frozen.start({ workflow: "w", session_id: null, input: 1 }))).toBe("conflict");
    expect(await refusal(() => frozen.settled(run))).toBe("conflict");
    expect(ran).toEqual([2]);
    expect(at.world.reader.head(run)).toBe(head);
  });
}
