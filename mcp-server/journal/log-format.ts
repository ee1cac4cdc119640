/** The bytes of the installation's log: what is hashed, signed and sealed. Each is a JSON array with its purpose and format version. */
import { createHash } from "node:crypto";

export type LogKind = "journal-opened" | "run-started" | "run-ended" | "run-removed" | "payload-removed";

export interface LogRow {
  /** From 1, without gaps. */
  readonly position: number;
  /** Epoch milliseconds. */
  readonly time: number;
  readonly kind: string;
  readonly run_id: string | null;
  /** JSON text. */
  readonly data: string;
  readonly hash: Buffer;
}

/** What `data` may say. */
export interface LogData {
  /** Last event of an ended run, and its hash (hex). */
  readonly seq?: number;
  readonly head?: string;
  /** Payloads that were removed, and their bytes. */
  readonly payloads?: number;
  readonly bytes?: number;
  /** They were not removed: they could not be read when the journal before this one was found corrupt. */
  readonly lost?: boolean;
  /** Owner's epoch that opened the journal. */
  readonly epoch?: number;
  /** Runs that were there, unsigned, when the log began. */
  readonly adopted?: number;
}

/** `sha256(before, header, "\n", data)`, header the JSON array `["bosun-log", 1, position, time, kind, run_id]`. */
export function logHash(before: Uint8Array, entry: Omit<LogRow, "hash">): Buffer {
  const header = JSON.stringify(["bosun-log", 1, entry.position, entry.time, entry.kind, entry.run_id]);
  return createHash("sha256").update(before).update(header).update("\n").update(entry.data).digest();
}

/** What the tip's signature is over: how many entries the log has, and the last one's hash. */
export function tipText(tip: { readonly count: number; readonly hash: Buffer }): string {
  return JSON.stringify(["bosun", 1, "log-tip", tip.count, tip.hash.toString("hex")]);
}

/** Up to where a run was written that has not ended, and by the owner of which epoch. */
interface RunHead {
  readonly run_id: string;
  readonly seq: number;
  readonly hash: Buffer;
  readonly epoch: number;
}

/** What the signature of an unfinished run's head was over, before heads were sealed. */
export function headText(head: RunHead): string {
  return JSON.stringify(["bosun", 1, "run-head", head.run_id, head.seq, head.hash.toString("hex"), head.epoch]);
}

/** What the seal of an unfinished run's head is over. */
export function sealText(head: RunHead): string {
  return JSON.stringify(["bosun", 1, "run-head-seal", head.run_id, head.seq, head.hash.toString("hex"), head.epoch]);
}
