import { expect, it } from "vitest";
import { refusal } from "../../contract/engine/suite.ts";
import type { Fn } from "../../support/bare-engine.ts";
import { openBareEngine } from "../../support/bare-engine.ts";

const waits: Fn = async (ctx) => {
  await ctx.signal("s", null, { for: "timer" });
  return { ok: true, value: 1 };
};

it("an owner that was taken over cannot say that a run is at rest", async () => {
  const at = openBareEngine(waits, {});
  const run = at.start();
  const next = at.again(waits, {});
  expect(next.journal.unfinished()).toEqual([run]);
  expect(await refusal(() => at.journal.park(run))).toBe("conflict");
  expect(next.journal.unfinished()).toEqual([run]);
});
