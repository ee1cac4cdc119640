/** What a plan was reckoned to cost, kept with the run and shown beside what it came to. */
import { describe, expect, it, onTestFinished } from "vitest";
import type { Estimate, StepEstimate } from "../../../shared/estimate.ts";
import type { RunView } from "../../../shared/run-view.ts";
import { runViewOf } from "../../../mcp-server/service/run-view.ts";
import type { Bench, FakeWorld } from "../../support/fake-crew.ts";
import { openBench, plan } from "../../support/fake-crew.ts";

const reckoned: Estimate = { usd: 0.5, prompt_tokens: 900, completion_tokens: 90, seconds: 9, source: "estimated" };
const step: StepEstimate = { ...reckoned, tier: "medium", model: "fake:m" };

function bench(world: Partial<FakeWorld> = {}): Bench {
  const at = openBench({
    model: (request) =>
      request.purpose === "plan"
        ? plan(["a", "coder"])
        : request.purpose === "replan"
          ? { json: { ...(plan(["again", "reviewer"]).json as object), keep: [] } }
          : request.worker === "coder"
            ? { tool_calls: [{ name: "give_up", arguments: { reason: "cannot" } }] }
            : { content: "report" },
    // The planner's call has been settled by then.
    price: () => ({
      estimate: { ...reckoned, critical_path: ["a"], guessed: ["coder"] },
      steps: { a: step },
      before: { usd: null, prompt_tokens: 10, completion_tokens: 5, seconds: 0 },
    }),
    ...world,
  });
  onTestFinished(() => at.close());
  return at;
}

async function done(at: Bench, runId: string = at.run({})): Promise<RunView> {
  await at.engine.settled(runId);
  at.engine.flush();
  return runViewOf(at.journal, at.journal.run(runId), ["plan"]);
}

describe("a run's estimate", () => {
  it("is that of its first plan, with what was used since", async () => {
    const { estimate, usage } = await done(bench());
    expect(usage).toMatchObject({ prompt_tokens: 50, completion_tokens: 25 });
    expect(estimate).toEqual({
      ...reckoned,
      critical_path: ["a"],
      guessed: ["coder"],
      actual: { usd: null, prompt_tokens: 40, completion_tokens: 20, seconds: expect.any(Number) as number, source: "reported" },
    });
  });

  it("tells what each step of that plan was reckoned to cost, and nothing of steps of a replan", async () => {
    const { plan: shown } = await done(bench());
    expect(shown?.steps.map((each) => [each.id, each.estimate])).toEqual([
      ["a", step],
      ["again", null],
    ]);
  });

  it("is null when the plan could not be priced", async () => {
    const at = bench({
      price: () => {
        throw new Error("no");
      },
    });
    expect(await done(at)).toMatchObject({ estimate: null, plan: { steps: [{ id: "a", estimate: null }, { id: "again" }] } });
  });

  it("is null for a fork that took the plan over with its price: it does only a part of it", async () => {
    const at = bench();
    const { run_id: parent } = await done(at);
    const opened = at.journal.events(parent).find((event) => event.kind === "span-opened")?.seq ?? 0;
    const fork = await at.engine.fork(parent, { at: opened });
    expect((await done(at, fork)).estimate).toBeNull();
  });

  it("is told of by a process that folds the journal's events anew", async () => {
    const at = bench();
    const { run_id: runId, estimate } = await done(at);
    at.journal.rebuild();
    expect(runViewOf(at.journal, at.journal.run(runId), []).estimate).toEqual(estimate);
  });
});
