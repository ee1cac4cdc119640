/** Lets so many through at once; the others wait by priority, and run by run. */
import { BosunError } from "../../shared/errors.ts";
import type { Priority } from "../../shared/events.ts";
import { FairQueue } from "./fair-queue.ts";

export class Pool {
  readonly #size: number;
  readonly #waiting = new FairQueue<() => void>();
  #busy = 0;

  /** @param size at least 1 */
  constructor(size: number) {
    this.#size = size;
  }

  /** Resolves to what gives the place free again. Rejects (`cancelled`) when the signal is raised before there is a place. */
  async enter(at: { readonly priority: Priority; readonly key: string; readonly signal: AbortSignal }): Promise<() => void> {
    at.signal.throwIfAborted();
    if (this.#busy < this.#size) this.#busy += 1;
    else await this.#place(at);
    return () => this.#leave();
  }

  #place(at: { readonly priority: Priority; readonly key: string; readonly signal: AbortSignal }): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        at.signal.removeEventListener("abort", giveUp);
        resolve();
      };
      const giveUp = (): void => {
        if (this.#waiting.remove(enter)) reject(new BosunError("cancelled", "it was stopped before it began"));
      };
      at.signal.addEventListener("abort", giveUp, { once: true });
      this.#waiting.push(enter, at);
    });
  }

  /** The place goes to who is next, or is free again. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#busy -= 1;
    else next();
  }
}
