/** What becomes of steps that a new plan drops while they are at work, and of plans that come to nothing. */
import { describe, expect, it, onTestFinished } from "vitest";
import { createWords } from "../../../mcp-server/service/words.ts";
import { statusOf } from "../../../mcp-server/journal/fold-run.ts";
import { eventsOf, gate, never, turns } from "../../support/bare-engine.ts";
import type { Bench, FakeReply, FakeWorld, PlanTuple } from "../../support/fake-crew.ts";
import { openBench, plan } from "../../support/fake-crew.ts";

const GIVE_UP: FakeReply = { tool_calls: [{ name: "give_up", arguments: { reason: "cannot" } }] };
const WRITE: FakeReply = { tool_calls: [{ name: "write_file", arguments: {} }] };

const replan = (keep: readonly string[], ...steps: PlanTuple[]): FakeReply => ({
  json: { ...(plan(...steps).json as object), keep },
});

function bench(world: FakeWorld): Bench {
  const made = openBench(world);
  onTestFinished(() => made.close());
  return made;
}

type Work = () => FakeReply | Promise<FakeReply>;

/** Step `a` and step `slow` at once; when `a` fails a new plan has only step `b`. */
function dropping(work: { readonly a: Work; readonly slow: Work; readonly b: Work }): Pick<FakeWorld, "model"> {
  return {
    model: (request) => {
      if (request.purpose === "plan") return plan(["a", "coder"], ["slow", "researcher"]);
      if (request.purpose === "replan") return replan([], ["b", "reviewer"]);
      if (request.purpose === "synthesise") return { content: "all" };
      return request.worker === "coder" ? work.a() : request.worker === "researcher" ? work.slow() : work.b();
    },
  };
}

const stepsOf = (at: Bench, run: string): unknown => at.journal.run(run).plan?.steps.map((step) => [step.id, step.status]);

describe("a step that a new plan drops", () => {
  it("adds nothing to a run that has ended, however late its model answers", async () => {
    const late = gate<FakeReply>();
    const at = bench(dropping({ a: () => GIVE_UP, slow: () => late.passed, b: () => ({ content: "b done" }) }));
    const run = at.run({});
    await at.engine.settled(run);
    expect(at.journal.run(run).ended?.status).toBe("completed");
    const [head, usage] = [at.journal.head(run), at.journal.run(run).usage];
    late.open({ content: "late" });
    await turns();
    expect(at.journal.head(run)).toBe(head);
    expect(at.journal.run(run).usage).toEqual(usage);
    expect(eventsOf(at.journal, run).at(-1)).toBe("run-ended");
    expect(await at.engine.replay(run)).toMatchObject({ ok: true });
  });

  it("leaves no paid call unsettled, also not for the next owner", async () => {
    const at = bench(dropping({ a: () => GIVE_UP, slow: never, b: () => ({ content: "b done" }) }));
    const run = at.run({});
    await at.engine.settled(run);
    const next = at.reopen();
    onTestFinished(() => next.close());
    expect(next.engine.recover()).toEqual([]);
    const events = next.journal.events(run);
    const started = events.filter((event) => event.kind === "call-started" && event.data.kind === "paid");
    const settled = events.filter(
      (event) =>
        (event.kind === "call-completed" || event.kind === "call-failed" || event.kind === "attempt-ended") &&
        event.data.usage !== undefined,
    );
    expect(started).toHaveLength(6);
    expect(settled).toHaveLength(started.length);
    expect(next.journal.run(run).usage).toMatchObject({ completion_tokens: 5 * 5 + 1000, source: "estimated" });
  });

  it("asks for no approval afterwards and applies nothing", async () => {
    const applied: string[] = [];
    const [fails, report, b] = [gate<FakeReply>(), gate<FakeReply>(), gate<FakeReply>()];
    const begun: string[] = [];
    let turn = 0;
    const at = bench({
      ...dropping({
        a: () => fails.passed,
        slow: () => {
          begun.push(`slow ${(turn += 1)}`);
          return turn === 1 ? WRITE : report.passed;
        },
        b: () => (begun.push("b"), b.passed),
      }),
      apply: (input) => applied.push(input.step),
    });
    const run = at.run({});
    await expect.poll(() => begun).toEqual(["slow 1", "slow 2"]);
    fails.open(GIVE_UP);
    await expect.poll(() => begun).toContain("b");
    expect(stepsOf(at, run)).toContainEqual(["slow", "cancelled"]);
    report.open({ content: "my report" });
    await turns();
    expect(at.journal.approvals({ run_id: run })).toEqual([]);
    b.open({ content: "b done" });
    await at.engine.settled(run);
    expect(statusOf(at.journal.run(run))).toBe("completed");
    expect(at.journal.approvals({ run_id: run })).toEqual([]);
    expect(applied).toEqual([]);
    expect(await at.engine.replay(run)).toMatchObject({ ok: true });
  });

  it("takes the approval that it had asked for with it", async () => {
    const applied: string[] = [];
    const [fails, b] = [gate<FakeReply>(), gate<FakeReply>()];
    let bBegan = false;
    let turn = 0;
    const at = bench({
      ...dropping({
        a: () => fails.passed,
        slow: () => ((turn += 1) === 1 ? WRITE : { content: "report" }),
        b: () => ((bBegan = true), b.passed),
      }),
      apply: (input) => applied.push(input.step),
    });
    const run = at.run({});
    await expect.poll(() => at.journal.approvals({ run_id: run, open: true }).length).toBe(1);
    const [row] = at.journal.approvals({ run_id: run, open: true });
    if (row === undefined) throw new Error("an approval is open");
    fails.open(GIVE_UP);
    await expect.poll(() => bBegan).toBe(true);
    expect(at.journal.approvals({ run_id: run }).map((each) => each.status)).toEqual(["void"]);
    const { approval_id: id, digest } = row.request;
    const approve = { decision: "approve", digest, reason: null, channel: "cli", assurance: "terminal" };
    at.engine.signal(run, `approval:${id}`, approve);
    await turns();
    b.open({ content: "b done" });
    await at.engine.settled(run);
    expect(applied).toEqual([]);
    expect(at.journal.approvals({ run_id: run }).map((each) => each.status)).toEqual(["void"]);
    expect(await at.engine.replay(run)).toMatchObject({ ok: true });
  });
});

describe("a plan whose only step failed", () => {
  const plans: Record<string, FakeReply> = {
    "keeps that step and adds none": replan(["a"]),
    "adds a step that needs it": replan([], ["b", "reviewer", ["a"]]),
  };
  for (const [what, reply] of Object.entries(plans)) {
    it(`fails the run when the new plan ${what}`, async () => {
      const at = bench({
        model: (request) => (request.purpose === "plan" ? plan(["a", "coder"]) : request.purpose === "replan" ? reply : GIVE_UP),
      });
      const run = at.run({});
      await at.engine.settled(run);
      const { ended } = at.journal.run(run);
      expect(ended).toMatchObject({ status: "failed", result: null });
      const said = ended?.error ?? null;
      expect(said === null ? "" : createWords(at.journal.blobs).error(said).message).toContain("cannot");
    });
  }
});
