/** What a session's streams carried of late, for a client whose connection broke: it names the last event that it saw. */
import type { EventStore, JSONRPCMessage } from "@modelcontextprotocol/server";

const MAX_EVENTS = 256;
/** The last event is kept whatever its size. */
const MAX_BYTES = 512 * 1024;

interface KeptEvent {
  readonly stream: string;
  readonly message: JSONRPCMessage;
  readonly bytes: number;
}

export class KeptEvents implements EventStore {
  /** By number, oldest first. */
  readonly #events = new Map<number, KeptEvent>();
  #bytes = 0;
  #last = 0;

  async storeEvent(stream: string, message: JSONRPCMessage): Promise<string> {
    const bytes = Buffer.byteLength(JSON.stringify(message));
    this.#last += 1;
    this.#events.set(this.#last, { stream, message, bytes });
    this.#bytes += bytes;
    for (const [number, event] of this.#events) {
      if (this.#events.size <= 1 || (this.#events.size <= MAX_EVENTS && this.#bytes <= MAX_BYTES)) break;
      this.#events.delete(number);
      this.#bytes -= event.bytes;
    }
    return String(this.#last);
  }

  /** Undefined when it was never sent, or is kept no longer. */
  async getStreamIdForEventId(id: string): Promise<string | undefined> {
    return this.#events.get(Number(id))?.stream;
  }

  async replayEventsAfter(
    id: string,
    { send }: { readonly send: (id: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const stream = this.#events.get(Number(id))?.stream;
    if (stream === undefined) throw new Error(`event ${JSON.stringify(id)} is kept no longer`);
    for (const [number, event] of this.#events) {
      // The event that opens a stream is an empty one: nothing to tell again.
      if (number > Number(id) && event.stream === stream && Object.keys(event.message).length > 0)
        await send(String(number), event.message);
    }
    return stream;
  }
}
