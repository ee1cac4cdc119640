/**
 * What one provider may be asked, and when: from configured limits, from what its answers say, and from its refusals. It knows no queue
 * and waits for nothing.
 */
import type { AnswerHeaders } from "./http-send.ts";
import { roomOf, roomWaitMs, takeRoom, type KnownRoom } from "./known-room.ts";
import { createLimitOrChance } from "./limit-or-chance.ts";
import { createMinuteWindow } from "./minute-window.ts";
import { readRateHeaders } from "./rate-headers.ts";
import { retryAfterMs } from "./status-error.ts";

/** Per minute; null: no limit is known. */
export interface ConfiguredLimits {
  readonly rpm: number | null;
  readonly tpm: number | null;
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
  /** Requests per second that are let through at most since the last refusal, and when that was; null: as many as want to. */
  readonly pace: { readonly perSecond: number; readonly refusedAt: number } | null;
}

export interface Admission {
  /** Counts from 1. */
  readonly number: number;
  /** Tokens of all calls up to and with this one. */
  readonly tokensSoFar: number;
  answered: boolean;
}

export interface ProviderLimits {
  /** 0: now. Infinity: when another call is answered. */
  waitMs(tokens: number): number;
  admit(tokens: number): Admission;
  answered(admission: Admission, status: number, headers: Pick<AnswerHeaders, "get">): void;
  /** The call is over, with an answer or without. */
  left(admission: Admission): void;
  snapshot(): ProviderSnapshot;
  restore(snapshot: ProviderSnapshot): void;
}

/** Calls that a provider gets at once before it ever answered: if it has a limit, this is how many it can refuse at once. */
const COLD_WIDTH = 128;
/** Calls at once that are left to a provider that refuses: one call that hangs must not hold up all others. */
const MIN_WIDTH = 2;
const MAX_WIDTH = 10_000;
const FIRST_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 60_000;
const MAX_CLOSED_MS = 86_400_000;
/** Requests per second: the slowest pace, and where none is kept any more. */
const SLOWEST = 0.2;
const FAST = 50;
/** The share by which each good answer quickens the pace: where there is a limit for sure, and where there may be none. */
const QUICKER_NEAR = 0.006;
const QUICKER_FAR = 0.1;
/** Without a refusal for so long no pace is kept any more. */
const PACE_HOLDS_MS = 300_000;

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
  const judge = createLimitOrChance(now);
  let closedUntil = 0;
  let refusals = 0;
  let width = COLD_WIDTH;
  let requests: KnownRoom | null = null;
  let tokens: KnownRoom | null = null;
  let pace: ProviderSnapshot["pace"] = null;
  let firstAt = 0;
  let lastAt = 0;
  let admitted = 0;
  let admittedTokens = 0;
  let unanswered = 0;
  /** Last calls that were let through before one was refused and before the pace was set, and the last whose answer told of limits. */
  let lastBeforeRefusal = 0;
  let lastBeforePace = 0;
  let lastToTell = 0;
  let updatedAt = 0;

  const paceWaitMs = (): number => {
    if (pace === null) return 0;
    if (pace.perSecond >= FAST || now() - pace.refusedAt >= PACE_HOLDS_MS) pace = null;
    return pace === null ? 0 : lastAt + 1000 / pace.perSecond - now();
  };

  const left = (admission: Admission): void => {
    if (admission.answered) return;
    admission.answered = true;
    unanswered -= 1;
  };
  const pauseMs = (asked: number | null): number => {
    if (asked !== null && asked > 0) return asked + random() * Math.min(5000, asked / 10);
    return Math.min(FIRST_PAUSE_MS * 2 ** (refusals - 1), MAX_PAUSE_MS) * (1 + random() / 4);
  };
  const slowDown = (): void => {
    refusals += 1;
    // What was answered in the last minute, or since there was a first call, is what the provider takes.
    const taken = good.total() / Math.min(60, Math.max(5, (now() - firstAt) / 1000));
    const slower = pace === null ? Math.max(1, taken) : Math.min(taken, Math.max(taken * 0.9, pace.perSecond * 0.8));
    pace = { perSecond: Math.max(SLOWEST, slower), refusedAt: now() };
    width = MIN_WIDTH;
    lastBeforePace = admitted;
  };
  /** Of calls that were sent together the first that is refused counts, and the first that shows that this is a limit. */
  const refused = (admission: Admission, asked: number | null): void => {
    judge.answered(admission.number, true);
    const isLimit = judge.isLimit() && admission.number > lastBeforePace;
    if (isLimit) slowDown();
    else if (admission.number > lastBeforeRefusal) width = Math.max(MIN_WIDTH, Math.ceil(width / 2));
    // A call that was refused by chance waits before it is sent again; the others need not.
    if (isLimit || asked !== null) closedUntil = Math.max(closedUntil, now() + pauseMs(asked));
    if (isLimit || admission.number > lastBeforeRefusal) lastBeforeRefusal = admitted;
  };

  return {
    waitMs(wanted) {
      const { rpm, tpm } = configured();
      const here = Math.max(
        closedUntil - now(),
        rpm === null ? 0 : sent.waitMs(rpm - 1),
        paceWaitMs(),
        tpm === null ? 0 : sentTokens.waitMs(tpm - Math.min(wanted, tpm)),
        roomWaitMs(requests, 1, now()),
        roomWaitMs(tokens, wanted, now()),
        0,
      );
      return here === 0 && unanswered >= width ? Infinity : here;
    },
    admit(wanted) {
      admitted += 1;
      admittedTokens += wanted;
      unanswered += 1;
      lastAt = now();
      if (firstAt === 0) firstAt = lastAt;
      sent.add(1);
      sentTokens.add(wanted);
      requests = takeRoom(requests, 1, now());
      tokens = takeRoom(tokens, wanted, now());
      return { number: admitted, tokensSoFar: admittedTokens, answered: false };
    },
    answered(admission, status, headers) {
      const first = !admission.answered;
      left(admission);
      updatedAt = now();
      const news = readRateHeaders(headers, now());
      if (admission.number >= lastToTell) {
        lastToTell = admission.number;
        if (news.requests !== null) requests = roomOf(news.requests, admitted - admission.number, now());
        if (news.tokens !== null) tokens = roomOf(news.tokens, admittedTokens - admission.tokensSoFar, now());
      }
      if (status === 429) refused(admission, retryAfterMs(headers, now()));
      else if (first && status < 400) {
        good.add(1);
        judge.answered(admission.number, false);
        if (admission.number <= lastBeforeRefusal) return;
        refusals = 0;
        if (pace !== null) pace = { ...pace, perSecond: pace.perSecond * (1 + (judge.isSure() ? QUICKER_NEAR : QUICKER_FAR)) };
        width = Math.min(width + 1, MAX_WIDTH);
      }
    },
    left,
    snapshot: () => ({ updatedAt, closedUntil, refusals, width, requests, tokens, pace }),
    restore(snapshot) {
      ({ updatedAt, closedUntil, refusals, width, requests, tokens, pace } = snapshot);
      // Clocks can be set back, and files be written by others.
      closedUntil = Math.min(closedUntil, now() + MAX_CLOSED_MS);
    },
  };
}
