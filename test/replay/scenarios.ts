/** Runs whose journals are kept in `histories/`: each shows one way through the supervisor. */
import { plan, unavailable } from "../support/fake-crew.ts";
import { decide, giveUp, replan, two, write } from "./scenario.ts";
import type { Scenario } from "./scenario.ts";
import { ASKING } from "./scenarios-asking.ts";
import { CHANGES } from "./scenarios-changes.ts";
import { COMPACTING } from "./scenarios-compacting.ts";
import { CONVERSATIONS } from "./scenarios-conversations.ts";
import { ENDS } from "./scenarios-ends.ts";
import { KNOWING } from "./scenarios-knowing.ts";
import { MODELS } from "./scenarios-models.ts";
import { PLANNING } from "./scenarios-planning.ts";
import { PRICING } from "./scenarios-pricing.ts";
import { REPLANS } from "./scenarios-replans.ts";
import { STEPS } from "./scenarios-steps.ts";
import { TOOLS } from "./scenarios-tools.ts";

/** Worker turns so far, from the conversation: fakes must not remember anything. */
const turnOf = (request: { turn: number }): number => request.turn;

const newPlanRuns = ((): { readonly promise: Promise<void>; readonly resolve: () => void } => {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve: () => resolve() };
})();

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  ...ASKING,
  ...PLANNING,
  ...PRICING,
  ...STEPS,
  ...TOOLS,
  ...CHANGES,
  ...REPLANS,
  ...ENDS,
  ...CONVERSATIONS,
  ...MODELS,
  ...COMPACTING,
  ...KNOWING,
  "one-step": {
    world: {
      model: (request) => (request.purpose === "plan" ? plan(["a", "coder"]) : turnOf(request) === 1 ? two : { content: "report" }),
    },
  },
  "parallel-and-join": {
    world: {
      model: async (request) => {
        if (request.purpose === "plan") return plan(["a", "researcher"], ["b", "reviewer"], ["c", "coder", ["a", "b"]]);
        if (request.purpose === "synthesise") return { content: "all" };
        await new Promise((resolve) => setTimeout(resolve, request.worker === "reviewer" ? 1 : 6));
        return turnOf(request) < 3 ? two : { content: `report of ${request.worker ?? ""}` };
      },
      limits: { max_parallel_steps: 2 },
    },
  },
  "replan-keeps-and-cancels": {
    world: {
      model: async (request) => {
        if (request.purpose === "plan")
          return plan(["a", "coder"], ["b", "reviewer"], ["c", "reviewer", ["a"]], ["d", "researcher", ["b"]]);
        if (request.purpose === "replan") return replan(["b", "d"], ["a2", "researcher", ["b"]]);
        if (request.purpose === "synthesise") return { content: "after a replan" };
        if (request.worker === "reviewer") await new Promise((resolve) => setTimeout(resolve, 15));
        return request.worker === "coder" ? giveUp : turnOf(request) === 1 ? two : { content: "report" };
      },
    },
  },
  "replan-drops-what-runs": {
    world: {
      model: async (request) => {
        if (request.purpose === "plan") return plan(["a", "coder"], ["b", "reviewer"]);
        if (request.purpose === "replan") return replan([], ["a2", "researcher"]);
        if (request.purpose === "synthesise") return { content: "without it" };
        if (request.worker === "researcher") newPlanRuns.resolve();
        // Its first turn ends when the new plan is at work already, so that there is no second one.
        if (request.worker === "reviewer") await newPlanRuns.promise;
        return request.worker === "coder" ? giveUp : turnOf(request) === 1 ? two : { content: "report" };
      },
    },
  },
  "branches-by-outcome": {
    world: {
      model: (request) => {
        if (request.purpose === "plan")
          return plan(
            ["a", "coder"],
            ["yes", "reviewer", [], { step: "a", is: "ok" }],
            ["no", "researcher", [], { step: "a", is: "failed" }],
            ["late", "reviewer", ["yes"]],
          );
        if (request.purpose === "synthesise") return { content: "handled" };
        return request.worker === "coder" ? giveUp : { content: "ok" };
      },
    },
  },
  "never-mended": {
    world: {
      model: (request) =>
        request.purpose === "plan"
          ? plan(["a", "coder"], ["b", "reviewer", ["a"]])
          : request.purpose === "replan"
            ? replan([], [`r${request.turn}`, "coder"])
            : giveUp,
    },
  },
  approved: {
    world: {
      model: (request) => (request.purpose === "plan" ? plan(["a", "coder"]) : turnOf(request) === 1 ? write : { content: "written" }),
    },
    act: decide("approve"),
  },
  rejected: {
    world: {
      model: (request) => {
        if (request.purpose === "plan") return plan(["a", "coder"]);
        return turnOf(request) === 1 ? write : { content: request.last.includes("rejected") ? "without it" : "written" };
      },
    },
    act: decide("reject"),
  },
  "apply-conflict": {
    world: {
      model: (request) => (request.purpose === "plan" ? plan(["a", "coder"]) : turnOf(request) === 1 ? write : { content: "done" }),
      apply: () => {
        throw new Error("the disk says no");
      },
    },
    act: decide("approve"),
  },
  "asked-and-answered": {
    world: {
      model: (request) => {
        if (request.purpose !== "plan") return { content: "report" };
        if (request.last.includes("The person answered")) return plan(["a", "coder"]);
        return {
          json: { confidence: 0.2, complexity: 0.5, question: { text: "Which?", options: [{ value: "x", label: "X" }] }, steps: [] },
        };
      },
    },
    act: (at, runId) => {
      for (const wait of Object.values(at.journal.run(runId).waits)) at.engine.signal(runId, wait.name, at.engine.keep("the blue one"));
    },
  },
  "model-comes-back": {
    world: {
      model: (request, call) => (request.purpose === "plan" ? plan(["a", "coder"]) : call <= 3 ? unavailable() : { content: "report" }),
    },
    act: (at, runId) => at.engine.resume(runId, "person"),
  },
  "plan-corrected": {
    world: {
      model: (request) =>
        request.purpose === "plan"
          ? request.last.startsWith("That answer cannot be used")
            ? plan(["a", "coder"])
            : plan(["a", "wizard"])
          : { content: "report" },
    },
  },
  "loop-stopped": {
    world: {
      model: (request) =>
        request.purpose === "plan"
          ? plan(["a", "coder"])
          : request.purpose === "replan"
            ? replan([])
            : { tool_calls: [{ name: "read_file", arguments: { path: "none" } }] },
      tool: () => {
        throw new Error("there is no such file");
      },
    },
  },
  "shaped-output": {
    world: { model: (request) => (request.purpose === "output" ? plan(["shaped", "coder"]) : { content: "report" }) },
    input: { worker: "coder", output_schema: { type: "object" } },
  },
  "given-steps": {
    world: {
      model: (request) => (request.purpose === "synthesise" ? { content: "both" } : { content: `report of ${request.worker ?? ""}` }),
    },
    input: {
      steps: [
        { id: "x", worker: "coder", goal: "g", depends_on: [], when: null, expects: "e" },
        { id: "y", worker: "reviewer", goal: "h", depends_on: ["x"], when: null, expects: "" },
      ],
      files: ["a.txt"],
      context: { k: 1 },
    },
  },
};
