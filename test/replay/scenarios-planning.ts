/** From a task to the first plan: given, asked about, complained about. */
import type { PlanStep } from "../../shared/plan.ts";
import { BosunError } from "../../shared/errors.ts";
import type { FakeReply, FakeWorld } from "../support/fake-crew.ts";
import { plan } from "../support/fake-crew.ts";
import { answer, crew } from "./scenario.ts";
import type { Scenario, Scenarios } from "./scenario.ts";

const step = (id: string, more: Partial<PlanStep> = {}): PlanStep => ({
  id,
  worker: "coder",
  goal: `goal of ${id}`,
  depends_on: [],
  when: null,
  expects: "",
  ...more,
});

const after = (id: string, ...others: string[]): PlanStep => step(id, { depends_on: others });

const given = (steps: readonly PlanStep[], world: Partial<FakeWorld> = {}): Scenario => ({
  world: { ...crew({ synthesise: { content: "all" } }), ...world },
  input: { steps },
});

const unsure = (reply: FakeReply, more: object): FakeReply => ({ json: { ...(reply.json as object), ...more } });
const question = (text: string): object => ({ question: { text, options: [{ value: "x", label: "X" }] } });

/** A planner whose first answer is this and whose second is sound. */
const corrected = (first: FakeReply, world: Partial<FakeWorld> = {}): Scenario => ({
  world: {
    ...crew({ plan: (request) => (request.last.startsWith("That answer cannot be used") ? plan(["a", "coder"]) : first) }),
    ...world,
  },
});

export const PLANNING: Scenarios = {
  "not-configured": {
    world: {
      ...crew({}),
      configure: () => {
        throw new BosunError("model_unavailable", "no model is configured, do it");
      },
    },
  },
  "unknown-worker-given": { world: crew({}), input: { worker: "wizard" } },
  "no-steps-given": given([]),
  "as-many-steps-as-allowed": given([step("x"), step("y")], { limits: { max_steps: 2 } }),
  "too-many-steps-given": given([step("x"), step("y"), step("z")], { limits: { max_steps: 2 } }),
  "everything-wrong-in-given-steps": given([
    step("not ok!"),
    step("x y", { worker: "wizard" }),
    after("own", "own"),
    after("lost", "nowhere"),
    step("own"),
    step("seventh/", { worker: "witch" }),
  ]),
  "depends-on-itself-and-on-nothing": given([after("own", "own"), after("lost", "nowhere"), after("p", "q"), after("q", "p")]),
  "one-id-wrong-twice": given([step("x y"), step("x y")]),
  "circle-with-a-way-out": given([after("a", "x", "b"), after("b", "a"), step("x")]),
  "worker-and-steps-given": { world: crew({}), input: { worker: "reviewer", steps: [step("x")] } },
  "bad-id-at-the-end": given([step("a!")]),
  "bad-id-at-the-start": given([step("!a")]),
  "circle-in-given-steps": given([after("in", "b"), after("a", "c"), after("b", "a"), after("c", "b")]),
  "circle-through-an-outcome": given([step("a", { when: { step: "b", is: "ok" } }), after("b", "a")]),
  "circle-met-late": given([step("free"), after("p", "q"), after("q", "p")]),
  "diamond-given": given([step("top"), after("left", "top"), after("right", "top"), after("end", "left", "right")]),
  "planner-wrong-about-everything": corrected({
    json: {
      confidence: 0.9,
      complexity: 0.5,
      question: null,
      steps: [
        step("a", { worker: "w1" }),
        step("b", { worker: "w2" }),
        step("c", { worker: "w3" }),
        step("d", { worker: "w4" }),
        step("e", { worker: "w5" }),
        step("f", { worker: "w6" }),
      ],
    },
  }),
  "planner-wrong-about-the-shape": corrected({
    unchecked: { confidence: 2, complexity: -1, question: 3, steps: [{ ...step("a"), goal: 4, when: 7 }] },
  }),
  "planner-answers-without-data": corrected({ unchecked: null }),
  "planner-answers-no-plan": corrected({ json: { nothing: 1 } }),
  "planner-leaves-out-the-steps": corrected(plan()),
  "planner-over-the-limit": corrected(plan(["a", "coder"], ["b", "coder"]), { limits: { max_steps: 1 } }),
  "task-with-files-and-context": {
    world: crew({ plan: plan(["a", "coder"], ["b", "reviewer", ["a"]]) }),
    input: { files: ["a.txt", "b.txt"], context: { long: "x".repeat(20_100) }, task: `do it ${"y".repeat(20_100)}` },
  },
  "not-sure-and-told-to-go-on": {
    world: crew({ plan: unsure(plan(["a", "coder"], ["b", "reviewer"]), { confidence: 0.3 }) }),
    act: answer("go_on"),
  },
  "not-sure-of-one-step-and-told-to-go-on": {
    world: { ...crew({ plan: unsure(plan(["a", "coder"]), { confidence: 0.3 }) }), replanSchema: { replan: true } },
    act: answer("go_on"),
  },
  "not-sure-of-a-goal-just-short-enough": {
    world: crew({
      plan: (request) =>
        request.last.includes("The person answered")
          ? plan(["c", "coder"])
          : { json: { confidence: 0.2, complexity: 0.5, question: null, steps: [step("a", { goal: `goal of a ${"z".repeat(190)}` })] } },
    }),
    act: answer("the blue one"),
  },
  "just-sure-enough": { world: crew({ plan: unsure(plan(["a", "coder"]), { confidence: 0.45 }) }) },
  "not-sure-and-told-more": {
    world: crew({
      plan: (request) => {
        if (request.last.includes("The person answered")) return plan(["c", "coder"]);
        const steps = [step("a", { goal: `goal of a ${"z".repeat(250)}` }), step("b", { worker: "reviewer" })];
        return { json: { confidence: 0.1234, complexity: 0.5, question: null, steps } };
      },
    }),
    act: answer(`the blue one ${"w".repeat(10_100)}`),
  },
  "asked-until-nobody-is-asked": {
    world: crew({ plan: unsure(plan(["a", "coder"]), question("Which?")) }),
    act: answer("that one"),
  },
  "asked-too-often-with-nothing-planned": {
    world: crew({ plan: unsure(plan(), { confidence: 0.2, ...question("Which?") }) }),
    act: answer("that one"),
  },
  "go-on-with-nothing-planned": {
    world: crew({
      plan: (request) => (request.turn === 1 ? unsure(plan(), { confidence: 0.2, ...question("Go on with what?") }) : plan(["a", "coder"])),
    }),
    act: answer("go_on"),
  },
  "plan-only": {
    workflow: "plan",
    world: crew({ plan: unsure(plan(["a", "coder"], ["b", "reviewer", ["a"], { step: "a", is: "ok" }]), { complexity: 0.7 }) }),
  },
  "plan-only-for-a-worker": { workflow: "plan", world: crew({}), input: { worker: "reviewer" } },
  "plan-only-not-configured": {
    workflow: "plan",
    world: {
      ...crew({}),
      configure: () => {
        throw new BosunError("model_unavailable", "no model is configured, do it");
      },
    },
  },
  "plan-only-not-possible": { workflow: "plan", world: crew({}), input: { worker: "wizard" } },
  "another-model-asked-for": { world: crew({ plan: plan(["a", "coder"]) }), input: { model: "fake:other" } },
  "another-model-for-a-plan": { workflow: "plan", world: crew({ plan: plan(["a", "coder"]) }), input: { model: "fake:other" } },
};
