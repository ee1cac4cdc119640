/**
 * What a collector takes at `/v1/traces` as JSON, written down from OpenTelemetry's `trace/v1/trace.proto` and from "JSON Protobuf
 * Encoding" of the OTLP specification: field names in lowerCamelCase, ids as hex, enums as integers, 64-bit numbers as strings.
 * Strict, so that a field with a name of our own making is found.
 */
import * as z from "zod";

const uint64 = z.string().regex(/^\d{1,20}$/);
const uint32 = z.number().int().min(0).max(0xff_ff_ff_ff);
const traceId = z.string().regex(/^(?!0{32})[0-9a-f]{32}$/);
const spanId = z.string().regex(/^(?!0{16})[0-9a-f]{16}$/);

const anyValue = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ boolValue: z.boolean() }),
  z.strictObject({ intValue: z.string().regex(/^-?\d{1,19}$/) }),
  z.strictObject({ doubleValue: z.number() }),
]);

const attributes = z
  .array(z.strictObject({ key: z.string().min(1), value: anyValue }))
  .refine((all) => new Set(all.map(({ key }) => key)).size === all.length, "a key stands twice");

const span = z
  .strictObject({
    traceId,
    spanId,
    traceState: z.string().optional(),
    parentSpanId: spanId.optional(),
    flags: uint32.optional(),
    name: z.string().min(1),
    kind: z.number().int().min(0).max(5),
    startTimeUnixNano: uint64,
    endTimeUnixNano: uint64,
    attributes: attributes.optional(),
    droppedAttributesCount: uint32.optional(),
    links: z
      .array(
        z.strictObject({
          traceId,
          spanId,
          traceState: z.string().optional(),
          attributes: attributes.optional(),
          droppedAttributesCount: uint32.optional(),
          flags: uint32.optional(),
        }),
      )
      .optional(),
    status: z.strictObject({ message: z.string().optional(), code: z.number().int().min(0).max(2).optional() }).optional(),
  })
  .refine((all) => BigInt(all.endTimeUnixNano) >= BigInt(all.startTimeUnixNano), "it ends before it begins");

export const exportTraceServiceRequest = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes, droppedAttributesCount: uint32.optional() }),
      scopeSpans: z.array(
        z.strictObject({
          scope: z.strictObject({ name: z.string(), version: z.string().optional(), attributes: attributes.optional() }),
          spans: z.array(span),
          schemaUrl: z.url().optional(),
        }),
      ),
      schemaUrl: z.url().optional(),
    }),
  ),
});

export type ReceivedTrace = z.output<typeof exportTraceServiceRequest>;
export type ReceivedSpan = z.output<typeof span>;

export function spansOf(trace: ReceivedTrace): readonly ReceivedSpan[] {
  return trace.resourceSpans.flatMap((each) => each.scopeSpans).flatMap((each) => each.spans);
}

/** Attributes as plain values. */
export function plain(of: Pick<ReceivedSpan, "attributes"> | undefined): Record<string, string | boolean | number> {
  return Object.fromEntries(
    (of?.attributes ?? []).map(({ key, value }) => {
      if ("intValue" in value) return [key, Number(value.intValue)];
      return [key, Object.values(value)[0] ?? ""];
    }),
  );
}
