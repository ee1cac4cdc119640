/** Blobs in memory, for tests of what only reads and writes payloads. */
import { createHash } from "node:crypto";
import type { BlobStore } from "../../mcp-server/journal/blobs.ts";

export function memoryBlobs(): BlobStore & { bytes(): number } {
  const kept = new Map<string, Buffer>();
  return {
    put: (bytes) => {
      const hash = createHash("sha256").update(bytes).digest("hex");
      kept.set(hash, Buffer.from(bytes));
      return { $blob: hash, size: bytes.byteLength };
    },
    get: (hash) => {
      const body = kept.get(hash);
      if (body === undefined) throw new Error(`no blob ${hash}`);
      return body;
    },
    has: (hash) => kept.has(hash),
    bytes: () => [...kept.values()].reduce((sum, body) => sum + body.byteLength, 0),
  };
}
