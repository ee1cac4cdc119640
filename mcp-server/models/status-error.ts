/** From an HTTP status of a model endpoint to the error that a person, a retry policy and a budget can use. */
import type { AnswerHeaders } from "./http-send.ts";
import type { BosunError } from "../../shared/errors.ts";
import { NO_USAGE } from "../../shared/usage.ts";
import { modelError, type Asked, type FailureDetails } from "./model-failure.ts";

export interface StatusFacts {
  readonly status: number;
  /** The endpoint's own words, already cleaned; may be empty. */
  readonly detail: string;
  readonly retryAfterMs: number | null;
  /** The account is out of credit, so waiting does not help. */
  readonly outOfQuota?: boolean;
  readonly rule?: number;
}

/** Milliseconds asked for by `retry-after-ms` or `Retry-After` (seconds, or an HTTP date, RFC 9110 section 10.2.3); at most a day. */
export function retryAfterMs(headers: Pick<AnswerHeaders, "get">, now: number): number | null {
  const ms = Number(headers.get("retry-after-ms") ?? Number.NaN);
  const text = headers.get("retry-after")?.trim() ?? "";
  const wait = Number.isFinite(ms) ? ms : /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isFinite(wait) ? Math.min(Math.max(Math.ceil(wait), 0), 86_400_000) : null;
}

function waitAdvice(ms: number | null): string {
  return ms === null ? "wait a little and try again" : `try again in ${Math.ceil(ms / 1000)} s`;
}

/** 502, 504 and Cloudflare's 520 to 524. */
const GATEWAY_LOST = new Set([502, 504, 520, 521, 522, 523, 524]);

export function statusError(asked: Asked, facts: StatusFacts): BosunError {
  const { status, detail, outOfQuota = false } = facts;
  const said = `answered ${status}${detail === "" ? "" : `: ${detail.replace(/[.\s]+$/, "")}`}`;
  const free: FailureDetails = {
    status,
    retryAfterMs: facts.retryAfterMs,
    usage: NO_USAGE,
    ...(facts.rule === undefined ? {} : { rule: facts.rule }),
  };
  const unavailable = (advice: string, details: FailureDetails): BosunError =>
    modelError("model_unavailable", asked, `${said}. ${advice}`, details);
  const key = asked.keyVariable === null ? "check its key" : `check the key in ${asked.keyVariable}`;

  if (status === 429) {
    const advice = outOfQuota
      ? "The account's quota is used up: check its billing"
      : `Too many requests: ${waitAdvice(facts.retryAfterMs)}`;
    return modelError("rate_limited", asked, `${said}. ${advice}`, { ...free, retryable: !outOfQuota });
  }
  if (status === 400 || status === 413 || status === 422)
    return modelError("model_refused", asked, `refused the request: it ${said}`, free);
  if (status === 401) return unavailable(`Not authorised: ${key}`, { ...free, retryable: false });
  if (status === 402) return unavailable("The account has no credit: check its billing", { ...free, retryable: false });
  if (status === 403) return unavailable(`Not permitted: ${key} and whether it may use this model`, { ...free, retryable: false });
  if (status === 404)
    return unavailable(`Not found: check the model's name and the base URL ${asked.shownUrl}`, { ...free, retryable: false });
  if (status === 408 || status === 409 || status === 425)
    return unavailable(`A passing problem: ${waitAdvice(facts.retryAfterMs)}`, { ...free, retryable: true });
  // Nobody charges for an answer that failed; behind a gateway that lost sight of it, it may have been given and charged.
  if (status >= 500)
    return unavailable(`The provider has a problem: ${waitAdvice(facts.retryAfterMs)}`, {
      ...free,
      usage: GATEWAY_LOST.has(status) ? null : NO_USAGE,
      retryable: true,
    });
  return unavailable(`Check the base URL ${asked.shownUrl}`, { ...free, retryable: false });
}
