/** Milliseconds to wait after failure number `attempt` (from 0): doubles each time, never more than `maxMs`. */
export function backoff(attempt, { baseMs, maxMs }) {
  return Math.max(maxMs, baseMs * 2 ** attempt);
}
