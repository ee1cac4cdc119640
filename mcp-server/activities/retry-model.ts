/** When a model call that failed is made again. The next attempt chooses its model anew, so a fallback is an attempt like any other. */
import type { ErrorValue } from "../../shared/errors.ts";

/** Exponential backoff for the same model: 0.5 s, 1 s, 2 s and so on up to 20 s, of which a random part of up to a half is left out. */
const FIRST_MS = 500;
const FACTOR = 2;
const MAX_MS = 20_000;

/** A provider that wants a longer pause is not waited for: another model is asked, or the run waits for a person. */
const MAX_ASKED_FOR_MS = 30_000;

/** An address where nobody answers is mostly wrong, or nothing has been started there: a person hears of it soon. */
const MAX_UNREACHED = 3;

export interface FailedAttempt {
  /** From 1. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /** Nothing came back at all: no connection could be made. */
  readonly unreached: boolean;
  /** What `Retry-After` said; 0 for nothing. */
  readonly askedForMs: number;
  /** Another model would be asked next. */
  readonly another: boolean;
  /** 0 to 1. */
  readonly random: number;
}

/** Milliseconds until the next attempt; null when there shall be none. */
export function retryDelayMs(
  error: ErrorValue,
  { attempt, maxAttempts, unreached, askedForMs, another, random }: FailedAttempt,
): number | null {
  if (!isAboutTheModel(error) || attempt >= maxAttempts) return null;
  if (another) return 0;
  if (unreached && attempt >= MAX_UNREACHED) return null;
  if (!error.retryable || askedForMs > MAX_ASKED_FOR_MS) return null;
  const backoffMs = Math.min(FIRST_MS * FACTOR ** (attempt - 1), MAX_MS);
  return Math.round(Math.max(backoffMs * (1 - random / 2), askedForMs));
}

/** Would another model, or the same one later, answer? A refused request is refused by others too, and a budget is the person's. */
function isAboutTheModel({ code }: ErrorValue): boolean {
  return code === "model_unavailable" || code === "rate_limited" || code === "timeout";
}
