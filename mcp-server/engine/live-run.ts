/** A run in memory: its instance, what waits to be handed over, and what is under way. */
import type { ErrorValue } from "../../shared/errors.ts";
import type { Outcome } from "../../shared/durable.ts";
import type { Priority, RunEvent } from "../../shared/events.ts";
import type { RunInstance } from "./run-instance.ts";

export interface InFlight {
  readonly controller: AbortController;
  readonly effect: boolean;
  /** It waits for its place or for its next attempt: nothing is under way. */
  idle: boolean;
}

export interface LiveRun {
  readonly runId: string;
  readonly priority: Priority;
  readonly instance: RunInstance;
  /** Outcomes that have their place in the journal and were not handed over yet, in its order. */
  readonly deliveries: RunEvent[];
  readonly inFlight: Map<string, InFlight>;
  /** Events of an earlier life that are being delivered again; null once that is done. */
  history: readonly RunEvent[] | null;
  cancelling: boolean;
  /** Nothing is handed over and nothing begins; once nothing is under way any more the run leaves memory. */
  paused: boolean;
  /** It was resumed while it was still coming to rest: it is driven anew then, and not held. */
  wakeAgain: boolean;
  /** What the function returned; the run ends once nothing is under way any more. */
  outcome: Outcome<unknown> | null;
  /** Why it stops here until a person resumes it. */
  holding: ErrorValue | null;
  /** Its last event is on the way. */
  ending: boolean;
  /** Disarms the timer that runs out with the run's active time. */
  limit: (() => void) | null;
}

/** Why a call is aborted that will be made again: the run pauses, or its time is up. */
export const HALT = "halt";

/** Aborts what only reads or pays, and what has not begun; an effect under way is left to finish. */
export function abortCalls(live: LiveRun): void {
  for (const call of live.inFlight.values()) if (!call.effect || call.idle) call.controller.abort();
}

/** Stops calls so that they can be made again: all that only read or pay, or those alone that are not under way. */
export function haltCalls(live: LiveRun, which: "all" | "idle"): void {
  for (const call of live.inFlight.values()) if (call.idle || (which === "all" && !call.effect)) call.controller.abort(HALT);
}

/** Stops driving; what is in flight comes home first, then the run is held. */
export function beginHold(live: LiveRun, error: ErrorValue): void {
  live.instance.stop();
  live.holding = error;
  live.outcome = null;
  live.history = null;
  live.deliveries.length = 0;
}
