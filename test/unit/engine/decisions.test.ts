/** Decisions and answers reach the one who waits for them, whatever they say. */
import { describe, expect, it, onTestFinished } from "vitest";
import { createWords } from "../../../mcp-server/service/words.ts";
import { statusOf } from "../../../mcp-server/journal/fold-run.ts";
import type { Wait } from "../../../shared/durable.ts";
import type { Fn } from "../../support/bare-engine.ts";
import { openBareEngine } from "../../support/bare-engine.ts";
import type { Bench } from "../../support/fake-crew.ts";
import { openBench, plan } from "../../support/fake-crew.ts";

/** A run whose one worker has written a file and waits for approval. */
async function waiting(applied: string[] = []): Promise<{ at: Bench; run: string; decide: (decision: object) => void }> {
  const at = openBench({
    model: (request, call) => {
      if (request.purpose === "plan") return plan(["a", "coder"]);
      return call === 2 ? { tool_calls: [{ name: "write_file", arguments: {} }] } : { content: "written" };
    },
    apply: (input) => applied.push(input.step),
  });
  onTestFinished(() => at.close());
  const run = at.run({});
  await at.engine.settled(run);
  const [row] = at.journal.approvals({ run_id: run, open: true });
  if (row === undefined) throw new Error("an approval is open");
  const { approval_id: id, digest } = row.request;
  return {
    at,
    run,
    decide: (decision) =>
      at.engine.signal(run, `approval:${id}`, { digest, reason: null, channel: "cli", assurance: "terminal", ...decision }),
  };
}

const outcomes = (at: Bench, run: string): string[] => at.journal.approvals({ run_id: run }).map((row) => row.status);

describe("a decision", () => {
  it("rejects with a reason of any length", async () => {
    const applied: string[] = [];
    const { at, run, decide } = await waiting(applied);
    decide({ decision: "reject", reason: "x".repeat(600) });
    await at.engine.settled(run);
    expect(outcomes(at, run)).toContain("rejected");
    expect(outcomes(at, run)).not.toContain("approved");
    expect(applied).toEqual([]);
  });

  it("approves with a reason of any length", async () => {
    const applied: string[] = [];
    const { at, run, decide } = await waiting(applied);
    decide({ decision: "approve", reason: "x".repeat(600) });
    await at.engine.settled(run);
    expect(outcomes(at, run)).toEqual(["approved"]);
    expect(applied).toEqual(["a"]);
    expect(statusOf(at.journal.run(run))).toBe("completed");
    at.journal.rebuild();
    expect(outcomes(at, run)).toEqual(["approved"]);
  });

  it("may name more files than fit into an event of the usual size", async () => {
    const { at, run, decide } = await waiting();
    decide({ decision: "reject", parts: Array.from({ length: 40 }, (_, index) => `src/file-${index}.ts`) });
    await at.engine.settled(run);
    expect(outcomes(at, run)).toContain("rejected");
  });
});

describe("a name that is waited for twice", () => {
  const twice =
    (about: Wait): Fn =>
    async (ctx) => {
      await ctx.signal("s", null, about);
      await ctx.signal("s", null, about);
      return { ok: true, value: 1 };
    };
  const once: Record<string, Wait> = {
    approval: { for: "approval", approval_id: "s" },
    answer: { for: "answer", question_id: "s", question: { $kept: "00" } },
  };
  for (const [what, about] of Object.entries(once)) {
    it(`holds the run when it is for an ${what}, which comes once only`, async () => {
      const at = openBareEngine(twice(about), {});
      const run = at.start();
      await at.engine.settled(run);
      at.engine.signal(run, "s", { decision: "approve" });
      await at.engine.settled(run);
      const { held, waits } = at.journal.run(run);
      expect(held === null ? "" : createWords(at.journal.blobs).error(held).message).toContain("s is waited for twice");
      expect(waits).toEqual({});
      expect(at.journal.openWaits(run)).toEqual([]);
      expect(() => at.engine.signal(run, "s", { decision: "reject" })).toThrow(/answered already/u);
    });
  }

  it("goes on when it is for the time that passes", async () => {
    const at = openBareEngine(async (ctx) => {
      await ctx.sleep(1);
      await Promise.all([ctx.sleep(1), ctx.sleep(2)]);
      return { ok: true, value: 1 };
    }, {});
    const run = at.start();
    await at.engine.settled(run);
    expect(statusOf(at.journal.run(run))).toBe("completed");
    expect(await at.engine.replay(run)).toMatchObject({ ok: true });
  });
});
