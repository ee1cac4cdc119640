/** Stretches of time, and how much of a span they cover together. */

/** Epoch milliseconds; `until` is not part of it, and Infinity while it goes on. */
export type Interval = readonly [from: number, until: number];

/** The same time as sorted intervals of which no two touch: what overlaps is counted once. */
export function unionOf(intervals: readonly Interval[]): readonly Interval[] {
  if (intervals.length < 2) return intervals.filter(([from, until]) => until > from);
  const sorted = intervals.filter(([from, until]) => until > from).toSorted((a, b) => a[0] - b[0]);
  const union: Interval[] = [];
  for (const [from, until] of sorted) {
    const last = union.at(-1);
    if (last === undefined || from > last[1]) union.push([from, until]);
    else union[union.length - 1] = [last[0], Math.max(last[1], until)];
  }
  return union;
}

/** Milliseconds of the span that the union covers. @param union as {@link unionOf} makes it */
export function lengthWithin(union: readonly Interval[], [from, until]: Interval): number {
  let length = 0;
  for (const each of union) length += Math.max(0, Math.min(each[1], until) - Math.max(each[0], from));
  return length;
}

/** What is left of the span without the others. */
export function without([from, until]: Interval, others: readonly Interval[]): readonly Interval[] {
  const left: Interval[] = [];
  let at = from;
  for (const [begin, end] of unionOf(others)) {
    if (begin >= until) break;
    if (begin > at) left.push([at, begin]);
    at = Math.max(at, end);
  }
  return at < until ? [...left, [at, until]] : left;
}
