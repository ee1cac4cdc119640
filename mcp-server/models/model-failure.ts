/** What a failed model call leaves behind besides its error code: for retries, budgets and the journal. Carried as the error's cause. */
import { BosunError, isBosunError, type ErrorCode } from "../../shared/errors.ts";
import type { Usage } from "../../shared/usage.ts";

export interface ModelFailure {
  readonly kind: "model-failure";
  readonly provider: string;
  readonly model: string;
  /** HTTP status; null when there was none. */
  readonly status: number | null;
  /** How long the provider asks to wait, in milliseconds; null when it says nothing. */
  readonly retryAfterMs: number | null;
  /** What the call has cost: nothing when it was turned away at the door; null when nobody knows, so count the reservation. */
  readonly usage: Usage | null;
  /** No connection could be made. */
  readonly unreached?: boolean;
  /** The rule of a scripted model that asked for this failure, counted from 1. */
  readonly rule?: number;
}

/** Who was asked: `provider` and `model` as configured, and what to look at when the key or the address is wrong. */
export interface Asked {
  readonly provider: string;
  readonly model: string;
  /** Address without query, for messages. */
  readonly shownUrl: string;
  /** Name of the variable with the key; null when no key is used. */
  readonly keyVariable: string | null;
}

export type FailureDetails = Partial<Pick<ModelFailure, "status" | "retryAfterMs" | "usage" | "rule" | "unreached">> & {
  readonly retryable?: boolean;
};

/** An error about a model call; `message` goes on after `provider:model`. */
export function modelError(code: ErrorCode, asked: Asked, message: string, details: FailureDetails = {}): BosunError {
  const { status = null, retryAfterMs = null, usage = null, rule, retryable, unreached } = details;
  const failure: ModelFailure = {
    kind: "model-failure",
    provider: asked.provider,
    model: asked.model,
    status,
    retryAfterMs,
    usage,
    ...(rule === undefined ? {} : { rule }),
    ...(unreached === undefined ? {} : { unreached }),
  };
  return new BosunError(code, `${asked.provider}:${asked.model} ${message}`, {
    cause: failure,
    ...(retryable === undefined ? {} : { retryable }),
  });
}

/** The failure that an error of a model call carries; null for any other error. */
export function failureOf(error: unknown): ModelFailure | null {
  if (!isBosunError(error) || typeof error.cause !== "object" || error.cause === null) return null;
  const cause = error.cause as Partial<ModelFailure>;
  return cause.kind === "model-failure" ? (cause as ModelFailure) : null;
}
