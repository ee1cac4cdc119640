/** Runs that wait for their turn to begin: by priority, and session by session. */
import type { RunFold } from "../journal/fold-run.ts";
import { FairQueue } from "./fair-queue.ts";

export class WaitingRuns {
  readonly #queue = new FairQueue<string>();
  readonly #ids = new Set<string>();

  has(runId: string): boolean {
    return this.#ids.has(runId);
  }

  add({ run_id: runId, session_id: sessionId, priority }: Pick<RunFold, "run_id" | "session_id" | "priority">): void {
    this.#ids.add(runId);
    this.#queue.push(runId, { priority, key: sessionId ?? runId });
  }

  remove(runId: string): void {
    if (this.#ids.delete(runId)) this.#queue.remove(runId);
  }

  /** The next, which waits no more; undefined when none does. */
  next(): string | undefined {
    const runId = this.#queue.shift();
    if (runId !== undefined) this.#ids.delete(runId);
    return runId;
  }
}
