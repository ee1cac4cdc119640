/**
 * The rate gate: one line of waiting calls for each provider, shared by all workers, so that a provider that is asked too much is asked
 * less by everybody, first come, first served.
 */
import type { AnswerHeaders } from "./http-send.ts";
import { BosunError } from "../../shared/errors.ts";
import { NO_USAGE } from "../../shared/usage.ts";
import type { ModelFailure } from "./model-failure.ts";
import {
  createProviderLimits,
  type Admission,
  type ConfiguredLimits,
  type ProviderLimits,
  type ProviderSnapshot,
} from "./provider-limits.ts";

export interface RateGateOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Resolves after so many milliseconds; rejects when the signal is raised. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<unknown>;
  /** 0 to 1. */
  readonly random: () => number;
  /** A ceiling from the start, read at each call. Default: none. */
  readonly limits?: (provider: string) => ConfiguredLimits;
}

export interface EnterOptions {
  /** About how many tokens the call will take, the answer included. */
  readonly tokens: number;
  readonly signal: AbortSignal;
  /** A call that would have to wait longer, as far as is known, is refused. Default: it waits. */
  readonly maxWaitMs?: number;
}

export interface GatePass {
  /** To be told of each answer's status and headers, as soon as they are here. */
  observe(status: number, headers: Pick<AnswerHeaders, "get">): void;
  /** To be called when the call is over, however it ended; further calls do nothing. */
  leave(): void;
}

export interface GateState extends ProviderSnapshot {
  readonly waiting: number;
  /** Milliseconds for which nothing is let through; 0 when open. */
  readonly closedMs: number;
}

export type GateSnapshot = Readonly<Record<string, ProviderSnapshot>>;

export interface RateGate {
  /**
   * Resolves when the provider may be asked.
   * @throws BosunError `cancelled` when the signal is raised, `rate_limited` (retryable, with the wait as its cause's `retryAfterMs`) when
   * it would have to wait longer than `maxWaitMs`
   */
  enter(provider: string, options: EnterOptions): Promise<GatePass>;
  /** Milliseconds that a call would have to wait as far as is known; 0: none. 1 where it depends on answers that are awaited. */
  waitMs(provider: string, tokens: number): number;
  state(provider: string): GateState;
  snapshot(): GateSnapshot;
  /** What an earlier process has learned, for providers that this one has not asked. */
  restore(snapshot: GateSnapshot): void;
  /** The one listener is told of each change worth keeping. */
  onChange(listener: () => void): void;
}

interface Waiter {
  readonly tokens: number;
  readonly maxWaitMs: number;
  readonly admit: (admission: Admission) => void;
  readonly refuse: (waitMs: number) => void;
}

interface Line {
  readonly limits: ProviderLimits;
  waiting: Waiter[];
  alarm: AbortController | null;
}

const NO_LIMITS: ConfiguredLimits = { rpm: null, tpm: null };

export function createRateGate({ now, sleep, random, limits }: RateGateOptions): RateGate {
  const lines = new Map<string, Line>();
  let changed = (): void => undefined;

  const lineOf = (provider: string): Line => {
    const known = lines.get(provider);
    if (known !== undefined) return known;
    const configured = (): ConfiguredLimits => limits?.(provider) ?? NO_LIMITS;
    const made: Line = { limits: createProviderLimits({ now, random, configured }), waiting: [], alarm: null };
    lines.set(provider, made);
    return made;
  };

  const ringAfter = (line: Line, ms: number): void => {
    const alarm = new AbortController();
    line.alarm = alarm;
    sleep(Math.ceil(ms), alarm.signal).then(
      () => (line.alarm === alarm ? move(line) : undefined),
      () => undefined,
    );
  };
  /** Lets through whoever may pass now, and sees to it that the first of the others is looked at again. */
  const move = (line: Line): void => {
    line.alarm?.abort();
    line.alarm = null;
    for (let head = line.waiting[0]; head !== undefined; head = line.waiting[0]) {
      const ms = line.limits.waitMs(head.tokens);
      if (ms > 0) {
        if (ms === Infinity) return;
        for (const each of line.waiting.filter(({ maxWaitMs }) => maxWaitMs < ms)) each.refuse(ms);
        if (line.waiting.length > 0) ringAfter(line, ms);
        return;
      }
      line.waiting.shift();
      head.admit(line.limits.admit(head.tokens));
    }
  };
  const passOf = (line: Line, admission: Admission): GatePass => ({
    observe(status, headers) {
      line.limits.answered(admission, status, headers);
      changed();
      move(line);
    },
    leave() {
      line.limits.left(admission);
      move(line);
    },
  });

  return {
    enter: (provider, { tokens, signal, maxWaitMs = Infinity }) =>
      new Promise((resolve, reject) => {
        const line = lineOf(provider);
        const cancelled = (): BosunError =>
          new BosunError("cancelled", `the call was cancelled while it waited for ${provider}'s rate limit`);
        if (signal.aborted) {
          reject(cancelled());
          return;
        }
        const quit = (error: BosunError): void => {
          signal.removeEventListener("abort", onAbort);
          line.waiting = line.waiting.filter((each) => each !== waiter);
          reject(error);
        };
        const onAbort = (): void => {
          quit(cancelled());
          move(line);
        };
        const waiter: Waiter = {
          tokens,
          maxWaitMs,
          admit: (admission) => {
            signal.removeEventListener("abort", onAbort);
            resolve(passOf(line, admission));
          },
          refuse: (waitMs) => quit(tooLong(provider, waitMs)),
        };
        signal.addEventListener("abort", onAbort);
        line.waiting.push(waiter);
        // Behind others nothing changes, unless it is not for this one to wait so long.
        if (line.waiting.length === 1 || maxWaitMs < Infinity) move(line);
      }),
    waitMs(provider, tokens) {
      const { limits, waiting } = lineOf(provider);
      const ms = Math.max(limits.waitMs(tokens), waiting[0] === undefined ? 0 : Math.max(1, limits.waitMs(waiting[0].tokens)));
      return ms === Infinity ? 1 : ms;
    },
    state(provider) {
      const { limits, waiting } = lineOf(provider);
      const snapshot = limits.snapshot();
      return { ...snapshot, waiting: waiting.length, closedMs: Math.max(0, snapshot.closedUntil - now()) };
    },
    snapshot: () =>
      Object.fromEntries(
        [...lines].map(([provider, { limits }]) => [provider, limits.snapshot()] as const).filter(([, { updatedAt }]) => updatedAt > 0),
      ),
    restore(snapshot) {
      for (const [provider, saved] of Object.entries(snapshot)) {
        const { limits } = lineOf(provider);
        if (limits.snapshot().updatedAt === 0) limits.restore(saved);
      }
    },
    onChange(listener) {
      changed = listener;
    },
  };
}

function tooLong(provider: string, waitMs: number): BosunError {
  const cause: ModelFailure = {
    kind: "model-failure",
    provider,
    model: "",
    status: null,
    retryAfterMs: Math.ceil(waitMs),
    usage: NO_USAGE,
  };
  const message = `${provider} takes no more requests for ${Math.ceil(waitMs / 1000)} s, by its rate limit: try again then, or use a model of another provider`;
  return new BosunError("rate_limited", message, { cause });
}
