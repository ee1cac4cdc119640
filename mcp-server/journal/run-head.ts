/**
 * Up to where a run that has not ended was written: its head, sealed. A seal is a keyed hash, so only who has the private key can check it;
 * a signature would serve everybody, and cost ten times as much at each commit. See docs/decisions/0012.
 */
import type { HeadRow } from "./chained-rows.ts";
import { headText, sealText } from "./log-format.ts";
import type { PublicKey, SigningKey } from "./signing-key.ts";

/** What seals are checked with. */
export type SealKey = Pick<SigningKey, "public" | "isSealed">;

export interface HeadKeys {
  /** Of whoever must have written the head. */
  readonly public: PublicKey;
  /** The private key that is at hand, null when there is none; asked for when a seal is met, not before. */
  readonly seals: () => SealKey | null;
}

/** What the column held before heads were sealed: an Ed25519 signature. */
const SIGNATURE_BYTES = 64;
const SEAL_BYTES = 32;

export function sealHead(key: SigningKey, runId: string, head: Omit<HeadRow, "signature">): Buffer {
  return key.seal(sealText({ run_id: runId, ...head }));
}

/** `unproven` when it is sealed, and the private key that belongs to the public one is not at hand: then it is anybody's word. */
export function proofOfHead(runId: string, head: HeadRow, keys: HeadKeys): "holds" | "broken" | "unproven" {
  const { signature } = head;
  if (signature.length === SIGNATURE_BYTES)
    return keys.public.verifies(headText({ run_id: runId, ...head }), signature) ? "holds" : "broken";
  if (signature.length !== SEAL_BYTES) return "broken";
  const own = keys.seals();
  if (own?.public.fingerprint !== keys.public.fingerprint) return "unproven";
  return own.isSealed(sealText({ run_id: runId, ...head }), signature) ? "holds" : "broken";
}
