/** Figures about models in few words, for reasons in a trace and for the doctor. */
import type { Price } from "../../shared/config.ts";
import type { Measured } from "./recent-calls.ts";

/** `850 ms`, `4.1 s`, `12 s`, `6 min`, `3 h`, `2 d`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** `p50 4.1 s, 98 % ok`; null when nothing was measured. */
export function measuredWords({ latencyMs, successShare }: Measured): string | null {
  const parts = [
    ...(latencyMs === null ? [] : [`p50 ${duration(latencyMs)}`]),
    ...(successShare === null ? [] : [`${Math.round(successShare * 100)} % ok`]),
  ];
  return parts.length === 0 ? null : parts.join(", ");
}

/** `$0.25/$2 per M`: prompt and completion tokens. */
export function priceWords(price: Price | null): string {
  if (price === null) return "price unknown";
  return price.in === 0 && price.out === 0 ? "free" : `$${price.in}/$${price.out} per M`;
}
