/**
 * What one provider may be asked, and when: from configured limits, from what its answers say, and from its refusals. It knows no queue
 * and waits for nothing.
 */
import { createMinuteWindow } from "./minute-window.ts";
import { readRateHeaders, type Allowance } from "./rate-headers.ts";
import { retryAfterMs } from "./status-error.ts";

/** Per minute; null: no limit is known. */
export interface ConfiguredLimits {
  readonly rpm: number | null;
  readonly tpm: number | null;
}

/** What answers said; counts down with each call that is let through, and is whole again at `resetAt`. */
export interface KnownRoom {
  readonly limit: number | null;
  readonly remaining: number;
  /** Epoch milliseconds; null: was not said. */
  readonly resetAt: number | null;
}

/** As plain JSON; times are epoch milliseconds. */
export interface ProviderSnapshot {
  readonly updatedAt: number;
  readonly closedUntil: number;
  /** Refusals in a row, 429s of calls that were sent together counted once. */
  readonly refusals: number;
  /** Calls that may be without an answer at once. */
  readonly width: number;
  readonly requests: KnownRoom | null;
  readonly tokens: KnownRoom | null;
  /** Requests per minute, guessed from refusals that said nothing of limits. */
  readonly guess: { readonly rpm: number; readonly at: number } | null;
}

export interface Admission {
  /** Counts from 1. */
  readonly number: number;
  readonly tokens: number;
  /** Tokens of all calls up to and with this one. */
  readonly tokensSoFar: number;
  answered: boolean;
}

export interface ProviderLimits {
  /** 0: now. Infinity: when another call is answered. */
  waitMs(tokens: number): number;
  admit(tokens: number): Admission;
  answered(admission: Admission, status: number, headers: Headers): void;
  /** The call is over, with an answer or without. */
  left(admission: Admission): void;
  snapshot(): ProviderSnapshot;
  restore(snapshot: ProviderSnapshot): void;
}

/** Calls that a provider gets at once before it ever answered: if it has a limit, this is how many it can refuse at once. */
const COLD_WIDTH = 32;
const MAX_WIDTH = 10_000;
const FIRST_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 60_000;
const MAX_CLOSED_MS = 86_400_000;
/** A provider that wants so long a pause counts by the minute, one that wants less by the second. */
const LONG_PAUSE_MS = 4000;
/** A guess that was not refused for so long was too low. */
const GUESS_HOLDS_MS = 120_000;
/** Requests per minute above which a guess is of no use. */
const MAX_GUESS = 100_000;

export interface ProviderLimitsOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** 0 to 1, for jitter. */
  readonly random: () => number;
  readonly configured: () => ConfiguredLimits;
}

export function createProviderLimits({ now, random, configured }: ProviderLimitsOptions): ProviderLimits {
  const sent = createMinuteWindow(now);
  const sentTokens = createMinuteWindow(now);
  const good = createMinuteWindow(now);
  let closedUntil = 0;
  let refusals = 0;
  let width = COLD_WIDTH;
  let requests: KnownRoom | null = null;
  let tokens: KnownRoom | null = null;
  let guess: ProviderSnapshot["guess"] = null;
  let guessIfLong = 0;
  let admitted = 0;
  let admittedTokens = 0;
  let unanswered = 0;
  /** Last call that was let through before the gate was closed, and the last whose answer told of limits. */
  let lastBeforeClosing = 0;
  let lastToTell = 0;
  let updatedAt = 0;

  const room = (known: KnownRoom | null): KnownRoom | null => {
    if (known === null || known.resetAt === null || now() < known.resetAt) return known;
    return known.limit === null ? null : { ...known, remaining: known.limit, resetAt: null };
  };
  const roomWaitMs = (known: KnownRoom | null, wanted: number): number => {
    const here = room(known);
    if (here === null || here.remaining >= Math.min(wanted, here.limit ?? wanted)) return 0;
    // Who does not say when there is room again is simply asked.
    return here.resetAt === null ? 0 : here.resetAt - now();
  };
  const told = (said: Allowance | null, since: number, before: KnownRoom | null): KnownRoom | null => {
    if (said === null) return before;
    // A time that was rounded down would let us through too early.
    const resetAt = said.resetMs === null ? null : now() + said.resetMs + Math.min(1000, 100 + said.resetMs / 10);
    return { limit: said.limit, remaining: Math.max(0, said.remaining - since), resetAt };
  };
  const guessedRpm = (): number => {
    if (guess === null) return Infinity;
    let { rpm, at } = guess;
    for (; now() - at >= GUESS_HOLDS_MS && rpm < MAX_GUESS; at += GUESS_HOLDS_MS) rpm = Math.ceil(rpm * 1.1 + 0.5);
    guess = rpm < MAX_GUESS ? { rpm, at } : null;
    return guess === null ? Infinity : rpm;
  };

  const pauseMs = (asked: number | null): number => {
    if (asked !== null && asked > 0) return asked + random() * Math.min(5000, asked / 10);
    return Math.min(FIRST_PAUSE_MS * 2 ** (refusals - 1), MAX_PAUSE_MS) * (1 + random() / 4);
  };
  const refused = (admission: Admission, asked: number | null, saysLimits: boolean): void => {
    const together = admission.number <= lastBeforeClosing;
    if (together && asked === null) return;
    if (!together) {
      if (refusals === 0) guessIfLong = Math.max(1, good.total());
      refusals += 1;
      lastBeforeClosing = admitted;
    }
    const pause = pauseMs(asked);
    closedUntil = Math.max(closedUntil, now() + pause);
    width = 1;
    if (!saysLimits && pause >= LONG_PAUSE_MS) guess = { rpm: guessIfLong, at: now() };
  };

  return {
    waitMs(wanted) {
      const { rpm, tpm } = configured();
      const here = Math.max(
        closedUntil - now(),
        sent.waitMs(Math.min(rpm ?? Infinity, guessedRpm()) - 1),
        tpm === null ? 0 : sentTokens.waitMs(tpm - Math.min(wanted, tpm)),
        roomWaitMs(requests, 1),
        roomWaitMs(tokens, wanted),
        0,
      );
      return here === 0 && unanswered >= width ? Infinity : here;
    },
    admit(wanted) {
      admitted += 1;
      admittedTokens += wanted;
      unanswered += 1;
      sent.add(1);
      sentTokens.add(wanted);
      const less = (known: KnownRoom | null, by: number): KnownRoom | null => {
        const here = room(known);
        return here === null ? null : { ...here, remaining: Math.max(0, here.remaining - by) };
      };
      requests = less(requests, 1);
      tokens = less(tokens, wanted);
      return { number: admitted, tokens: wanted, tokensSoFar: admittedTokens, answered: false };
    },
    answered(admission, status, headers) {
      const first = !admission.answered;
      this.left(admission);
      updatedAt = now();
      const news = readRateHeaders(headers, now());
      if (admission.number >= lastToTell) {
        lastToTell = admission.number;
        requests = told(news.requests, admitted - admission.number, requests);
        tokens = told(news.tokens, admittedTokens - admission.tokensSoFar, tokens);
      }
      if (status === 429) refused(admission, retryAfterMs(headers, now()), news.requests !== null || news.tokens !== null);
      else if (first && status < 400) {
        good.add(1);
        if (admission.number <= lastBeforeClosing) return;
        refusals = 0;
        width = Math.min(width + 1, MAX_WIDTH);
      }
    },
    left(admission) {
      if (admission.answered) return;
      admission.answered = true;
      unanswered -= 1;
    },
    snapshot: () => ({ updatedAt, closedUntil, refusals, width, requests, tokens, guess }),
    restore(snapshot) {
      ({ updatedAt, closedUntil, refusals, width, requests, tokens, guess } = snapshot);
      // Clocks can be set back, and files be written by others.
      closedUntil = Math.min(closedUntil, now() + MAX_CLOSED_MS);
    },
  };
}
