/** What is not driven is not kept in memory. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import type { Fn } from "../../support/bare-engine.ts";
import { openBareEngine, turns } from "../../support/bare-engine.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

async function settleMemory(): Promise<void> {
  for (let round = 0; round < 2; round += 1) {
    await turns(3);
    collectGarbage();
  }
}

async function heapBytes(): Promise<number> {
  await settleMemory();
  return process.memoryUsage().heapUsed;
}

const endings: Record<string, Fn> = {
  "waits for a signal": async (ctx) => {
    await ctx.signal("go", null, { for: "timer" });
    return { ok: true, value: 1 };
  },
  "is held because its function failed": async () => {
    throw new Error("x");
  },
  "is held until a person resumes it": async (ctx) => {
    await ctx.hold({ code: "timeout", message: "m", retryable: true });
    return { ok: true, value: 1 };
  },
  "has ended": async (ctx) => {
    void ctx.branch("dropped", (inner) => inner.call("echo", 1));
    return { ok: true, value: 1 };
  },
};

/** A run that is kept costs 1,700 bytes at least; what remains here is the measurement's own. */
const BYTES_PER_RUN = 700;

for (const [what, fn] of Object.entries(endings)) {
  it(`nothing is left of a run that ${what}`, async () => {
    const at = openBareEngine(fn, { echo: {} });
    const drive = async (runs: number): Promise<void> => {
      for (let count = 0; count < runs; count += 1) await at.engine.settled(at.start());
    };
    await drive(300);
    const before = await heapBytes();
    await drive(400);
    expect(((await heapBytes()) - before) / 400).toBeLessThan(BYTES_PER_RUN);
  });
}

it("nothing is left of a replay that found a divergence", async () => {
  const at = openBareEngine(async (ctx) => ({ ok: true, value: await ctx.call("echo", 1) }), { echo: {} });
  const run = at.start();
  await at.engine.settled(run);
  const contexts: WeakRef<object>[] = [];
  const changed = at.again(
    async (ctx) => {
      contexts.push(new WeakRef(ctx));
      const { length } = await ctx.branch("new", async (inner) => [await inner.call("echo", 2)]);
      return { ok: true, value: length };
    },
    { echo: {} },
  );
  for (let count = 0; count < 50; count += 1) expect((await changed.engine.replay(run)).ok).toBe(false);
  await settleMemory();
  // The last one may still be on the stack.
  expect(contexts.filter((context) => context.deref() !== undefined).length).toBeLessThanOrEqual(1);
});
