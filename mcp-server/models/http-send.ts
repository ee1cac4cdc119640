/**
 * Sends requests to models by `node:http`, which costs less than half of what the global `fetch` does. Connections are kept for a
 * while; redirects are not followed, for the key would go with them.
 */
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { createBrotliDecompress, createUnzip } from "node:zlib";

/** Headers of an answer, as much of the standard's `Headers` as is looked at; a `Headers` of each answer costs more than its parsing. */
export interface AnswerHeaders {
  /** Several of one name are joined by `, `. */
  get(name: string): string | null;
  entries(): Iterable<[string, string]>;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  /** Ending it early with `return` does not end the connection: only the request's signal does. */
  readonly bytes: AsyncIterator<Uint8Array>;
}

export interface HttpRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** null: none is sent, as with GET. */
  readonly body: string | null;
  readonly signal: AbortSignal;
}

/** Resolves with the answer's headers. @throws what Node says of the connection (`code`), an AbortError when the signal is raised */
export type HttpSend = (url: string, request: HttpRequest) => Promise<HttpAnswer>;

/** An idle connection is closed by us after 4 seconds, before most servers do. */
const KEPT_MS = 4_000;

const kept = { keepAlive: true, timeout: KEPT_MS };
const http = new HttpAgent(kept);
const https = new HttpsAgent(kept);

/** @param url `http:` or `https:`; any other is refused with `ERR_INVALID_URL` */
export const httpSend: HttpSend = (url, { method, headers, body, signal }) =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const target = new URL(url);
    const secure = target.protocol === "https:";
    if (!secure && target.protocol !== "http:")
      throw Object.assign(new Error(`${target.protocol} is neither http: nor https:`), { code: "ERR_INVALID_URL" });
    const length = body === null ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const all = { host: target.host, "accept-encoding": "identity", ...headers, ...length };
    const options = {
      // A literal IPv6 address stands in brackets in a URL only.
      hostname: target.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: target.port,
      path: `${target.pathname}${target.search}`,
      method,
      // As a list they are sent as they are, without one check for each.
      headers: Object.entries(all).flat(),
      agent: secure ? https : http,
    };
    let received: IncomingMessage | null = null;
    const sent = (secure ? httpsRequest : httpRequest)(options, (answer) => {
      received = answer;
      resolve({ status: answer.statusCode ?? 0, headers: headersOf(answer), bytes: bytesOf(answer) });
    });
    // Not by the option of that name: it would also end a connection whose answer is whole and that is on its way back to its agent.
    const stop = (): void => {
      if (received?.complete !== true) sent.destroy(new DOMException("the call was ended", "AbortError"));
    };
    signal.addEventListener("abort", stop, { once: true });
    sent.once("close", () => signal.removeEventListener("abort", stop));
    sent.on("error", reject);
    sent.end(body ?? undefined);
  });

function headersOf({ headers }: IncomingMessage): AnswerHeaders {
  const textOf = (value: string | readonly string[] | undefined): string | null =>
    value === undefined ? null : typeof value === "string" ? value : value.join(", ");
  return {
    get: (name) => textOf(headers[name.toLowerCase()]),
    entries: () => Object.entries(headers).map(([name, value]) => [name, textOf(value) ?? ""]),
  };
}

/** Nothing compressed was asked for; some gateways do it all the same. */
function bytesOf(answer: IncomingMessage): AsyncIterator<Uint8Array> {
  // Whoever reads is told by the iterator; what breaks when nobody reads any more is of no interest.
  answer.on("error", () => undefined);
  const encoding = answer.headers["content-encoding"] ?? "identity";
  const plain =
    encoding === "br"
      ? answer.pipe(createBrotliDecompress())
      : encoding === "gzip" || encoding === "deflate"
        ? answer.pipe(createUnzip())
        : answer;
  if (plain !== answer) answer.on("error", (error) => plain.destroy(error));
  return plain.iterator({ destroyOnReturn: false });
}
