/**
 * Errors: one class, one closed table of codes. An error is born with its identity, with whether a retry can help, and with
 * the exit code and JSON-RPC code it turns into. Never `instanceof` across bundles: use {@link isBosunError}.
 */

interface CodeFacts {
  /** Can the same request succeed later, with nothing changed by the caller? */
  readonly retryable: boolean;
  /** Exit code of the CLI (interface: 0 done, 1 failed, 2 wrong use, 3 waits for a person, 4 budget, 130 cancelled). */
  readonly exitCode: 1 | 2 | 3 | 4 | 130;
}

const CODES = {
  invalid_input: { retryable: false, exitCode: 2 },
  not_found: { retryable: false, exitCode: 2 },
  budget_exceeded: { retryable: false, exitCode: 4 },
  model_unavailable: { retryable: true, exitCode: 1 },
  model_refused: { retryable: false, exitCode: 1 },
  tool_failed: { retryable: false, exitCode: 1 },
  policy_denied: { retryable: false, exitCode: 1 },
  approval_rejected: { retryable: false, exitCode: 1 },
  approval_expired: { retryable: true, exitCode: 3 },
  conflict: { retryable: true, exitCode: 1 },
  timeout: { retryable: true, exitCode: 1 },
  cancelled: { retryable: false, exitCode: 130 },
  uncertain_effect: { retryable: false, exitCode: 3 },
  rate_limited: { retryable: true, exitCode: 1 },
  internal: { retryable: false, exitCode: 1 },
} as const satisfies Record<string, CodeFacts>;

/** The closed list of error codes that users, clients and models see. */
export type ErrorCode = keyof typeof CODES;

/** An error as plain data: what is journalled, put into a RunView, and sent over the wire. */
export interface ErrorValue {
  readonly code: ErrorCode;
  /** What happened, with which value, and what to do next. */
  readonly message: string;
  readonly retryable: boolean;
}

const BRAND = "bosun.error";

export class BosunError extends Error implements ErrorValue {
  override readonly name = "BosunError";
  readonly brand = BRAND;
  readonly code: ErrorCode;
  readonly retryable: boolean;

  /** @param options.retryable overrides the default of the code. */
  constructor(code: ErrorCode, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? CODES[code].retryable;
  }
}

export function isBosunError(error: unknown): error is BosunError {
  return error instanceof Error && (error as { brand?: unknown }).brand === BRAND;
}

/** Whether it is an error as plain data, such as one that came over a wire. */
export function isErrorValue(value: unknown): value is ErrorValue {
  const { code, message, retryable } = (value ?? {}) as Record<string, unknown>;
  return typeof code === "string" && Object.hasOwn(CODES, code) && typeof message === "string" && typeof retryable === "boolean";
}

export function errorValue(code: ErrorCode, message: string, retryable: boolean = CODES[code].retryable): ErrorValue {
  return { code, message, retryable };
}

/** Any thrown thing as plain data. What is not a BosunError becomes `internal` with the original message. */
export function toErrorValue(error: unknown): ErrorValue {
  if (isBosunError(error)) return errorValue(error.code, error.message, error.retryable);
  const message = error instanceof Error ? error.message : String(error);
  return errorValue("internal", message);
}

/** The CLI's exit code for an error code. */
export function exitCodeOf(code: ErrorCode): number {
  return CODES[code].exitCode;
}
