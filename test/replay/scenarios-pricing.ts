/** Plans with a price: those that fit, that fit with cheaper models, and that are put to the person. */
import type { Fit } from "../../shared/estimate.ts";
import type { FakeWorld } from "../support/fake-crew.ts";
import { plan } from "../support/fake-crew.ts";
import { answer, crew, giveUp, stepOf } from "./scenario.ts";
import type { Request, Scenarios } from "./scenario.ts";

const OVER: Fit = {
  kind: "over",
  by: [
    { unit: "usd", estimated: 0.041_23, left: 0.01 },
    { unit: "tokens", estimated: 90_000.4, left: 100 },
    { unit: "seconds", estimated: 61.6, left: 0 },
  ],
  guessed: false,
};
const both = plan(["a", "coder"], ["b", "reviewer", ["a"]]);
const one = plan(["c", "coder"]);
const isAgain = (request: Request): boolean => request.last.startsWith("That plan costs more");

/** Plans of two steps or more do not fit. */
const price: FakeWorld["price"] = ({ steps }) => ({ fit: steps.length > 1 ? OVER : { kind: "fits" } });
const world: FakeWorld = { ...crew({ plan: (request) => (isAgain(request) ? one : both) }), price };

const given = (id: string, needs: readonly string[] = []) => ({
  id,
  worker: "coder",
  goal: `goal of ${id}`,
  depends_on: [...needs],
  when: null,
  expects: "",
});

export const PRICING: Scenarios = {
  "plan-that-fits": { world: { ...world, price: () => ({}) }, input: { model: "fake:x" } },
  "plan-done-by-cheaper-models": {
    world: {
      ...crew({
        plan: both,
        work: (request) => (stepOf(request) === "b" ? giveUp : { content: "report" }),
        // A replan's steps have the models of their workers again.
        replan: { json: { ...(one.json as object), keep: [] } },
      }),
      price: () => ({ fit: { kind: "cheaper", tiers: { a: "small", b: "large" } } }),
    },
  },
  "plan-without-a-price": {
    world: {
      ...world,
      price: () => {
        throw new Error("no journal to learn from");
      },
    },
  },
  "plan-too-dear-and-begun-anyway": { world, act: answer("go_on") },
  "plan-too-dear-and-made-smaller": { world, act: answer("smaller") },
  "plan-too-dear-and-made-anew": { world, act: answer(`the blue one ${"w".repeat(10_050)}`) },
  "plan-too-dear-and-not-wanted": { world, act: answer("cancel") },
  "plan-too-dear-again-and-again": { world: { ...crew({ plan: both }), price }, act: answer("smaller") },
  "plan-too-dear-and-then-refused": {
    world: { ...crew({ plan: (request) => (request.turn > 1 ? { json: { no: 1 } } : both) }), price },
    act: answer("smaller"),
  },
  "plan-too-dear-by-a-guess": { world: { ...world, price: () => ({ fit: { ...OVER, guessed: true } }) } },
  "plan-too-dear-after-a-question": {
    world: {
      ...crew({
        plan: (request) => {
          if (isAgain(request)) return one;
          if (request.last.includes("The person answered")) return both;
          return { json: { ...(plan().json as object), question: { text: "Which?", options: [] } } };
        },
      }),
      price,
    },
    act: (at, runId, clock) => {
      const asksAboutPrice = at.journal.events(runId).some((event) => event.path.startsWith("price_plan"));
      return answer(asksAboutPrice ? "smaller" : "the blue one")(at, runId, clock);
    },
  },
  "plan-too-dear-with-long-goals": {
    world: {
      ...crew({
        plan: {
          json: {
            ...(both.json as object),
            steps: [
              { ...given("a"), goal: `goal of a ${"g".repeat(250)}` },
              { ...given("b", ["a"]), worker: "reviewer" },
            ],
          },
        },
      }),
      price,
    },
    act: answer("go_on"),
  },
  "given-steps-too-dear": { world, input: { steps: [given("x"), given("y", ["x"])] } },
  "named-worker-too-dear": { world: { ...world, price: () => ({ fit: OVER }) }, input: { worker: "coder" } },
  "priced-and-only-planned": { world, workflow: "plan", input: { model: "fake:x" } },
};
