/** Effects happen once, and what is not known about them is not hidden. */
import { expect, it, onTestFinished } from "vitest";
import { BosunError } from "../../../shared/errors.ts";
import type { Probe } from "../../../mcp-server/engine/activity.ts";
import type { Journal } from "../../../mcp-server/journal/port.ts";
import { statusOf } from "../../../mcp-server/journal/fold-run.ts";
import type { Fn } from "../../support/bare-engine.ts";
import { eventsOf, gate, never, openBareEngine, turns } from "../../support/bare-engine.ts";
import { openBench, plan } from "../../support/fake-crew.ts";

const writes: Fn = async (ctx) => {
  const done = await ctx.call("write", 1);
  return { ok: true, value: done.ok };
};

it("an owner that was frozen does not repeat an effect after another took over", async () => {
  const zero = openBareEngine(writes, { write: { kind: "effect", run: never } });
  const run = zero.start();
  await expect.poll(() => eventsOf(zero.journal, run)).toContain("call-started write:0");
  const ran: string[] = [];
  const found = gate<Probe<unknown>>();
  let probing = false;
  const frozen = zero.again(writes, {
    write: { kind: "effect", run: async () => ran.push("frozen"), probe: () => ((probing = true), found.passed) },
  });
  frozen.engine.recover();
  await expect.poll(() => probing).toBe(true);
  const owner = frozen.again(writes, {
    write: { kind: "effect", run: async () => ran.push("owner"), probe: async () => ({ state: "not_started" }) },
  });
  owner.engine.recover();
  await owner.engine.settled(run);
  found.open({ state: "not_started" });
  await turns();
  expect(ran).toEqual(["owner"]);
  expect(frozen.engine.broken).toMatchObject({ code: "conflict" });
  expect(statusOf(owner.journal.run(run))).toBe("completed");
});

function uncertainIn(journal: Journal, run: string): readonly string[] {
  return Object.values(journal.run(run).uncertain).map(({ error }) => error.code);
}

it("an effect that cannot tell whether it happened holds the run, and goes on once it can tell", async () => {
  let ran = 0;
  let found: Probe<unknown> = { state: "uncertain", why: "the file is locked" };
  const at = openBareEngine(writes, {
    write: {
      kind: "effect",
      run: async () => {
        ran += 1;
        throw new BosunError("uncertain_effect", "it could not be recorded");
      },
      probe: async () => found,
    },
  });
  const run = at.start();
  await at.engine.settled(run);
  expect(uncertainIn(at.journal, run)).toEqual(["uncertain_effect"]);
  expect(statusOf(at.journal.run(run))).toBe("paused");
  at.engine.resume(run, "test");
  await at.engine.settled(run);
  expect(uncertainIn(at.journal, run)).toEqual(["uncertain_effect"]);
  expect(statusOf(at.journal.run(run))).toBe("paused");
  found = { state: "done", output: "written" };
  at.engine.resume(run, "test");
  await at.engine.settled(run);
  expect(statusOf(at.journal.run(run))).toBe("completed");
  expect(ran).toBe(1);
  expect(await at.engine.replay(run)).toMatchObject({ ok: true, result: { value: true } });
});

it("a worker is not told that nothing was changed when nobody knows", async () => {
  const told: string[] = [];
  const at = openBench({
    model: (request, call) => {
      told.push(request.last);
      if (request.purpose === "plan") return plan(["a", "coder"]);
      return call === 2 ? { tool_calls: [{ name: "write_file", arguments: {} }] } : { content: "written" };
    },
    apply: () => {
      throw new BosunError("uncertain_effect", "all files were put in place, but that could not be recorded");
    },
  });
  onTestFinished(() => at.close());
  const run = at.run({});
  await at.engine.settled(run);
  const [approval] = at.journal.approvals({ run_id: run, open: true });
  at.engine.signal(run, `approval:${approval?.request.approval_id ?? ""}`, {
    decision: "approve",
    digest: approval?.request.digest,
    reason: null,
    channel: "cli",
    assurance: "terminal",
  });
  await at.engine.settled(run);
  expect(told.filter((text) => text.includes("Nothing was changed"))).toEqual([]);
  expect(statusOf(at.journal.run(run))).toBe("paused");
});
