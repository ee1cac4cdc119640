/** One timer for the earliest of all deadlines. */

/** The longest that a timer of Node can wait, about 24 days; it is armed again then. */
export const MAX_TIMEOUT_MS = 2_000_000_000;

/** Calls `then` once, so many milliseconds later, unless what it gives back is called before. */
export type After = (ms: number, then: () => void) => () => void;

/** The process's own timers. */
export const afterRealTime: After = (ms, then) => {
  const timer = setTimeout(then, ms);
  return () => clearTimeout(timer);
};

export class DeadlineTimer {
  #disarm: (() => void) | null = null;
  readonly #now: () => number;
  readonly #after: After;
  readonly #due: () => void;

  /** @param at.now epoch milliseconds @param due called at, or after, the deadline */
  constructor(at: { readonly now: () => number; readonly after: After }, due: () => void) {
    this.#now = at.now;
    this.#after = at.after;
    this.#due = due;
  }

  /** @param deadline epoch milliseconds; null waits for nothing */
  arm(deadline: number | null): void {
    this.stop();
    if (deadline === null) return;
    this.#disarm = this.#after(Math.min(MAX_TIMEOUT_MS, Math.max(0, deadline - this.#now())), this.#due);
  }

  stop(): void {
    this.#disarm?.();
    this.#disarm = null;
  }
}
