/** Every way in which a conversation grows, recorded with one link a request: what stands in each request decides its identity. */
import { ASKING } from "./scenarios-asking.ts";
import { CHANGES } from "./scenarios-changes.ts";
import { PLANNING } from "./scenarios-planning.ts";
import { REPLANS } from "./scenarios-replans.ts";
import type { Scenario, Scenarios } from "./scenario.ts";
import { STEPS } from "./scenarios-steps.ts";

export function of(scenarios: Scenarios, name: string): Scenario {
  const scenario = scenarios[name];
  if (scenario === undefined) throw new Error(`there is no scenario ${name}`);
  return scenario;
}

export const CONVERSATIONS: Scenarios = {
  "one-link-told-while-under-way": of(STEPS, "told-while-under-way"),
  "one-link-calls-that-fail-in-part": of(STEPS, "fails-in-part"),
  "one-link-worker-says-nothing": of(ASKING, "worker-says-nothing"),
  "one-link-planner-wrong-about-everything": of(PLANNING, "planner-wrong-about-everything"),
  "one-link-not-sure-and-told-more": of(PLANNING, "not-sure-and-told-more"),
  "one-link-rejected-then-something-else": of(CHANGES, "rejected-then-something-else"),
  "one-link-replan-up-to-the-limit": of(REPLANS, "replan-up-to-the-limit"),
  "one-link-replan-wrong-about-the-shape": of(REPLANS, "replan-wrong-about-the-shape"),
};
