/** From what the `openai` package throws, and from answers that are not whole, to errors as the port promises them. */
import { isBosunError, type BosunError } from "../../shared/errors.ts";
import type { ModelRequest } from "../../shared/model.ts";
import { NO_USAGE, type Usage } from "../../shared/usage.ts";
import type { EndedBy } from "./call-clock.ts";
import { cleanDetail } from "./clean-detail.ts";
import type { Dialect, Refusal } from "./dialect.ts";
import { modelError, type Asked } from "./model-failure.ts";
import { retryAfterMs, statusError } from "./status-error.ts";

/** An error that the endpoint wrote into an answer with status 200. */
class ReportedError extends Error {
  override readonly name = "ReportedError";
  readonly body: unknown;
  constructor(body: unknown) {
    super("the endpoint reported an error");
    this.body = body;
  }
}

const NETWORK_ADVICE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there: start it or correct the base URL",
  ENOTFOUND: "no such host: check the base URL and the network",
  EAI_AGAIN: "the host's name could not be looked up: check the network",
  ECONNRESET: "the connection was reset",
  ETIMEDOUT: "the host does not answer: check the network",
  UND_ERR_CONNECT_TIMEOUT: "the host does not answer: check the network",
  ERR_INVALID_URL: "the base URL is not valid",
};

function codeOf(error: unknown): string | null {
  for (
    let at: unknown = error, depth = 0;
    at !== null && typeof at === "object" && depth < 6;
    at = (at as { cause?: unknown }).cause, depth += 1
  ) {
    const { code } = at as { code?: unknown };
    if (typeof code === "string" && /^[A-Z][A-Z0-9_]+$/.test(code)) return code;
  }
  return null;
}

/** The readable part of an error body, whose shape is the endpoint's own. */
function wordsOf(body: unknown): string {
  if (typeof body === "string") return body;
  if (typeof body !== "object" || body === null) return "";
  const { message, error, detail } = body as { message?: unknown; error?: unknown; detail?: unknown };
  for (const candidate of [message, error, detail]) if (typeof candidate === "string" && candidate !== "") return candidate;
  if (typeof error === "object" && error !== null) return wordsOf(error);
  return detail === undefined ? "" : JSON.stringify(detail);
}

/** A status that an endpoint wrote into the body instead of the status line. */
function statusIn(body: unknown): number | null {
  const { code, status } = (typeof body === "object" && body !== null ? body : {}) as { code?: unknown; status?: unknown };
  return [code, status].map(Number).find((value) => Number.isInteger(value) && value >= 400 && value <= 599) ?? null;
}

export interface OpenAiErrors {
  reported(body: unknown): Error;
  /** @param reached how far the answer had come: `answered` with its headers, `begun` with its first chunk. */
  explain(
    error: unknown,
    ended: EndedBy | null,
    reached: { readonly answered: boolean; readonly begun: boolean },
    dialect: Dialect,
  ): BosunError;
  ended(by: EndedBy): BosunError;
  cut(): BosunError;
  nonsense(): BosunError;
  declined(words: string, usage: Usage): BosunError;
  /** What a 400 or 422 that {@link explain} explained was about, and the dialect of the request; null for all other errors. */
  refusalOf(error: unknown): (Refusal & { readonly dialect: Dialect }) | null;
}

export function openAiErrors(
  sdk: typeof import("openai"),
  asked: Asked,
  apiKey: string | null,
  request: ModelRequest,
  limits: { idleTimeoutMs: number; callTimeoutMs: number },
): OpenAiErrors {
  const refusals = new WeakMap<BosunError, Refusal & { dialect: Dialect }>();
  const clean = (words: string): string =>
    cleanDetail(
      words,
      apiKey,
      request.messages.map((message) => message.content),
    );
  const unavailable = (message: string, retryable = true, usage: Usage | null = null): BosunError =>
    modelError("model_unavailable", asked, message, { retryable, usage });

  const ended = (by: EndedBy): BosunError => {
    if (by === "cancelled") return modelError("cancelled", asked, "was not waited for: the call was cancelled");
    const [seconds, key] =
      by === "idle"
        ? [limits.idleTimeoutMs / 1000, "models.idleTimeoutSeconds"]
        : [limits.callTimeoutMs / 1000, "models.callTimeoutSeconds"];
    return unavailable(
      `${by === "idle" ? "sent nothing for" : "was not done within"} ${seconds} s, so the call was given up. Try again, or raise ${key}`,
    );
  };
  const cut = (): BosunError => unavailable("did not finish: the answer was cut off. Try again");
  const nonsense = (): BosunError =>
    unavailable(`answered with something that is not a chat completion. Check the base URL ${asked.shownUrl}`);

  const fromStatus = (status: number, body: unknown, headers: Headers | undefined): BosunError => {
    const text = typeof body === "string" ? body : (JSON.stringify(body) ?? "");
    const outOfQuota = /insufficient_quota|billing_hard_limit/.test(text);
    return statusError(asked, {
      status,
      detail: clean(wordsOf(body)),
      retryAfterMs: headers === undefined ? null : retryAfterMs(headers, Date.now()),
      outOfQuota,
    });
  };
  const fromBody = (body: unknown): BosunError => {
    const status = statusIn(body);
    if (status !== null) return fromStatus(status, body, undefined);
    const words = clean(wordsOf(body));
    return unavailable(`reported an error in its answer${words === "" ? "" : `: ${words}`}. Try again`);
  };
  const fromNetwork = (error: unknown): BosunError => {
    const code = codeOf(error);
    const advice = (code === null ? undefined : NETWORK_ADVICE[code]) ?? "check the base URL and the network";
    return modelError("model_unavailable", asked, `cannot be reached at ${asked.shownUrl}${code === null ? "" : ` (${code})`}: ${advice}`, {
      retryable: code !== "ERR_INVALID_URL",
      usage: NO_USAGE,
      unreached: true,
    });
  };

  return {
    reported: (body) => new ReportedError(body),
    explain(error, by, reached, dialect) {
      if (by !== null) return ended(by);
      if (isBosunError(error)) return error;
      if (error instanceof ReportedError) return fromBody(error.body);
      if (error instanceof SyntaxError) return reached.begun ? cut() : nonsense();
      if (error instanceof sdk.APIError && typeof error.status === "number") {
        const body: unknown = error.error ?? error.message.replace(/^\d{3}\s*/, "");
        const explained = fromStatus(error.status, body, error.headers);
        if (error.status === 400 || error.status === 422) {
          refusals.set(explained, { param: error.param ?? "", body: JSON.stringify(body) ?? "", dialect });
        }
        return explained;
      }
      if (error instanceof sdk.APIError && !(error instanceof sdk.APIConnectionError)) return fromBody(error.error);
      return reached.answered ? cut() : fromNetwork(error);
    },
    ended,
    cut,
    nonsense,
    declined: (words, usage) =>
      modelError(
        "model_refused",
        asked,
        `declined to answer${words === "" ? ": its content filter stopped the answer" : `: ${clean(words)}`}`,
        { usage },
      ),
    refusalOf: (error) => (isBosunError(error) ? (refusals.get(error) ?? null) : null),
  };
}
