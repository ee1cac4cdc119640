/** Writes a run as a file of its own; the format is that of `export-format.ts`. */
import type { ChainedRows } from "./chained-rows.ts";
import { exportText, headerText, lineText } from "./export-format.ts";
import type { ExportHeader } from "./export-format.ts";
import { walkPayloads } from "./payload-refs.ts";
import type { FoundPayload, PayloadRef } from "./payload-refs.ts";
import { RunChain } from "./run-chain.ts";
import type { SigningKey } from "./signing-key.ts";

export interface ExportParts {
  readonly rows: ChainedRows;
  /** Was verified in the same rows. */
  readonly run: number;
  readonly run_id: string;
  readonly key: SigningKey | null;
  /** Leaves the payloads out: all that was said is in them, the events hold structure alone. */
  readonly redact: boolean;
  /** Epoch milliseconds. */
  readonly now: number;
}

export interface ExportedRun {
  readonly header: ExportHeader;
  /** Without line ends. To be read while `rows` are open. */
  readonly lines: Iterable<string>;
}

export function exportRun(parts: ExportParts): ExportedRun {
  const { rows, run, key, redact } = parts;
  const chain = new RunChain(parts.run_id);
  const refs: PayloadRef[] = [];
  for (const row of rows.events(run)) refs.push(...chain.take(row).refs);
  const payloads = (): Iterable<FoundPayload> => onceEach(walkPayloads(refs, (hash) => (redact ? null : rows.payload(hash))));
  let [there, leftOut] = [0, 0];
  for (const { body } of payloads()) {
    if (body === null) leftOut += 1;
    else there += 1;
  }
  const bare: ExportHeader = {
    bosun_export: 1,
    run_id: parts.run_id,
    exported_at: new Date(parts.now).toISOString(),
    seq: chain.seq,
    head: chain.hash.toString("hex"),
    payloads: there,
    left_out: leftOut,
    redacted: redact,
    key: key?.public.pem ?? null,
    signature: null,
  };
  const header = { ...bare, signature: key?.sign(exportText(bare)).toString("base64") ?? null };
  return { header, lines: linesOf(header, rows, run, payloads) };
}

function* linesOf(header: ExportHeader, rows: ChainedRows, run: number, payloads: () => Iterable<FoundPayload>): Generator<string> {
  yield headerText(header);
  for (const row of rows.events(run)) {
    const { seq, time, epoch, kind, path, cause, data, hash } = row;
    yield lineText({ event: { seq, time, epoch, kind, path, cause, data, hash: hash.toString("hex") } });
  }
  for (const { hash, body } of payloads()) if (body !== null) yield lineText({ payload: hash, ...bytes(body) });
}

/** A payload that is read in several ways is written once. */
function* onceEach(found: Iterable<FoundPayload>): Generator<FoundPayload> {
  const seen = new Set<string>();
  for (const payload of found) {
    if (seen.has(payload.hash)) continue;
    seen.add(payload.hash);
    yield payload;
  }
}

function bytes(body: Buffer): { readonly text: string } | { readonly base64: string } {
  const text = body.toString("utf8");
  return Buffer.from(text).equals(body) ? { text } : { base64: body.toString("base64") };
}
