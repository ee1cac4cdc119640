/** How much there was in the last minute, and when there is room for more. Counted by whole seconds, so its size has a bound. */

export interface MinuteWindow {
  add(amount: number): void;
  total(): number;
  /** Milliseconds until no more than `most` is left in the window; 0 for now. */
  waitMs(most: number): number;
}

/** A second longer than a minute, for what is sent a minute apart may arrive with less between. */
const WINDOW_MS = 61_000;

/** @param now milliseconds */
export function createMinuteWindow(now: () => number): MinuteWindow {
  let seconds: { readonly second: number; amount: number }[] = [];
  let sum = 0;
  const leaves = (second: number): number => (second + 1) * 1000 + WINDOW_MS;
  const drop = (): void => {
    const at = now();
    if (seconds[0] === undefined || leaves(seconds[0].second) > at) return;
    seconds = seconds.filter(({ second }) => leaves(second) > at);
    sum = seconds.reduce((total, each) => total + each.amount, 0);
  };
  return {
    add(amount) {
      drop();
      const second = Math.floor(now() / 1000);
      const last = seconds.at(-1);
      if (last?.second === second) last.amount += amount;
      else seconds.push({ second, amount });
      sum += amount;
    },
    total() {
      drop();
      return sum;
    },
    waitMs(most) {
      drop();
      let left = sum;
      if (left <= most) return 0;
      for (const { second, amount } of seconds) {
        left -= amount;
        if (left <= most) return leaves(second) - now();
      }
      return WINDOW_MS;
    },
  };
}
