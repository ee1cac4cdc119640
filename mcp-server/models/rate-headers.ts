/**
 * What a provider says of its limits in the headers of an answer: the `x-ratelimit-*` of OpenAI and those who speak like it, the
 * `ratelimit-*` of the IETF (draft-ietf-httpapi-ratelimit-headers, its first form and its later one), and `anthropic-ratelimit-*`.
 */
import type { AnswerHeaders } from "./http-send.ts";

/** Of requests or of tokens; null for what was not said. */
export interface Allowance {
  /** In a window whose length the provider alone knows. */
  readonly limit: number | null;
  readonly remaining: number;
  /** Milliseconds until the whole limit is there again. */
  readonly resetMs: number | null;
}

export interface RateNews {
  readonly requests: Allowance | null;
  readonly tokens: Allowance | null;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** A number that is larger is no duration in seconds but a time: in seconds, or in milliseconds, since 1970. */
const EPOCH_SECONDS = 1e9;
const EPOCH_MS = 1e12;
const MAX_RESET_MS = 86_400_000;

/** `6m0s`, `120ms`, `1s`, plain seconds, seconds or milliseconds since 1970, or an RFC 3339 time, as milliseconds from now; null for anything else. */
function resetMs(text: string, now: number): number | null {
  const bounded = (ms: number): number | null => (Number.isFinite(ms) ? Math.min(Math.max(Math.ceil(ms), 0), MAX_RESET_MS) : null);
  if (/^\d{1,20}(\.\d{1,20})?$/.test(text)) {
    const value = Number(text);
    return bounded(value >= EPOCH_MS ? value - now : value >= EPOCH_SECONDS ? value * 1000 - now : value * 1000);
  }
  const parts = [...text.matchAll(/(\d{1,20}(?:\.\d{1,20})?)(ms|s|m|h|d)/g)];
  if (parts.length > 0 && parts.map(([part]) => part).join("") === text)
    return bounded(parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNIT_MS[unit ?? ""] ?? 0), 0));
  return /^\d{4}-\d\d-\d\dT/.test(text) ? bounded(Date.parse(text) - now) : null;
}

/** Whole or not, never negative: `100`, also the first of `100, 100;w=60`. */
function count(text: string | null): number | null {
  const found = /^\s*(\d{1,15})/.exec(text ?? "")?.[1];
  return found === undefined ? null : Number(found);
}

interface Names {
  readonly limit: string;
  readonly remaining: string;
  readonly reset: string;
}

const REQUESTS: readonly Names[] = [
  { limit: "x-ratelimit-limit-requests", remaining: "x-ratelimit-remaining-requests", reset: "x-ratelimit-reset-requests" },
  {
    limit: "anthropic-ratelimit-requests-limit",
    remaining: "anthropic-ratelimit-requests-remaining",
    reset: "anthropic-ratelimit-requests-reset",
  },
  { limit: "ratelimit-limit", remaining: "ratelimit-remaining", reset: "ratelimit-reset" },
  { limit: "x-ratelimit-limit", remaining: "x-ratelimit-remaining", reset: "x-ratelimit-reset" },
];

const TOKENS: readonly Names[] = [
  { limit: "x-ratelimit-limit-tokens", remaining: "x-ratelimit-remaining-tokens", reset: "x-ratelimit-reset-tokens" },
  {
    limit: "anthropic-ratelimit-tokens-limit",
    remaining: "anthropic-ratelimit-tokens-remaining",
    reset: "anthropic-ratelimit-tokens-reset",
  },
];

function read(headers: Pick<AnswerHeaders, "get">, names: readonly Names[], now: number): Allowance | null {
  for (const { limit, remaining, reset } of names) {
    const left = count(headers.get(remaining));
    if (left !== null)
      return { limit: count(headers.get(limit)), remaining: left, resetMs: resetMs(headers.get(reset)?.trim() ?? "", now) };
  }
  return null;
}

/** The later form: `RateLimit: "default";r=50;t=30` with `RateLimit-Policy: "default";q=100;w=60`. The policy with the least left counts. */
function readFields(headers: Pick<AnswerHeaders, "get">, now: number): Allowance | null {
  const written = headers.get("ratelimit");
  if (written === null) return null;
  const parameter = (text: string, name: string): string | null => new RegExp(`;\\s*${name}=(\\d{1,15})`).exec(text)?.[1] ?? null;
  const nameOf = (text: string): string => text.split(";", 1)[0]?.trim() ?? "";
  const policies = (headers.get("ratelimit-policy") ?? "").split(",");
  const said = written.split(",").flatMap((each) => {
    const remaining = count(parameter(each, "r"));
    if (remaining === null) return [];
    const policy = policies.find((other) => nameOf(other) === nameOf(each)) ?? "";
    return [{ limit: count(parameter(policy, "q")), remaining, resetMs: resetMs(parameter(each, "t") ?? "", now) }];
  });
  return said.toSorted((a, b) => a.remaining - b.remaining)[0] ?? null;
}

/** @param now epoch milliseconds, for headers that hold a time */
export function readRateHeaders(headers: Pick<AnswerHeaders, "get">, now: number): RateNews {
  return { requests: read(headers, REQUESTS, now) ?? readFields(headers, now), tokens: read(headers, TOKENS, now) };
}
