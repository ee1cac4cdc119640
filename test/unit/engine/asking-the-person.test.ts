/** The person is asked what can be answered, and not about what no longer matters: changes of a dropped step, plans without a step. */
import { describe, expect, it, onTestFinished } from "vitest";
import type { Question } from "../../../shared/durable.ts";
import { statusOf } from "../../../mcp-server/journal/fold-run.ts";
import type { Proposal } from "../../../mcp-server/supervisor/activities.ts";
import { gate, turns } from "../../support/bare-engine.ts";
import type { Bench, FakeReply, FakeWorld } from "../../support/fake-crew.ts";
import { openBench, plan } from "../../support/fake-crew.ts";

const GIVE_UP: FakeReply = { tool_calls: [{ name: "give_up", arguments: { reason: "cannot" } }] };
const WRITE: FakeReply = { tool_calls: [{ name: "write_file", arguments: {} }] };

/** Step `a` gives up when told to; meanwhile `slow` has written; the new plan has only step `b`, which reports when told to. */
function dropping(world: Partial<FakeWorld>): { at: Bench; run: string; fail: () => Promise<void>; end: () => Promise<void> } {
  const [fails, b] = [gate<FakeReply>(), gate<FakeReply>()];
  const begun: string[] = [];
  const at = openBench({
    model: (request) => {
      if (request.purpose === "plan") return plan(["a", "coder"], ["slow", "researcher"]);
      if (request.purpose === "replan") return { json: { ...(plan(["b", "reviewer"]).json as object), keep: [] } };
      if (request.worker === "coder") return fails.passed;
      if (request.worker === "researcher") return request.turn === 1 ? WRITE : { content: "written" };
      begun.push("b");
      return b.passed;
    },
    ...world,
  });
  onTestFinished(() => at.close());
  const run = at.run({});
  return {
    at,
    run,
    fail: async () => {
      fails.open(GIVE_UP);
      await expect.poll(() => begun).toEqual(["b"]);
    },
    end: async () => {
      await turns();
      b.open({ content: "b done" });
      await at.engine.settled(run);
    },
  };
}

describe("a step that a new plan drops", () => {
  it("asks for no approval when its changes were being put together", async () => {
    const proposed = gate<Partial<Proposal>>();
    let proposing = false;
    const { at, run, fail, end } = dropping({ propose: () => ((proposing = true), proposed.passed) });
    await expect.poll(() => proposing).toBe(true);
    await fail();
    proposed.open({});
    await end();
    expect(at.journal.approvals({ run_id: run })).toEqual([]);
    expect(statusOf(at.journal.run(run))).toBe("completed");
    expect(await at.engine.replay(run)).toMatchObject({ ok: true });
  });

  it("does not ask again when the run is resumed after its approval expired", async () => {
    const { at, run, fail, end } = dropping({ propose: () => ({ expires_at: Date.now() - 1 }) });
    await expect.poll(() => Object.values(at.journal.run(run).waits).map((wait) => wait.about.for)).toEqual(["hold"]);
    await fail();
    at.engine.resume(run, "person");
    await end();
    expect(at.journal.approvals({ run_id: run }).map((row) => row.status)).toEqual(["expired"]);
    expect(statusOf(at.journal.run(run))).toBe("completed");
    expect(await at.engine.replay(run)).toMatchObject({ ok: true });
  });
});

describe("a planner that only ever asks", () => {
  it("fails when nobody is asked any more, and does not end well without a step", async () => {
    const at = openBench({
      model: (request) =>
        request.purpose === "plan"
          ? { json: { confidence: 0.9, complexity: 0.5, question: { text: "Which?", options: [] }, steps: [] } }
          : { content: "all done" },
    });
    onTestFinished(() => at.close());
    const run = at.run({});
    let questions = 0;
    for (; questions < 5; questions += 1) {
      await at.engine.settled(run);
      const [wait] = Object.values(at.journal.run(run).waits);
      if (wait === undefined) break;
      at.engine.signal(run, wait.name, at.engine.keep("that one"));
    }
    expect(questions).toBe(3);
    expect(at.journal.run(run).ended).toMatchObject({ status: "failed", error: { code: "model_refused" } });
  });
});

describe("a planner that is not sure", () => {
  it("offers to go on with the plan, and that answer does", async () => {
    const unsure = { json: { ...(plan(["a", "coder"]).json as object), confidence: 0.3 } };
    const at = openBench({ model: (request) => (request.purpose === "plan" ? unsure : { content: "report" }) });
    onTestFinished(() => at.close());
    const run = at.run({});
    await at.engine.settled(run);
    const [wait] = Object.values(at.journal.run(run).waits);
    if (wait?.about.for !== "answer") throw new Error("a question is open");
    const question = JSON.parse(at.journal.blobs.get(wait.about.question.$kept).toString("utf8")) as Question;
    expect(question).toEqual({
      text: expect.stringContaining("(confidence 0.30):\ncoder: goal of a\n") as string,
      options: [{ value: "go_on", label: "Go on with this plan" }],
    });
    at.engine.signal(run, wait.name, at.engine.keep(question.options[0]?.value));
    await at.engine.settled(run);
    expect(statusOf(at.journal.run(run))).toBe("completed");
  });
});
