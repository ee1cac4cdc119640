/** What all caps together leave for one more model call. Pure arithmetic; who counts, waits and writes down is not its business. */
import type { Price } from "../../shared/config.ts";
import type { Reservation } from "../../shared/usage.ts";
import { tightestOf } from "./scopes.ts";
import type { Cap, Scope, ScopeName, Share } from "./scopes.ts";
import { upperCostUsd } from "./upper-cost.ts";

/** A model call that wants to be let in. */
export interface Wanted {
  /** Upper bound. */
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** null: not known. */
  readonly price: Price | null;
  /** Does the model tell what it used? Left out: yes. */
  readonly reportsUsage?: boolean;
}

export interface Spent {
  readonly kind: "spent";
  readonly scope: ScopeName;
  readonly cap: Cap;
  readonly used: Scope["used"];
  /** What each cap that was hit must be at least for the call to be let in; null for one that was not hit. */
  readonly leastTokens: number | null;
  /** Rounded up to 1/10,000 of a dollar. */
  readonly leastUsd: number | null;
  readonly leastSeconds: number | null;
}

export interface Unpriced {
  readonly kind: "unpriced";
  readonly scope: ScopeName;
  /** The model has no price, does not tell what it used, or something of unknown price counts already. */
  readonly why: "no_price" | "no_report" | "unknown_before";
}

export type CapRoom =
  | {
      readonly kind: "room";
      /** To be sent as `max_completion_tokens`. */
      readonly completionTokens: number;
      readonly reserve: Reservation;
      /** The cap of which most is used; null where there is none. */
      readonly tightest: Share | null;
    }
  /** It would fit, or fit much better, once what others have set aside is settled at less. */
  | { readonly kind: "wait"; readonly scope: ScopeName }
  | Spent
  | Unpriced;

/** Less than this is not worth a call. */
export const MIN_COMPLETION_TOKENS = 16;

/** An answer that is cut to less than this share of what was wanted is mostly lost: while others may give back, that is awaited. */
const WORTH_SENDING = 0.25;

/** Sums of floating point numbers are off by less than this share, however many are added up in whatever order. */
const ROUNDING = 1e-9;

/**
 * How much of an answer all caps leave room for. What is set aside never passes what any cap leaves:
 * `used + reserved + reserve <= cap`, in tokens and in money.
 * @param scopes with what others have set aside, without this call's own
 */
export function roomFor(scopes: readonly Scope[], wanted: Wanted): CapRoom {
  for (const scope of scopes) {
    const why = whyUnpriced(scope, wanted);
    if (why !== null) return { kind: "unpriced", scope: scope.scope, why };
  }
  const least = Math.min(wanted.completionTokens, MIN_COMPLETION_TOKENS);
  for (const scope of scopes) if (isSpent(scope, wanted, least)) return spent(scope, wanted, least);
  let completionTokens = wanted.completionTokens;
  for (const scope of scopes) {
    const left = completionsLeft(scope, wanted);
    const worth = isReserved(scope) ? Math.max(least, wanted.completionTokens * WORTH_SENDING) : least;
    if (left < worth && completionsLeft(unreserved(scope), wanted) > left) return { kind: "wait", scope: scope.scope };
    completionTokens = Math.min(completionTokens, left);
  }
  const reserve = {
    prompt_tokens: wanted.promptTokens,
    completion_tokens: completionTokens,
    usd: wanted.price === null ? null : upperCostUsd(wanted.price, { prompt: wanted.promptTokens, completion: completionTokens }),
  };
  return { kind: "room", completionTokens, reserve, tightest: tightestOf(scopes) };
}

/** A cap in dollars is kept only where every dollar is known. */
function whyUnpriced({ cap, used, reserved }: Scope, { price, reportsUsage = true }: Wanted): Unpriced["why"] | null {
  if (cap.usd === null) return null;
  if (price === null) return "no_price";
  if (!reportsUsage) return "no_report";
  return used.usd === null || reserved.usd === null ? "unknown_before" : null;
}

function isReserved({ reserved }: Scope): boolean {
  return reserved.tokens > 0 || (reserved.usd ?? 0) > 0;
}

function unreserved(scope: Scope): Scope {
  return { ...scope, reserved: { usd: 0, tokens: 0 } };
}

/** Would it not even fit if all that is set aside were given back? */
function isSpent(scope: Scope, wanted: Wanted, least: number): boolean {
  return secondsAreSpent(scope) || completionsLeft(unreserved(scope), wanted) < least;
}

function secondsAreSpent({ cap, used }: Scope): boolean {
  return cap.seconds !== null && used.seconds !== undefined && used.seconds >= cap.seconds;
}

/** Completion tokens, whole, that a scope leaves; negative where the prompt alone does not fit. */
function completionsLeft(scope: Scope, wanted: Wanted): number {
  return Math.floor(Math.min(wanted.completionTokens, leftByTokens(scope, wanted), leftByMoney(scope, wanted)));
}

function leftByTokens({ cap, used, reserved }: Scope, { promptTokens }: Wanted): number {
  return cap.tokens === null ? Infinity : cap.tokens - used.tokens - reserved.tokens - promptTokens;
}

function leftByMoney(scope: Scope, { promptTokens, completionTokens, price }: Wanted): number {
  const usd = usdLeft(scope);
  if (usd === null || price === null) return Infinity;
  const forCompletion = usd - upperCostUsd(price, { prompt: promptTokens, completion: 0 });
  if (forCompletion < 0) return -1;
  return price.out === 0 ? completionTokens : (forCompletion / price.out) * 1_000_000;
}

/** A hair less than there is, so that no rounding passes the cap. */
function usdLeft({ cap, used, reserved }: Scope): number | null {
  if (cap.usd === null || used.usd === null || reserved.usd === null) return null;
  return cap.usd * (1 - ROUNDING) - used.usd - reserved.usd;
}

function spent(scope: Scope, wanted: Wanted, least: number): Spent {
  const { cap, used, reserved } = scope;
  const free = unreserved(scope);
  const leastTokens = used.tokens + reserved.tokens + wanted.promptTokens + least;
  const callUsd = wanted.price === null ? 0 : upperCostUsd(wanted.price, { prompt: wanted.promptTokens, completion: least });
  const leastUsd = ((used.usd ?? 0) + (reserved.usd ?? 0) + callUsd) * (1 + 2 * ROUNDING);
  return {
    kind: "spent",
    scope: scope.scope,
    cap,
    used,
    leastTokens: leftByTokens(free, wanted) < least ? leastTokens : null,
    leastUsd: leftByMoney(free, wanted) < least ? Math.ceil(leastUsd * 10_000) / 10_000 : null,
    leastSeconds: secondsAreSpent(scope) ? Math.floor(used.seconds ?? 0) + 1 : null,
  };
}
