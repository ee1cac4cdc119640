/** From the reports to the answer. */
import { BosunError } from "../../shared/errors.ts";
import { plan } from "../support/fake-crew.ts";
import { crew, giveUp, stepOf } from "./scenario.ts";
import type { Scenarios } from "./scenario.ts";

const both = plan(["a", "coder"], ["b", "reviewer", ["a"]]);
const refuses = (): never => {
  throw new BosunError("model_refused", "I will not do it");
};

export const ENDS: Scenarios = {
  "reports-cannot-be-put-together": { world: crew({ plan: both, synthesise: refuses }) },
  "nothing-is-said-at-the-end": { world: crew({ plan: both, synthesise: { content: "" } }) },
  "failed-and-handled-and-told": {
    world: crew({
      plan: plan(["a", "coder"], ["yes", "reviewer", [], { step: "a", is: "ok" }], ["no", "researcher", [], { step: "a", is: "failed" }]),
      work: (request) => (stepOf(request) === "a" ? giveUp : { content: "report" }),
      synthesise: refuses,
    }),
  },
  "long-task-and-reports-put-together": {
    world: crew({ plan: both, work: (request) => ({ content: `report of ${stepOf(request)} ${"r".repeat(20_050)}` }) }),
    input: { task: `do it ${"t".repeat(20_050)}`, output_schema: { type: "object" } },
  },
  "output-refused": { world: crew({ output: refuses }), input: { worker: "coder", output_schema: { type: "object" } } },
  "output-never-valid": { world: crew({ output: { json: { no: 1 } } }), input: { worker: "coder", output_schema: { type: "object" } } },
  "output-valid-at-last": {
    world: crew({
      output: (request) => (request.last.startsWith("That answer cannot be used") ? { unchecked: { n: 1 } } : { json: { no: 1 } }),
    }),
    input: { worker: "coder", output_schema: { type: "object" } },
  },
  "output-without-data": { world: crew({ output: { unchecked: null } }), input: { worker: "coder", output_schema: { type: "object" } } },
};
