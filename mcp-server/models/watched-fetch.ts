/**
 * The `fetch` of model calls: sends headers of its own and none of the SDK's (which tell of the machine, and of environment
 * variables), tells a call's clock about every byte, and gives up on answers that never stop.
 */
import type { CallClock } from "./call-clock.ts";
import type { AnswerHeaders, HttpAnswer, HttpSend } from "./http-send.ts";

/** Far more than any model writes: 32 MiB. */
export const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

const MAX_DRAINED_BYTES = 64 * 1024;

const ALWAYS = { accept: "application/json", "content-type": "application/json", "user-agent": "bosun" };

/** Says which call a request is of; it is not sent. */
const CALL = "x-bosun-call";

/** The rest of a body that nobody wants: read to its end all the same, so that the connection can be used again. */
async function drain(source: AsyncIterator<Uint8Array>, clock: CallClock): Promise<void> {
  try {
    for (let bytes = 0; bytes < MAX_DRAINED_BYTES;) {
      const next = await source.next();
      if (next.done === true) {
        clock.finished();
        return;
      }
      bytes += next.value.byteLength;
    }
  } catch {
    // The call is over; how its connection ends is of no interest.
  }
}

/** The bytes of a body. Where the reader stops before the end, the rest is drained. */
function watchedBytes(source: AsyncIterator<Uint8Array>, clock: CallClock): AsyncIterableIterator<Uint8Array> {
  let bytes = 0;
  let done = false;
  const iterator: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]: () => iterator,
    next: async () => {
      const read = await source.next();
      clock.touch();
      if (read.done === true) {
        done = true;
        clock.finished();
        return { done: true, value: undefined };
      }
      bytes += read.value.byteLength;
      if (bytes > MAX_ANSWER_BYTES) throw new Error("the answer is too large");
      return read;
    },
    return: async () => {
      if (!done) void drain(source, clock);
      return { done: true, value: undefined };
    },
  };
  return iterator;
}

function streamOf(bytes: AsyncIterableIterator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await bytes.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    cancel: () => void bytes.return?.(),
  });
}

/** Statuses whose answers have no body (RFC 9110 section 6.4.1). */
const BODILESS = new Set([204, 205, 304]);

/**
 * An event stream comes as no more than what the SDK looks at, its body an iterable of bytes: a stream around them costs more than all
 * the rest. Any other answer is a whole `Response`.
 */
function responseOf({ status, headers, bytes }: HttpAnswer, clock: CallClock): Response {
  const watched = watchedBytes(bytes, clock);
  const ok = status >= 200 && status < 300;
  if (ok && headers.get("content-type")?.includes("text/event-stream") === true)
    return { ok, status, headers, body: watched } as unknown as Response;
  return new Response(BODILESS.has(status) ? null : streamOf(watched), { status, headers: [...headers.entries()] });
}

type OnAnswer = (status: number, headers: AnswerHeaders) => void;

interface Watched {
  readonly clock: CallClock;
  /** To be sent. */
  readonly headers: Readonly<Record<string, string>>;
  readonly onAnswer: OnAnswer;
  answered: boolean;
}

export interface WatchedCall {
  /** To be handed to the SDK with the request: they name the call. */
  readonly headers: Readonly<Record<string, string>>;
  /** True once the answer's headers were here. */
  hasAnswered(): boolean;
  end(): void;
}

export interface WatchedFetch {
  readonly fetch: typeof fetch;
  /**
   * @param headers to be sent beside those that each request has
   * @param onAnswer told of each answer's headers as they come
   */
  begin(clock: CallClock, headers: Readonly<Record<string, string>>, onAnswer: OnAnswer): WatchedCall;
}

export function createWatchedFetch(send: HttpSend, key: string | null): WatchedFetch {
  const calls = new Map<string, Watched>();
  let count = 0;
  return {
    begin: (clock, headers, onAnswer) => {
      const id = String((count += 1));
      const call: Watched = { clock, headers, onAnswer, answered: false };
      calls.set(id, call);
      return { headers: { [CALL]: id }, hasAnswered: () => call.answered, end: () => void calls.delete(id) };
    },
    fetch: async (input, init) => {
      const given = init?.headers instanceof Headers ? init.headers : new Headers(init?.headers);
      const call = calls.get(given.get(CALL) ?? "");
      if (call === undefined) throw new Error("a request that belongs to no call");
      const authorization = key === null ? {} : { authorization: `Bearer ${key}` };
      const answer = await send(urlOf(input), {
        method: init?.method ?? "POST",
        headers: { ...ALWAYS, ...authorization, ...call.headers },
        body: typeof init?.body === "string" ? init.body : "",
        signal: call.clock.signal,
      });
      call.answered = true;
      call.clock.touch();
      call.onAnswer(answer.status, answer.headers);
      return responseOf(answer, call.clock);
    },
  };
}

function urlOf(input: string | URL | Request): string {
  return typeof input === "object" && "url" in input ? input.url : String(input);
}
