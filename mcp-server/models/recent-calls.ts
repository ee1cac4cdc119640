/** What the last calls of a model say, the newest and youngest most. */

export interface CallRecord {
  /** Epoch milliseconds of its end. */
  readonly at: number;
  readonly ok: boolean;
  /** Milliseconds that it took; null for one that failed. */
  readonly latencyMs: number | null;
  /** Milliseconds for each completion token; null where there was none. */
  readonly msPerToken: number | null;
}

export interface Measured {
  /** Weighted median of the good calls, in milliseconds; null when there was none. */
  readonly latencyMs: number | null;
  /** Weighted median; null when there was none. */
  readonly msPerToken: number | null;
  /** Weighted share of good calls, 0..1; null when there was none at all. */
  readonly successShare: number | null;
  /** Sum of the weights: about the number of calls, less for old ones, 22 at most. What to trust the others with. */
  readonly evidence: number;
}

/** Calls that are remembered. */
export const KEPT_CALLS = 50;
/** Weight of a call beside the one after it: 50 calls ago it is 0.13. */
const FADE = 0.96;
const HALF_LIFE_MS = 300_000;

/** @param records oldest first @param now epoch milliseconds */
export function measure(records: readonly CallRecord[], now: number): Measured {
  const weights = records.map(({ at }, n) => FADE ** (records.length - 1 - n) * 2 ** (-Math.max(0, now - at) / HALF_LIFE_MS));
  const weightOf = (n: number): number => weights[n] ?? 0;
  const evidence = weights.reduce((sum, weight) => sum + weight, 0);
  const good = records.reduce((sum, record, n) => sum + (record.ok ? weightOf(n) : 0), 0);
  const median = (of: (record: CallRecord) => number | null): number | null => {
    const known = records
      .flatMap((record, n) => {
        const value = of(record);
        return value === null ? [] : [{ value, weight: weightOf(n) }];
      })
      .toSorted((a, b) => a.value - b.value);
    const half = known.reduce((sum, each) => sum + each.weight, 0) / 2;
    let sum = 0;
    return known.find(({ weight }) => (sum += weight) >= half)?.value ?? null;
  };
  return {
    latencyMs: median((record) => record.latencyMs),
    msPerToken: median((record) => record.msPerToken),
    successShare: evidence === 0 ? null : good / evidence,
    evidence,
  };
}
