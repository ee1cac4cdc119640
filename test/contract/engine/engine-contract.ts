/** What every engine keeps to. An implementation calls it with its harness; see `embedded-engine.test.ts`. */
import { describe } from "vitest";
import { acknowledgeCases } from "./acknowledge-cases.ts";
import { admissionCases } from "./admission-cases.ts";
import { callCases } from "./call-cases.ts";
import { cancelCases, pauseCases } from "./control-cases.ts";
import { effectCases } from "./effect-cases.ts";
import { eventCases } from "./event-cases.ts";
import { forkCases } from "./fork-cases.ts";
import type { EngineHarness } from "./harness.ts";
import { holdCases } from "./hold-cases.ts";
import { queueCases } from "./queue-cases.ts";
import { signalCases } from "./signal-cases.ts";
import { suiteOf } from "./suite.ts";
import { versionCases } from "./version-cases.ts";

const GROUPS = {
  "runs, values and calls": callCases,
  "what was acknowledged": acknowledgeCases,
  "how paid attempts are let in": admissionCases,
  effects: effectCases,
  "signals, deadlines and sleep": signalCases,
  cancel: cancelCases,
  pause: pauseCases,
  "holds, caps and active time": holdCases,
  "queues and pools": queueCases,
  "events and listeners": eventCases,
  forks: forkCases,
  "versions, flags and divergence": versionCases,
};

export function engineContract(harness: EngineHarness): void {
  const suite = suiteOf(harness);
  for (const [group, cases] of Object.entries(GROUPS)) describe(`${harness.name}: ${group}`, () => cases(suite));
}
