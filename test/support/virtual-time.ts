/** Time that passes only when a test says so. */

interface Timer {
  readonly at: number;
  readonly ring: () => void;
}

export interface VirtualTime {
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once; the result calls it off. */
  after(ms: number, then: () => void): () => void;
  /** Lets so many milliseconds pass, and all happen that is due in them. */
  pass(ms: number): Promise<void>;
  /** Lets happen what is due now. */
  settle(): Promise<void>;
}

export function virtualTime(start = 1_000_000_000_000): VirtualTime {
  let now = start;
  let timers: Timer[] = [];
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const after = (ms: number, then: () => void): (() => void) => {
    const timer: Timer = { at: now + ms, ring: then };
    timers.push(timer);
    return () => {
      timers = timers.filter((each) => each !== timer);
    };
  };
  return {
    now: () => now,
    after,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const callOff = after(ms, resolve);
        signal?.addEventListener("abort", () => {
          callOff();
          reject(new Error("aborted"));
        });
      }),
    settle,
    async pass(ms) {
      const until = now + ms;
      for (;;) {
        await settle();
        const due = Math.min(...timers.map((each) => each.at));
        if (due > until) break;
        now = Math.max(now, due);
        const ringing = timers.filter((each) => each.at <= now);
        timers = timers.filter((each) => each.at > now);
        for (const { ring } of ringing) ring();
      }
      now = until;
      await settle();
    },
  };
}
