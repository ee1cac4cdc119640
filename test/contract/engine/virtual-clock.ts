/** Time that passes only when told to, with timers that belong to it. */
import { turns } from "../../support/bare-engine.ts";
import type { Clock } from "./harness.ts";

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

export class VirtualClock implements Clock {
  #now = Date.UTC(2026, 0, 31, 12);
  readonly #timers = new Set<Timer>();

  readonly now = (): number => this.#now;

  /** As `setTimeout`; with nothing to wait for it comes in a turn of the event loop of its own. */
  readonly after = (ms: number, fire: () => void): (() => void) => {
    const timer: Timer = { at: this.#now + ms, fire };
    this.#timers.add(timer);
    if (ms <= 0) setImmediate(() => this.#fire(timer));
    return () => this.#timers.delete(timer);
  };

  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await turns(8);
    for (let next = this.#next(end); next !== null; next = this.#next(end)) {
      this.#now = Math.max(this.#now, next.at);
      this.#fire(next);
      await turns(8);
    }
    this.#now = end;
    await turns(8);
  }

  /** Lets time pass with no timer noticing, as it does for a process that hangs. */
  skip(ms: number): void {
    this.#now += ms;
  }

  #fire(timer: Timer): void {
    if (this.#timers.delete(timer)) timer.fire();
  }

  #next(until: number): Timer | null {
    let next: Timer | null = null;
    for (const timer of this.#timers) if (timer.at <= until && (next === null || timer.at < next.at)) next = timer;
    return next;
  }
}
