/** Content-addressed storage of payloads: prompts, answers, file contents. Stored once, under the SHA-256 of the bytes. */
import type { BlobRef } from "../../shared/change.ts";

export interface BlobStore {
  /** Keeps the bytes; durable with the next commit of the journal. */
  put(bytes: Uint8Array): BlobRef;
  /** @throws BosunError not_found when the payload was removed or never kept. */
  get(hash: string): Buffer;
  has(hash: string): boolean;
}
