/** Tokens and money. Every number says where it comes from; what is unknown is null, never zero. */

/** `reported` by the provider, `estimated` by us, `unknown`. A sum is as good as its worst part. */
export type UsageSource = "reported" | "estimated" | "unknown";

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  /** Part of `prompt_tokens` that the provider served from its cache. */
  readonly cached_tokens: number;
  /** US dollars; null when the model's price is not known. */
  readonly usd: number | null;
  readonly source: UsageSource;
}

/** What is set aside before a paid call; an attempt lost in a crash is settled at this. */
export interface Reservation {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly usd: number | null;
}

export const NO_USAGE: Usage = { prompt_tokens: 0, completion_tokens: 0, cached_tokens: 0, usd: 0, source: "reported" };

const RANK: Record<UsageSource, number> = { reported: 0, estimated: 1, unknown: 2 };

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    prompt_tokens: a.prompt_tokens + b.prompt_tokens,
    completion_tokens: a.completion_tokens + b.completion_tokens,
    cached_tokens: a.cached_tokens + b.cached_tokens,
    usd: a.usd === null || b.usd === null ? null : a.usd + b.usd,
    source: RANK[a.source] >= RANK[b.source] ? a.source : b.source,
  };
}

/** The settlement of an attempt whose true usage will never be known: its reserved maximum, marked `estimated`. */
export function settleAtReservation(reserve: Reservation): Usage {
  return { ...reserve, cached_tokens: 0, source: "estimated" };
}
