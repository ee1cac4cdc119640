/** A run in memory: its instance, what waits to be handed over, and what is under way. */
import type { ErrorValue } from "../../shared/errors.ts";
import type { Outcome } from "../../shared/durable.ts";
import type { RunEvent } from "../../shared/events.ts";
import type { RunInstance } from "./run-instance.ts";

export interface LiveRun {
  readonly runId: string;
  readonly instance: RunInstance;
  /** Outcomes committed and not handed over yet, in journal order. */
  readonly deliveries: RunEvent[];
  readonly inFlight: Map<string, { readonly controller: AbortController; readonly effect: boolean }>;
  /** Events of an earlier life that are being delivered again; null once that is done. */
  history: readonly RunEvent[] | null;
  cancelling: boolean;
  /** What the function returned; the run ends once nothing is under way any more. */
  outcome: Outcome<unknown> | null;
  /** Why it stops here until a person resumes it. */
  holding: ErrorValue | null;
  /** Its last event is on the way. */
  ending: boolean;
}

/** Aborts what only reads or pays; an effect under way is left to finish. */
export function abortCalls(live: LiveRun): void {
  for (const call of live.inFlight.values()) if (!call.effect) call.controller.abort();
}

/** Stops driving; what is in flight comes home first, then the run is held. */
export function beginHold(live: LiveRun, error: ErrorValue): void {
  live.instance.stop();
  live.holding = error;
  live.history = null;
  live.deliveries.length = 0;
}
