/**
 * The `fetch` of model calls: sends only the headers that are meant to be sent (the SDK adds some about the machine, and some from
 * environment variables), tells a call's clock about every byte, and gives up on answers that never stop.
 */
import type { CallClock } from "./call-clock.ts";

/** Far more than any model writes: 32 MiB. */
export const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

const MAX_DRAINED_BYTES = 64 * 1024;

const PASSED_ON = ["accept", "content-type", "user-agent", "traceparent", "x-bosun-purpose", "x-bosun-run", "x-bosun-worker"];

/** Says which call a request is of; it is not sent. */
const CALL = "x-bosun-call";

/** The rest of a body that nobody wants: read to its end all the same, so that the connection can be used again. */
async function drain(reader: ReadableStreamDefaultReader<Uint8Array>, clock: CallClock): Promise<void> {
  try {
    for (let bytes = 0; bytes < MAX_DRAINED_BYTES;) {
      const next = await reader.read();
      if (next.done) {
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
export function watchedBytes(body: ReadableStream<Uint8Array>, clock: CallClock): AsyncIterableIterator<Uint8Array> {
  const reader = body.getReader();
  let bytes = 0;
  let done = false;
  const iterator: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]: () => iterator,
    next: async () => {
      const read = await reader.read();
      clock.touch();
      if (read.done) {
        done = true;
        clock.finished();
        return { done: true, value: undefined };
      }
      bytes += read.value.byteLength;
      if (bytes > MAX_ANSWER_BYTES) throw new Error("the answer is too large");
      return read;
    },
    return: async () => {
      if (!done) void drain(reader, clock);
      return { done: true, value: undefined };
    },
  };
  return iterator;
}

function watchedBody(body: ReadableStream<Uint8Array>, clock: CallClock): ReadableStream<Uint8Array> {
  const bytes = watchedBytes(body, clock);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await bytes.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    cancel: () => void bytes.return?.(),
  });
}

export function isEventStream(response: Response): boolean {
  return response.headers.get("content-type")?.includes("text/event-stream") === true;
}

interface Watched {
  readonly clock: CallClock;
  answered: boolean;
}

export interface WatchedCall {
  /** To be sent with the request. */
  readonly headers: Readonly<Record<string, string>>;
  /** True once the answer's headers were here. */
  hasAnswered(): boolean;
  end(): void;
}

export interface WatchedFetch {
  /** The body of an event stream is handed on as it came, to be read by {@link watchedBytes}; any other is watched. */
  readonly fetch: typeof fetch;
  begin(clock: CallClock): WatchedCall;
}

export function createWatchedFetch(base: typeof fetch, key: string | null): WatchedFetch {
  const calls = new Map<string, Watched>();
  let count = 0;
  return {
    begin: (clock) => {
      const id = String((count += 1));
      const call: Watched = { clock, answered: false };
      calls.set(id, call);
      return { headers: { [CALL]: id }, hasAnswered: () => call.answered, end: () => void calls.delete(id) };
    },
    fetch: async (input, init) => {
      const given = init?.headers instanceof Headers ? init.headers : new Headers(init?.headers);
      const call = calls.get(given.get(CALL) ?? "");
      if (call === undefined) throw new Error("a request that belongs to no call");
      const headers: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` };
      for (const name of PASSED_ON) {
        const value = given.get(name);
        if (value !== null) headers[name] = value;
      }
      const response = await base(input, { ...init, headers, signal: call.clock.signal });
      call.answered = true;
      call.clock.touch();
      if (response.body === null || (response.ok && isEventStream(response))) return response;
      const watched = watchedBody(response.body, call.clock);
      return new Response(watched, { status: response.status, statusText: response.statusText, headers: response.headers });
    },
  };
}
