/**
 * The `fetch` of one model call: sends only the headers that are meant to be sent (the SDK adds some about the machine, and some
 * from environment variables), tells the clock about every byte, and gives up on answers that never stop.
 */
import type { CallClock } from "./call-clock.ts";

/** Far more than any model writes: 32 MiB. */
export const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

const MAX_DRAINED_BYTES = 64 * 1024;

const PASSED_ON = ["accept", "content-type", "user-agent", "traceparent", "x-bosun-purpose", "x-bosun-run", "x-bosun-worker"];

/** The rest of a body that nobody wants: read to its end all the same, so that the connection can be used again. */
async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  try {
    for (let done = false, bytes = 0; !done && bytes < MAX_DRAINED_BYTES;) {
      const next = await reader.read();
      done = next.done;
      bytes += next.value?.byteLength ?? 0;
    }
  } catch {
    // The call is over; how its connection ends is of no interest.
  }
}

function watchedBody(body: ReadableStream<Uint8Array>, clock: CallClock): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let bytes = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read();
      clock.touch();
      if (done) {
        controller.close();
        return;
      }
      bytes += value.byteLength;
      if (bytes > MAX_ANSWER_BYTES) throw new Error("the answer is too large");
      controller.enqueue(value);
    },
    cancel: () => void drain(reader),
  });
}

export interface WatchedFetch {
  readonly fetch: typeof fetch;
  /** True once the answer's headers were here. */
  hasAnswered(): boolean;
}

export function watchedFetch(base: typeof fetch, clock: CallClock, key: string | null): WatchedFetch {
  let answered = false;
  return {
    hasAnswered: () => answered,
    fetch: async (input, init) => {
      const given = new Headers(init?.headers);
      const headers = new Headers();
      for (const name of PASSED_ON) {
        const value = given.get(name);
        if (value !== null) headers.set(name, value);
      }
      if (key !== null) headers.set("authorization", `Bearer ${key}`);
      const response = await base(input, { ...init, headers, signal: clock.signal });
      answered = true;
      clock.touch();
      if (response.body === null) return response;
      const watched = watchedBody(response.body, clock);
      return new Response(watched, { status: response.status, statusText: response.statusText, headers: response.headers });
    },
  };
}
