/** What a crash left open in the ledger, settled by what the journal says; each attempt once. */
import type { RunEvent } from "../../shared/events.ts";
import { settleAtReservation } from "../../shared/usage.ts";
import type { Usage } from "../../shared/usage.ts";
import type { AttemptKey, Ledger } from "./ledger.ts";

/** What became of an attempt: it came to this, nobody knows, or it was never sent. */
type Outcome = { readonly usage: Usage } | "lost" | "never_sent";

export interface ReconcileParts {
  readonly ledger: Ledger;
  readonly workspace: string;
  /** Events of a run, in order; null when it is not there (any more). */
  readonly events: (runId: string) => readonly RunEvent[] | null;
}

/**
 * To be done by the workspace's owner before it drives any run. An attempt with an outcome is settled at that, one that was let in and has
 * none at its reservation, one that was never let in is released. @returns how many there were
 */
export function reconcile({ ledger, workspace, events }: ReconcileParts): number {
  const open = ledger.openOf(workspace);
  const known = new Map<string, readonly RunEvent[] | null>();
  for (const { key, reserve } of open) {
    const history = known.has(key.runId) ? (known.get(key.runId) ?? null) : events(key.runId);
    known.set(key.runId, history);
    const outcome = history === null ? "lost" : outcomeOf(history, key);
    if (outcome === "never_sent") ledger.release(key);
    else ledger.settle(key, outcome === "lost" ? settleAtReservation(reserve) : outcome.usage);
  }
  return open.length;
}

function outcomeOf(events: readonly RunEvent[], { path, attempt }: AttemptKey): Outcome {
  const where = `${path}/attempt:${attempt}`;
  let letIn = false;
  for (const event of events) {
    switch (event.kind) {
      case "call-started":
        if (event.path === path && attempt === 1 && event.data.reserve !== undefined) letIn = true;
        break;
      case "attempt-started":
        if (event.path === where && event.data.reserve !== undefined) letIn = true;
        break;
      case "attempt-admitted":
        if (event.path === where) letIn = true;
        break;
      case "attempt-ended":
        if (event.path === where) return outcome(event.data.usage);
        break;
      case "call-completed":
      case "call-failed":
        if (event.path === path && event.data.attempt === attempt) return outcome(event.data.usage);
        break;
      default:
        break;
    }
  }
  return letIn ? "lost" : "never_sent";
}

/** An end without a word about usage is one of an attempt that spent nothing. */
function outcome(usage: Usage | undefined): Outcome {
  return usage === undefined ? "never_sent" : { usage };
}
