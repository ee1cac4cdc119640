/** Plans whose steps fail: what is kept, dropped, skipped, and when nobody is asked again. */
import { BosunError } from "../../shared/errors.ts";
import { plan } from "../support/fake-crew.ts";
import type { FakeReply, PlanTuple } from "../support/fake-crew.ts";
import { crew, giveUp, pause, reads, replan, stepOf } from "./scenario.ts";
import type { Request, Scenario, Scenarios } from "./scenario.ts";

/** Steps that give up; the others report, each after so many milliseconds (default 0). */
function failing(ids: readonly string[], after: Readonly<Record<string, number>> = {}): (request: Request) => Promise<FakeReply> {
  return async (request) => {
    const id = stepOf(request);
    if (after[id] !== undefined) await pause(after[id]);
    return ids.includes(id)
      ? { tool_calls: [{ name: "give_up", arguments: { reason: `${id} cannot be done` } }] }
      : { content: `report of ${id}` };
  };
}

/** A planner whose first replan is complained about. */
const complained = (bad: FakeReply, steps: readonly PlanTuple[], world: Partial<Scenario["world"]> = {}): Scenario => ({
  world: {
    ...crew({
      plan: plan(...steps),
      replan: (request) => (request.last.startsWith("That answer cannot be used") ? replan([], ["z", "researcher"]) : bad),
      work: failing(["a"]),
    }),
    ...world,
  },
});

const ABC: readonly PlanTuple[] = [
  ["a", "coder"],
  ["b", "reviewer", ["a"]],
  ["c", "reviewer", ["b"]],
];

export const REPLANS: Scenarios = {
  "no-more-steps-at-once-than-allowed": {
    world: {
      ...crew({
        plan: plan(...["a", "b", "c", "d", "e"].map((id): PlanTuple => [id, "coder"])),
        work: failing([], { a: 5, b: 15, c: 25, d: 5, e: 5 }),
      }),
      limits: { max_parallel_steps: 2 },
    },
  },
  "no-room-for-any-new-plan": {
    world: { ...crew({ plan: plan(...ABC, ["d", "coder"]), work: failing(["a"]) }), limits: { max_revisions: 0 } },
  },
  "given-steps-are-planned-anew": {
    world: { ...crew({ replan: replan([], ["n", "researcher"]), work: failing(["x"]) }), replanSchema: { replan: true } },
    input: {
      steps: [{ id: "x", worker: "coder", goal: "goal of x", depends_on: [], when: null, expects: "" }],
    },
  },
  "two-fail-and-one-plan-answers-one": {
    world: crew({
      plan: plan(["a", "coder"], ["b", "reviewer"], ["c", "researcher", ["a"]], ["d", "researcher", ["b"]]),
      replan: async (request) => {
        await pause(10);
        return request.turn === 1 ? replan(["d"], ["a2", "coder"]) : replan(["a2"], ["b2", "coder", ["a2"]]);
      },
      work: failing(["a", "b"], { b: 5, a2: 40 }),
    }),
  },
  "two-fail-in-the-other-order": {
    world: crew({
      plan: plan(["a", "coder"], ["b", "reviewer"], ["c", "researcher"]),
      replan: async (request) => {
        await pause(10);
        return replan(["c"], [`n${request.turn}`, "coder"]);
      },
      work: failing(["a", "b"], { a: 5, c: 60 }),
    }),
  },
  "replan-refused-while-others-work": {
    world: {
      model: async (request) => {
        if (request.purpose === "plan") return plan(["a", "coder"], ["b", "reviewer"], ["c", "reviewer", ["b"]], ["d", "coder", ["a"]]);
        if (request.purpose === "replan") throw new BosunError("model_refused", "no");
        if (request.worker === "reviewer") await pause(10);
        return stepOf(request) === "a" ? giveUp : { content: "report" };
      },
    },
  },
  "replan-keeps-what-runs-and-adds-nothing": {
    world: crew({
      plan: plan(["a", "coder"], ["b", "reviewer"], ["c", "reviewer", ["b"]]),
      replan: replan(["b", "c"]),
      work: failing(["a"], { b: 20 }),
    }),
  },
  "replan-keeps-what-is-done-only": {
    world: crew({
      plan: plan(["a", "coder", ["b"]], ["b", "reviewer"], ["c", "coder", ["a"]]),
      replan: replan(["b"]),
      work: failing(["a"]),
    }),
  },
  "replan-names-what-is-not-there": complained(replan(["a", "nobody", "b"], ["n", "researcher"]), ABC),
  "replan-builds-on-what-failed": complained(replan([], ["n", "researcher", ["a"]], ["m", "coder", ["n"]]), ABC),
  "replan-keeps-what-cannot-be": complained(replan(["b"], ["n", "researcher"]), ABC),
  "replan-uses-an-id-again": complained(replan([], ["b", "researcher"]), ABC),
  "replan-with-an-unknown-worker": complained(
    replan([], ["n", "wizard"], ["o", "witch"], ["p", "elf"], ["q", "orc"], ["r", "ent"], ["s", "elf"]),
    ABC,
  ),
  "replan-over-the-limit": complained(replan([], ["n", "researcher"], ["o", "researcher"], ["p", "researcher"], ["q", "researcher"]), ABC, {
    limits: { max_steps: 3 },
  }),
  "replan-up-to-the-limit": {
    world: {
      ...crew({ plan: plan(["a", "coder"]), replan: replan([], ["n", "researcher"], ["o", "reviewer"]), work: failing(["a"]) }),
      limits: { max_steps: 2, max_revisions: 1 },
    },
  },
  "replan-wrong-about-the-shape": complained({ unchecked: { confidence: 2, complexity: -1, keep: 1, question: null, steps: [{}] } }, ABC),
  "replan-without-data": complained({ unchecked: null }, ABC),
  "replan-not-a-plan": complained({ json: { nothing: 1 } }, ABC),
  "replan-for-what-shall-follow-a-failure": {
    world: crew({
      plan: plan(["a", "coder"], ["b", "reviewer", ["a"]], ["s", "reviewer", ["b"]]),
      replan: replan([], ["n", "researcher", ["a"], { step: "a", is: "failed" }]),
      work: failing(["a"]),
    }),
  },
  "replan-after-steps-were-skipped": {
    world: crew({
      plan: plan(["a", "coder"], ["if", "reviewer", [], { step: "a", is: "failed" }], ["s", "reviewer", ["a"]], ["f", "coder", ["if"]]),
      replan: (request) =>
        request.last.startsWith("That answer cannot be used")
          ? replan([], ["n", "researcher", ["if"]])
          : replan([], ["n", "researcher", ["s"]]),
      work: failing(["a", "f"]),
    }),
  },
  "everything-failed-and-was-handled": {
    world: crew({
      plan: plan(
        ["a", "coder"],
        ["b", "coder"],
        ["never", "reviewer", [], { step: "a", is: "ok" }],
        ["h1", "reviewer", ["never"], { step: "a", is: "failed" }],
        ["h2", "reviewer", ["never"], { step: "b", is: "failed" }],
      ),
      work: failing(["a", "b"], { b: 5 }),
    }),
  },
  "handled-by-a-step-that-fails": {
    world: crew({
      plan: plan(["a", "coder"], ["h", "reviewer", [], { step: "a", is: "failed" }], ["k", "reviewer", ["h"]]),
      replan: replan([], ["n", "coder"]),
      work: failing(["a", "h"]),
    }),
  },
  "long-words-told-to-the-planner": {
    world: crew({
      plan: {
        json: {
          confidence: 0.9,
          complexity: 0.5,
          question: null,
          steps: [
            { id: "a", worker: "coder", goal: `goal of a ${"g".repeat(1_100)}`, depends_on: [], when: null, expects: "" },
            { id: "b", worker: "reviewer", goal: "goal of b", depends_on: [], when: null, expects: "" },
            { id: "c", worker: "reviewer", goal: "goal of c", depends_on: ["a"], when: null, expects: "" },
          ],
        },
      },
      replan: replan([]),
      work: async (request) => {
        if (stepOf(request) === "b") return { content: `report ${"r".repeat(4_100)}` };
        await pause(10);
        return request.turn === 1
          ? reads("a")
          : { tool_calls: [{ name: "give_up", arguments: { reason: "cannot be done ".repeat(300) } }] };
      },
    }),
  },
};
