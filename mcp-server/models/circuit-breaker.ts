/**
 * A circuit breaker: leaves a model alone that fails again and again, and tries it with one call at a time until it answers. Calls
 * report how they ended; nothing is run or waited for here.
 */

/** `half-open`: its time is over, one call at a time may try. */
export type BreakerState = "closed" | "open" | "half-open";

/** What the end of a call tells of the model: it works, it does not, or nothing (cancelled, our own mistake, a limit on requests). */
export type Sign = "alive" | "failing" | "nothing";

export interface BreakerOptions {
  /** Failures in a row that open it where the share of failed calls is reached too; three times as many open it anyway. Default 5. */
  readonly failuresInRow?: number;
  /** Share of failed calls (0..1) in the last 30 s that opens it. Default 0.5. */
  readonly failedShare?: number;
  /** Calls in the last 30 s below which their share says nothing. Default 10. */
  readonly minCalls?: number;
  /** Milliseconds until the first trial. Default 10,000. */
  readonly firstOpenMs?: number;
  /** Milliseconds between trials at most; each failed one doubles them. Default 300,000. */
  readonly maxOpenMs?: number;
}

/** Null: closed. */
export type BreakerSnapshot = { readonly until: number; readonly forMs: number } | null;

export interface CircuitBreaker {
  state(): BreakerState;
  /** Milliseconds until a call may try: 0 for now, 1 while a trial is under way whose end nobody knows. */
  waitMs(): number;
  /** What has to be told how the call ended, once; null when no call may pass now. */
  begin(): ((sign: Sign) => void) | null;
  snapshot(): BreakerSnapshot;
  restore(snapshot: BreakerSnapshot): void;
}

const WINDOW_SECONDS = 30;

interface Second {
  readonly second: number;
  calls: number;
  failed: number;
}

/** @param now milliseconds */
export function createCircuitBreaker(now: () => number, options: BreakerOptions = {}): CircuitBreaker {
  const { failuresInRow = 5, failedShare = 0.5, minCalls = 10, firstOpenMs = 10_000, maxOpenMs = 300_000 } = options;
  let opened: BreakerSnapshot = null;
  let trying = false;
  /** Grows with each change between closed and open: a call from before says nothing about now. */
  let period = 0;
  let inRow = 0;
  let seconds: Second[] = [];

  const change = (to: BreakerSnapshot): void => {
    opened = to;
    period += 1;
    trying = false;
    inRow = 0;
    seconds = [];
  };
  const open = (forMs: number): void => change({ until: now() + forMs, forMs });

  const count = (failed: boolean): void => {
    const second = Math.floor(now() / 1000);
    seconds = seconds.filter((each) => each.second > second - WINDOW_SECONDS);
    const current = seconds.at(-1);
    const at = current?.second === second ? current : { second, calls: 0, failed: 0 };
    if (at !== current) seconds.push(at);
    at.calls += 1;
    at.failed += failed ? 1 : 0;
    inRow = failed ? inRow + 1 : 0;
  };
  const isTripped = (): boolean => {
    const calls = seconds.reduce((sum, each) => sum + each.calls, 0);
    const failed = seconds.reduce((sum, each) => sum + each.failed, 0);
    return inRow >= 3 * failuresInRow || ((inRow >= failuresInRow || calls >= minCalls) && failed >= calls * failedShare);
  };

  const waitMs = (): number => {
    if (opened === null) return 0;
    const left = opened.until - now();
    return left > 0 ? left : trying ? 1 : 0;
  };
  return {
    state: () => (opened === null ? "closed" : now() < opened.until ? "open" : "half-open"),
    waitMs,
    begin() {
      if (waitMs() > 0) return null;
      const trial = opened;
      const begun = period;
      trying = trial !== null;
      let ended = false;
      return (sign) => {
        if (ended || begun !== period) return;
        ended = true;
        if (trial !== null) {
          trying = false;
          if (sign === "alive") change(null);
          else if (sign === "failing") open(Math.min(trial.forMs * 2, maxOpenMs));
        } else if (sign !== "nothing") {
          count(sign === "failing");
          if (sign === "failing" && isTripped()) open(firstOpenMs);
        }
      };
    },
    snapshot: () => opened,
    restore: (kept) => change(kept === null ? null : { ...kept, until: Math.min(kept.until, now() + maxOpenMs) }),
  };
}
