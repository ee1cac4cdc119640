/** One timer for the earliest of all deadlines. */

/** The longest that a timer of Node can wait, about 24 days; it is armed again then. */
export const MAX_TIMEOUT_MS = 2_000_000_000;

export class DeadlineTimer {
  #timer: NodeJS.Timeout | null = null;
  readonly #now: () => number;
  readonly #due: () => void;

  /** @param now epoch milliseconds @param due called at, or after, the deadline */
  constructor(now: () => number, due: () => void) {
    this.#now = now;
    this.#due = due;
  }

  /** @param deadline epoch milliseconds; null waits for nothing */
  arm(deadline: number | null): void {
    this.stop();
    if (deadline === null) return;
    this.#timer = setTimeout(this.#due, Math.min(MAX_TIMEOUT_MS, Math.max(0, deadline - this.#now())));
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
