/** Plans whose steps fail: what is kept, dropped, skipped, and when nobody is asked again. */
import { BosunError } from "../../shared/errors.ts";
import { plan } from "../support/fake-crew.ts";
import type { FakeReply, PlanTuple, FakeWorld } from "../support/fake-crew.ts";
import { crew, points, reads, replan, stepOf } from "./scenario.ts";
import type { Request, Scenario, Scenarios } from "./scenario.ts";

/** Steps that give up; the others report. Some do so only after this. */
function failing(ids: readonly string[], first: Readonly<Record<string, () => unknown>> = {}): (request: Request) => Promise<FakeReply> {
  return async (request) => {
    const id = stepOf(request);
    await first[id]?.();
    return ids.includes(id)
      ? { tool_calls: [{ name: "give_up", arguments: { reason: `${id} cannot be done` } }] }
      : { content: `report of ${id}` };
  };
}

/** A planner whose first replan is complained about. */
const complained = (bad: FakeReply, steps: readonly PlanTuple[], world: Partial<FakeWorld> = {}): Scenario => ({
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
      ...crew({ plan: plan(...["a", "b", "c", "d", "e"].map((id): PlanTuple => [id, "coder"])), work: failing([]) }),
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
    world: () => {
      const { pass, passed } = points();
      return crew({
        plan: plan(["a", "coder"], ["b", "reviewer"], ["c", "researcher", ["a"]], ["d", "researcher", ["b"]]),
        replan: async (request) => {
          if (request.turn > 1) return replan(["a2"], ["b2", "coder", ["a2"]]);
          pass("asked for a plan");
          await passed("b failed");
          return replan(["d"], ["a2", "coder"]);
        },
        work: failing(["a", "b"], { b: () => passed("asked for a plan").then(() => pass("b failed")) }),
      });
    },
  },
  "two-fail-in-the-other-order": {
    world: () => {
      const { pass, passed } = points();
      return crew({
        plan: plan(["a", "coder"], ["b", "reviewer"], ["c", "researcher"]),
        replan: async (request) => {
          pass("asked for a plan");
          if (request.turn === 1) await passed("a failed");
          return replan(["c"], [`n${request.turn}`, "coder"]);
        },
        work: failing(["a", "b"], {
          a: () => passed("asked for a plan").then(() => pass("a failed")),
          n2: () => pass("planned twice"),
          c: () => passed("planned twice"),
        }),
      });
    },
  },
  "two-fail-and-no-plan-may-be-made": {
    world: { ...crew({ plan: plan(["a", "coder"], ["b", "reviewer"]), work: failing(["a", "b"]) }), limits: { max_revisions: 0 } },
  },
  "replan-refused-while-others-work": {
    world: () => {
      const { pass, passed } = points();
      return crew({
        plan: plan(["a", "coder"], ["b", "reviewer"], ["c", "reviewer", ["b"]], ["d", "coder", ["a"]]),
        replan: () => {
          pass("refused");
          throw new BosunError("model_refused", "no");
        },
        work: failing(["a"], { b: () => passed("refused") }),
      });
    },
  },
  "replan-keeps-what-runs-and-adds-nothing": {
    world: () => {
      const { pass, passed } = points();
      return crew({
        plan: plan(["a", "coder"], ["b", "reviewer"], ["c", "reviewer", ["b"]]),
        replan: () => (pass("planned"), replan(["b", "c"])),
        work: failing(["a"], { b: () => passed("planned") }),
      });
    },
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
  "replan-wrong-in-every-way": complained(replan(["b", "nobody"], ["n", "researcher", ["a"]], ["m", "wizard"]), ABC),
  "replan-keeps-what-was-skipped": {
    world: crew({
      plan: plan(
        ["a", "coder"],
        ["if", "reviewer", [], { step: "a", is: "failed" }],
        ["s", "reviewer", ["a"]],
        ["t", "coder", ["s"]],
        ["f", "coder", ["if"]],
      ),
      replan: replan(["t"], ["n", "researcher"]),
      work: failing(["a", "f"]),
    }),
  },
  "replan-keeps-only-what-runs": {
    world: () => {
      const { pass, passed } = points();
      return crew({
        plan: plan(["a", "coder"], ["b", "reviewer"]),
        replan: () => (pass("planned"), replan(["b"])),
        work: failing(["a"], { b: () => passed("planned") }),
      });
    },
  },
  "replan-when-all-places-are-taken": {
    world: () => {
      const { pass, passed } = points();
      return {
        ...crew({
          plan: plan(["a", "coder"], ["b", "reviewer"], ["c", "reviewer"], ["d", "reviewer"], ["e", "reviewer"]),
          replan: async () => {
            await passed("c begun");
            pass("planned");
            return replan(["b", "c", "d", "e"], ["n", "researcher"]);
          },
          work: failing(["a"], { b: () => passed("planned"), c: () => (pass("c begun"), passed("planned")) }),
        }),
        limits: { max_parallel_steps: 2 },
      };
    },
  },
  "replan-refused-with-room-for-many": {
    world: {
      ...crew({ plan: plan(["a", "coder"]), replan: plan(["a", "wizard"]), work: failing(["a"]) }),
      limits: { max_revisions: 2_000 },
    },
  },
  "replan-gives-up-with-room-for-many": {
    world: { ...crew({ plan: plan(["a", "coder"]), replan: replan([]), work: failing(["a"]) }), limits: { max_revisions: 2_000 } },
  },
  "for-success-only-and-it-failed": {
    world: crew({
      plan: plan(["a", "coder"], ["yes", "reviewer", [], { step: "a", is: "ok" }]),
      replan: replan(["yes"], ["n", "researcher"]),
      work: failing(["a"]),
    }),
  },
  "handler-dropped-then-missed": {
    world: () => {
      const { pass, passed } = points();
      return crew({
        plan: plan(["x", "coder"], ["a", "coder"], ["h", "reviewer", [], { step: "a", is: "failed" }]),
        replan: (request) => (request.turn === 1 ? replan(["a"], ["n", "researcher"]) : replan([], ["m", "researcher"])),
        work: failing(["x", "a"], { n: () => pass("planned"), a: () => passed("planned") }),
      });
    },
  },
  "hopeless-while-a-plan-is-made": {
    world: () => {
      const { pass, passed } = points();
      return crew({
        plan: plan(["a", "coder"], ["b", "coder"], ["hb", "reviewer", [], { step: "b", is: "failed" }], ["cb", "reviewer", ["b"]]),
        replan: async () => {
          pass("asked for a plan");
          await passed("b failed");
          return replan(["cb", "hb"], ["n", "researcher"]);
        },
        work: failing(["a", "b"], { b: () => passed("asked for a plan").then(() => pass("b failed")) }),
      });
    },
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
      work: failing(["a", "b"]),
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
    world: () => {
      const { pass, passed } = points();
      return crew({
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
          if (stepOf(request) === "b") return (pass("b reported"), { content: `report ${"r".repeat(4_100)}` });
          await passed("b reported");
          return request.turn === 1
            ? reads("a")
            : { tool_calls: [{ name: "give_up", arguments: { reason: "cannot be done ".repeat(300) } }] };
        },
      });
    },
  },
};
