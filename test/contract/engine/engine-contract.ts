/** What every engine keeps to. An implementation calls it with its harness; see `embedded-engine.test.ts`. */
import { describe } from "vitest";
import { callCases } from "./call-cases.ts";
import { effectCases } from "./effect-cases.ts";
import type { EngineHarness } from "./harness.ts";
import { signalCases } from "./signal-cases.ts";
import { suiteOf } from "./suite.ts";

const GROUPS = {
  "runs, values and calls": callCases,
  effects: effectCases,
  "signals, deadlines and sleep": signalCases,
};

export function engineContract(harness: EngineHarness): void {
  const suite = suiteOf(harness);
  for (const [group, cases] of Object.entries(GROUPS)) describe(`${harness.name}: ${group}`, () => cases(suite));
}
