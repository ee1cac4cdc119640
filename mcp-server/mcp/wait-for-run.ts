/** Waits for a run, but never longer than a client waits for a call. */
import { setTimeout as delay } from "node:timers/promises";
import type { RunView } from "../../shared/run-view.ts";
import type { Service } from "../service.ts";
import { progressOf } from "./progress.ts";

export interface WaitOptions {
  readonly ms: number;
  /** The client does not wait any more; the run goes on. */
  readonly signal: AbortSignal;
  readonly tell: ((message: string) => Promise<void>) | null;
}

const UNHEARD_MS = 500;

/** The run as soon as it has ended, waits for a person or is paused, or as it is when the time is over. */
export async function waitForRun(service: Service, runId: string, { ms, signal, tell }: WaitOptions): Promise<RunView> {
  const over = new AbortController();
  const told: Promise<void>[] = [];
  const off =
    tell === null
      ? () => undefined
      : service.subscribe(runId, (note) => {
          const message = note.type === "event" ? progressOf(note.event) : null;
          if (message !== null) told.push(tell(message));
        });
  try {
    const timeUp = delay(Math.max(0, ms), null, { signal: AbortSignal.any([signal, over.signal]) }).catch(() => null);
    // A service that broke says so where it is looked at.
    await Promise.race([service.settled(runId).catch(() => null), timeUp]);
    const view = service.getRun(runId);
    // What is told after the answer is heard by nobody; a client that does not read is not waited for.
    await Promise.race([Promise.allSettled(told), delay(UNHEARD_MS, null, { signal: over.signal }).catch(() => null)]);
    return view;
  } finally {
    off();
    over.abort();
  }
}
