/** How paid attempts are let in: with what is set aside and which model they are made with, at once or after a wait. */
import { expect } from "vitest";
import type { Admission } from "../../../shared/events.ts";
import type { AnyActivity } from "../../../mcp-server/engine/activity.ts";
import { gate, never } from "../../support/bare-engine.ts";
import type { Fn } from "./harness.ts";
import { paid } from "./suite.ts";
import type { Suite } from "./suite.ts";

const asks: Fn = async (ctx) => {
  const got = await ctx.call("pay", 1);
  return { ok: true, value: got.ok ? got.value : got.error.code };
};

const LET_IN: Admission = {
  reserve: { prompt_tokens: 2, completion_tokens: 20, usd: 0.2 },
  choice: { model: "test:chosen", tier: "small", why: ["first in list"] },
};

/** A paid activity that is not let in at once. */
function later(admitLater: NonNullable<AnyActivity["admitLater"]>, run: AnyActivity["run"], more: Partial<AnyActivity> = {}) {
  return { pay: paid(run, { admit: () => null, admitLater, ...more }) };
}

export function admissionCases(suite: Suite): void {
  suite.it("a paid call that is let in at once has its reservation and model in its first event", async (open) => {
    const seen: unknown[] = [];
    const at = open(asks, { pay: paid(async (_, ctx) => seen.push(ctx.admission), { admit: () => LET_IN }) });
    const run = at.start();
    await at.ends(run, 1);
    expect(seen).toEqual([LET_IN]);
    expect(at.events(run)[1]?.data).toMatchObject({ ...LET_IN });
    expect(at.world.reader.usage(run)).toMatchObject([{ model: "test:chosen", completion_tokens: 2 }]);
    await at.sound(run);
  });

  suite.it("one that has to wait is let in before anything is sent, and that is in the journal by then", async (open) => {
    const door = gate();
    let sent = 0;
    const at = open(
      asks,
      later(
        () => door.passed.then(() => LET_IN),
        async (_, ctx) => {
          sent += 1;
          expect(ctx.admission).toEqual(LET_IN);
          return "answer";
        },
      ),
    );
    const run = at.start();
    await at.untilTold(run, "call-started pay:0");
    expect(sent).toBe(0);
    expect(at.fold(run).open["pay:0"]?.admission).toBe(null);
    door.open(1);
    await at.ends(run, "answer");
    expect(at.kinds(run)).toContain("attempt-admitted pay:0/attempt:1");
    expect(at.world.reader.usage(run)).toMatchObject([{ model: "test:chosen" }]);
    await at.sound(run);
  });

  suite.it(
    "one that was killed while it waited has cost nothing; one that was let in is settled at its reservation, once",
    async (open) => {
      const at = open(
        asks,
        later(
          () => never(),
          async () => "x",
        ),
      );
      const run = at.start();
      await at.untilTold(run, "call-started pay:0");
      at.crash(
        asks,
        later(
          async () => LET_IN,
          () => never(),
        ),
      );
      await at.untilTold(run, "attempt-admitted pay:0/attempt:2");
      expect(at.fold(run).usage).toMatchObject({ completion_tokens: 0 });
      at.crash(asks, { pay: paid(async () => "answer", { admit: () => LET_IN }) });
      await at.ends(run, "answer");
      expect(at.fold(run).usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 22, source: "estimated" });
      await at.sound(run);
    },
  );

  suite.it("one that is refused fails without a cost", async (open) => {
    const at = open(
      asks,
      later(
        () => Promise.reject(new Error("there is no room")),
        async () => "x",
      ),
    );
    const run = at.start();
    await at.ends(run, "internal");
    expect(at.fold(run).usage).toMatchObject({ prompt_tokens: 0, completion_tokens: 0 });
    await at.sound(run);
  });

  suite.it("one that waits to be let in ends with a cancel, and keeps no place in its pool from others", async (open) => {
    const door = gate();
    const pool = "model";
    const fn: Fn = async (ctx, input) => {
      const got = await ctx.call(input === "waits" ? "pay" : "quick", 1);
      return { ok: true, value: got.ok ? got.value : got.error.code };
    };
    const at = open(
      fn,
      {
        ...later(
          () => door.passed.then(() => LET_IN),
          async () => "x",
          { pool },
        ),
        quick: paid(async () => "quick", { pool }),
      },
      { pools: { [pool]: 1 } },
    );
    const waits = at.start({ input: "waits" });
    await at.untilTold(waits, "call-started pay:0");
    await at.ends(at.start({ input: "quick" }), "quick");
    at.engine.cancel(waits, "test");
    await at.engine.settled(waits);
    expect(at.fold(waits).ended?.status).toBe("cancelled");
    expect(at.fold(waits).usage).toMatchObject({ completion_tokens: 0 });
    await at.sound(waits);
  });

  suite.it("the next attempt knows which models have failed", async (open) => {
    const failed: unknown[] = [];
    let ran = 0;
    const at = open(asks, {
      pay: paid(
        async () => {
          ran += 1;
          if (ran < 3) throw new Error("busy");
          return "answer";
        },
        {
          admit: (_, { runId, path, attempt }) => {
            failed.push(at.fold(runId).open[path]?.failed ?? []);
            return { ...LET_IN, choice: { model: `test:${attempt}`, tier: null, why: [] } };
          },
          retryDelayMs: () => 30,
        },
      ),
    });
    const run = at.start();
    await at.ends(run, "answer");
    expect(failed).toEqual([[], ["test:1"], ["test:1", "test:2"]]);
    expect(at.world.reader.usage(run).map((row) => row.model)).toEqual(["test:1", "test:2", "test:3"]);
    await at.sound(run);
  });
}
