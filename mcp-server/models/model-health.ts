/** How each model fares, as its calls tell: speed, success, load, last error, and whether its circuit breaker lets calls pass. */
import type { ErrorCode, ErrorValue } from "../../shared/errors.ts";
import { createCircuitBreaker, type BreakerOptions, type BreakerSnapshot, type BreakerState, type Sign } from "./circuit-breaker.ts";
import { KEPT_CALLS, measure, type CallRecord, type Measured } from "./recent-calls.ts";

export interface CallOutcome {
  readonly ok: boolean;
  /** Milliseconds from sending to the whole answer, waiting at the rate gate left out. */
  readonly latencyMs: number;
  /** When not ok. */
  readonly error?: ErrorValue;
  readonly completionTokens?: number;
}

export interface ModelCall {
  /** To be called once, however the call ended; else it counts as in flight for ever. Further calls do nothing. */
  end(outcome: CallOutcome): void;
}

export interface LastError extends ErrorValue {
  /** Epoch milliseconds. */
  readonly at: number;
}

export interface ModelStats extends Measured {
  readonly inFlight: number;
  readonly breaker: BreakerState;
  /** The breaker lets a call pass now. */
  readonly mayTry: boolean;
  readonly lastError: LastError | null;
  /** Epoch milliseconds; null: never. */
  readonly lastOkAt: number | null;
}

/** Of one model, as plain JSON. */
export interface ModelSnapshot {
  /** Epoch milliseconds of the last change. */
  readonly updatedAt: number;
  readonly inFlight: number;
  readonly calls: readonly CallRecord[];
  readonly breaker: BreakerSnapshot;
  readonly lastError: LastError | null;
  readonly lastOkAt: number | null;
}

export type HealthSnapshot = Readonly<Record<string, ModelSnapshot>>;

export interface ModelHealth {
  /** Begins a call of `provider:model`; null when its breaker lets none pass now, for another may have been faster than one's choice. */
  begin(model: string): ModelCall | null;
  mayTry(model: string): boolean;
  /** Milliseconds until the breaker lets a call pass: 0 for now; 1 while a trial is under way. */
  waitMs(model: string): number;
  state(model: string): ModelStats;
  snapshot(): HealthSnapshot;
  /** What an earlier process has seen, for models that this one has not asked. */
  restore(snapshot: HealthSnapshot): void;
  /** The one listener is told of each change. */
  onChange(listener: () => void): void;
}

interface Entry {
  readonly breaker: ReturnType<typeof createCircuitBreaker>;
  calls: readonly CallRecord[];
  inFlight: number;
  lastError: LastError | null;
  lastOkAt: number | null;
  updatedAt: number;
  measured: (Measured & { readonly at: number }) | null;
}

/** Milliseconds for which what was measured stays as it is while no call ends. */
const FRESH_MS = 1000;
const MAX_MESSAGE = 500;

/** Errors that say something about a model; the others are of our own making. */
export const ERRORS_OF_MODELS = ["model_unavailable", "rate_limited", "model_refused", "timeout"] as const satisfies readonly ErrorCode[];

function isOfTheModel(code: ErrorCode): code is (typeof ERRORS_OF_MODELS)[number] {
  return (ERRORS_OF_MODELS as readonly ErrorCode[]).includes(code);
}

/** @param options.now epoch milliseconds */
export function createModelHealth(options: { readonly now: () => number; readonly breaker?: BreakerOptions }): ModelHealth {
  const { now } = options;
  const entries = new Map<string, Entry>();
  let changed = (): void => undefined;

  const entryOf = (model: string): Entry => {
    const known = entries.get(model);
    if (known !== undefined) return known;
    const breaker = createCircuitBreaker(now, options.breaker);
    const made: Entry = { breaker, calls: [], inFlight: 0, lastError: null, lastOkAt: null, updatedAt: 0, measured: null };
    entries.set(model, made);
    return made;
  };
  const touch = (entry: Entry): void => {
    entry.updatedAt = now();
    changed();
  };
  const record = (entry: Entry, outcome: CallOutcome): void => {
    const at = now();
    if (outcome.ok) entry.lastOkAt = at;
    else if (outcome.error !== undefined && isOfTheModel(outcome.error.code)) entry.lastError = lastErrorOf(outcome.error, at);
    if (!counts(outcome)) return;
    const { ok, latencyMs, completionTokens = 0 } = outcome;
    const call = { at, ok, latencyMs: ok ? latencyMs : null, msPerToken: ok && completionTokens > 0 ? latencyMs / completionTokens : null };
    entry.calls = [...entry.calls, call].slice(-KEPT_CALLS);
    entry.measured = null;
  };
  const measured = (entry: Entry): Measured => {
    const at = now();
    if (entry.measured === null || at - entry.measured.at > FRESH_MS) entry.measured = { ...measure(entry.calls, at), at };
    const { latencyMs, msPerToken, successShare, evidence } = entry.measured;
    return { latencyMs, msPerToken, successShare, evidence };
  };

  return {
    begin(model) {
      const entry = entryOf(model);
      const report = entry.breaker.begin();
      if (report === null) return null;
      entry.inFlight += 1;
      touch(entry);
      let ended = false;
      return {
        end(outcome) {
          if (ended) return;
          ended = true;
          entry.inFlight -= 1;
          record(entry, outcome);
          report(signOf(outcome));
          touch(entry);
        },
      };
    },
    mayTry: (model) => entryOf(model).breaker.waitMs() === 0,
    waitMs: (model) => entryOf(model).breaker.waitMs(),
    state(model) {
      const entry = entryOf(model);
      const { inFlight, lastError, lastOkAt, breaker } = entry;
      return { ...measured(entry), inFlight, breaker: breaker.state(), mayTry: breaker.waitMs() === 0, lastError, lastOkAt };
    },
    snapshot() {
      const asked = [...entries].filter(([, entry]) => entry.updatedAt > 0);
      return Object.fromEntries(
        asked.map(([model, { updatedAt, inFlight, calls, breaker, lastError, lastOkAt }]) => [
          model,
          { updatedAt, inFlight, calls, breaker: breaker.snapshot(), lastError, lastOkAt },
        ]),
      );
    },
    restore(snapshot) {
      for (const [model, { updatedAt, calls, breaker, lastError, lastOkAt }] of Object.entries(snapshot)) {
        const entry = entryOf(model);
        if (entry.updatedAt > 0) continue;
        Object.assign(entry, { updatedAt, calls: calls.slice(-KEPT_CALLS), lastError, lastOkAt, measured: null });
        entry.breaker.restore(breaker);
      }
    },
    onChange(listener) {
      changed = listener;
    },
  };
}

/** What a person must mend (a key, credit, a name) is no news about the model, nor is what is wrong with our request or stands at the gate. */
function signOf({ ok, error }: CallOutcome): Sign {
  if (ok || error?.code === "model_refused") return "alive";
  return error !== undefined && error.retryable && (error.code === "model_unavailable" || error.code === "timeout") ? "failing" : "nothing";
}

/** Whether a call is one of those that success is a share of: a key that does not fit counts, for asking again does not help. */
function counts({ ok, error }: CallOutcome): boolean {
  return ok || error?.code === "model_unavailable" || error?.code === "timeout";
}

function lastErrorOf({ code, message, retryable }: ErrorValue, at: number): LastError {
  return { code, message: message.slice(0, MAX_MESSAGE), retryable, at };
}
