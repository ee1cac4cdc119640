/** Follows the events of one run and says where they are not what was written. */
import type { BadPlace } from "../../shared/journal-verdict.ts";
import { createHash } from "node:crypto";
import { chainHash, GENESIS } from "./chain-hash.ts";
import type { EventRow } from "./chained-rows.ts";
import { EventRefs } from "./payload-refs.ts";
import type { FoundPayload, PayloadRef } from "./payload-refs.ts";
import type { RunEvent } from "../../shared/events.ts";

/** Thrown from the depth of a check to its top, never beyond. */
export class BadRow extends Error {
  readonly place: BadPlace;
  constructor(place: BadPlace) {
    super(place.message);
    this.place = place;
  }
}

export class RunChain {
  readonly runId: string;
  seq = 0;
  hash: Buffer = GENESIS;
  readonly #refs = new EventRefs();

  constructor(runId: string) {
    this.runId = runId;
  }

  bad(message: string, seq: number | null = this.seq): BadRow {
    return new BadRow({ run_id: this.runId, seq, message });
  }

  /** The event, once it is known to be the one that was written, and what it names. @throws BadRow */
  take(row: EventRow): { readonly event: RunEvent; readonly refs: readonly PayloadRef[] } {
    const expected = this.seq + 1;
    if (row.seq > expected) throw this.bad(`event ${expected} is missing`, expected);
    if (row.seq !== expected) throw this.bad(`event ${row.seq} comes where event ${expected} belongs`, expected);
    const hash = chainHash(this.hash, { run_id: this.runId, ...row }, row.data);
    if (!hash.equals(row.hash)) throw this.bad("the event is not what was written: its hash does not fit", row.seq);
    this.seq = row.seq;
    this.hash = hash;
    const event = { ...row, run_id: this.runId, data: this.#parse(row) } as unknown as RunEvent;
    return { event, refs: this.#refs.of(event) };
  }

  #parse(row: EventRow): unknown {
    try {
      return JSON.parse(row.data);
    } catch {
      throw this.bad("the event is not JSON", row.seq);
    }
  }

  /** @throws BadRow when the bytes are not those that the name stands for */
  checkPayload({ hash, body }: Pick<FoundPayload, "hash" | "body">, seq: number | null): void {
    if (body !== null && createHash("sha256").update(body).digest("hex") !== hash)
      throw this.bad(`payload ${hash.slice(0, 12)} is not what was written: its bytes have another hash`, seq);
  }
}
