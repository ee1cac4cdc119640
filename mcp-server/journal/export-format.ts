/**
 * A run as a file of its own: JSON lines. The first is the header; then each event with the text of its data as it is stored; then the
 * payloads, each once after what names it. The chain and the header's signature prove it with nothing but the file and the public key.
 */
import * as z from "zod";

const count = z.int().min(0);

export const exportHeader = z.strictObject({
  /** Version of the format. */
  bosun_export: z.literal(1),
  run_id: z.string().max(200),
  /** ISO 8601, UTC. */
  exported_at: z.string().max(40),
  /** Last event and its hash (hex). */
  seq: count,
  head: z.string().max(64),
  /** Payloads that follow. */
  payloads: count,
  /** Payloads that the events or the payloads here name and that do not follow: redacted, or removed before. */
  left_out: count,
  redacted: z.boolean(),
  /** SPKI, PEM; null when the installation has no key. */
  key: z.string().max(1_000).nullable(),
  /** Base64. */
  signature: z.string().max(200).nullable(),
});

export type ExportHeader = z.infer<typeof exportHeader>;

export const exportLine = z.union([
  z.strictObject({
    event: z.strictObject({
      seq: z.int(),
      time: z.int(),
      epoch: z.int(),
      kind: z.string(),
      path: z.string(),
      cause: z.int().nullable(),
      data: z.string(),
      hash: z.string().regex(/^[0-9a-f]{64}$/u),
    }),
  }),
  z.strictObject({
    payload: z.string().regex(/^[0-9a-f]{64}$/u),
    /** The bytes as UTF-8 when they are, else in base64. */
    text: z.string().optional(),
    base64: z.string().optional(),
  }),
]);

export type ExportLine = z.infer<typeof exportLine>;

/** What the header's signature is over. */
export function exportText(header: ExportHeader): string {
  const { run_id, exported_at, seq, head, payloads, left_out, redacted } = header;
  return JSON.stringify(["bosun", 1, "export", run_id, exported_at, seq, head, payloads, left_out, redacted]);
}

/** The header's line, in the one way that it is written. */
export function headerText(header: ExportHeader): string {
  const { bosun_export, run_id, exported_at, seq, head, payloads, left_out, redacted, key, signature } = header;
  return JSON.stringify({ bosun_export, run_id, exported_at, seq, head, payloads, left_out, redacted, key, signature });
}

/** A line after the header, in the one way that it is written. */
export function lineText(line: ExportLine): string {
  if ("payload" in line) {
    const { payload, text, base64 } = line;
    return JSON.stringify({ payload, text, base64 });
  }
  const { seq, time, epoch, kind, path, cause, data, hash } = line.event;
  return JSON.stringify({ event: { seq, time, epoch, kind, path, cause, data, hash } });
}
