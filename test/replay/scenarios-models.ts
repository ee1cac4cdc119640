/** Requests that name a tier and let the model be chosen as they are made. */
import { plan } from "../support/fake-crew.ts";
import { of } from "./scenarios-conversations.ts";
import { crew, giveUp, inTurn, replan, resume, stepOf, two } from "./scenario.ts";
import type { Scenarios } from "./scenario.ts";
import { ENDS } from "./scenarios-ends.ts";
import { PLANNING } from "./scenarios-planning.ts";
import { REPLANS } from "./scenarios-replans.ts";
import { STEPS } from "./scenarios-steps.ts";

export const MODELS: Scenarios = {
  "live-tiers-and-turns-of-workers": of(STEPS, "tiers-and-turns-of-workers"),
  "live-another-model-asked-for": of(PLANNING, "another-model-asked-for"),
  "live-replan-keeps-what-is-done-only": of(REPLANS, "replan-keeps-what-is-done-only"),
  "live-output-valid-at-last": of(ENDS, "output-valid-at-last"),
  "live-held-for-an-overrun": {
    world: crew({ plan: plan(["a", "coder"]), work: inTurn({ ...two, overrun: "5000 tokens were allowed, 9000 reported" }) }),
    act: resume,
  },
  "live-two-steps-put-together": { world: crew({ plan: plan(["a", "coder"], ["b", "reviewer"]) }) },
  "live-replan-of-another-complexity": {
    world: crew({
      plan: plan(["a", "coder"], ["b", "reviewer"]),
      replan: { json: { ...(replan([], ["c", "researcher"]).json as object), complexity: 0.9 } },
      work: (request) => (stepOf(request) === "a" ? giveUp : { content: `report of ${stepOf(request)}` }),
    }),
  },
};
