/** One abort signal for the three ways in which a call is ended early, and which of them it was. */

export type EndedBy = "cancelled" | "idle" | "total";

export interface CallClock {
  readonly signal: AbortSignal;
  /** Something came from the other side: idle time starts again. */
  touch(): void;
  /** The answer was read to its end: its connection needs no end from us. */
  finished(): void;
  /** What ended the call early; null while nothing has. */
  endedBy(): EndedBy | null;
  /**
   * Always to be called at the end; lets go of timers and of whatever still hangs on the signal: at once, or after some
   * milliseconds in which a connection can come to its own end and be used again.
   */
  stop(lingerMs?: number): void;
}

/** @param idleTimeoutMs null: silence is allowed until the call's time is over. */
export function startCallClock(outer: AbortSignal, idleTimeoutMs: number | null, callTimeoutMs: number): CallClock {
  const controller = new AbortController();
  let ended: EndedBy | null = null;
  let finished = false;
  let linger: NodeJS.Timeout | null = null;
  const end = (by: EndedBy): void => {
    ended ??= by;
    controller.abort();
  };
  const onOuter = (): void => end("cancelled");
  if (outer.aborted) onOuter();
  else outer.addEventListener("abort", onOuter, { once: true });
  const idle = idleTimeoutMs === null ? null : setTimeout(end, idleTimeoutMs, "idle");
  const total = setTimeout(end, callTimeoutMs, "total");
  return {
    signal: controller.signal,
    touch: () => void idle?.refresh(),
    finished: () => {
      finished = true;
      if (linger !== null) clearTimeout(linger);
    },
    endedBy: () => ended,
    stop: (lingerMs = 0) => {
      outer.removeEventListener("abort", onOuter);
      if (idle !== null) clearTimeout(idle);
      clearTimeout(total);
      if (finished) return;
      if (lingerMs === 0) controller.abort();
      else linger = setTimeout(() => controller.abort(), lingerMs).unref();
    },
  };
}
