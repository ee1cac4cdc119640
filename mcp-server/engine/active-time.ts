/** How long a run has been at work: time in which at least one call was under way and somebody owned it. */
import { isActive } from "../journal/fold-run.ts";
import type { RunFold } from "../journal/fold-run.ts";

/**
 * Milliseconds until the run's cap on active time is reached, 0 when it is; null when it has none or when nothing is under way.
 * @param now epoch milliseconds
 */
export function activeMsLeft(fold: RunFold, now: number): number | null {
  const { seconds } = fold.budget;
  if (seconds === null) return null;
  const active = isActive(fold);
  const used = fold.active_ms + (active ? Math.max(0, now - fold.last_at) : 0);
  const left = Math.max(0, seconds * 1000 - used);
  return active || left === 0 ? left : null;
}
