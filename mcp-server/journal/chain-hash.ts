/** The hash chain: each event carries the SHA-256 of the one before it and of its own bytes. */
import { hash } from "node:crypto";

/** What the first event of a run follows. */
export const GENESIS: Buffer = Buffer.alloc(32);

/**
 * `sha256(before, header, "\n", data)`: `before` is 32 raw bytes, header the JSON array `[1, run_id, seq, time, epoch, kind, path, cause]`
 * (1 is the version of this format), data the JSON text exactly as stored.
 */
export function chainHash(
  before: Uint8Array,
  event: { run_id: string; seq: number; time: number; epoch: number; kind: string; path: string; cause: number | null },
  data: string,
): Buffer {
  const header = JSON.stringify([1, event.run_id, event.seq, event.time, event.epoch, event.kind, event.path, event.cause]);
  return hash("sha256", Buffer.concat([before, Buffer.from(`${header}\n${data}`)]), "buffer");
}
