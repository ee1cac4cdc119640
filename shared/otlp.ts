/**
 * A trace in OTLP/JSON, as far as Bosun says it: the protobuf-JSON mapping of OpenTelemetry's `ExportTraceServiceRequest`, which a
 * collector takes at `/v1/traces`. Ids are lower-case hex, 64-bit numbers are strings, kinds and codes are numbers.
 */
export interface OtlpTrace {
  readonly resourceSpans: readonly OtlpResourceSpans[];
}

export interface OtlpResourceSpans {
  readonly resource: { readonly attributes: readonly OtlpAttribute[] };
  readonly scopeSpans: readonly {
    readonly scope: { readonly name: string; readonly version: string };
    readonly schemaUrl: string;
    readonly spans: readonly OtlpSpan[];
  }[];
}

export type OtlpValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  /** A whole number as a string. */
  | { readonly intValue: string }
  | { readonly doubleValue: number };

export interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}

export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Left out for the run itself. */
  readonly parentSpanId?: string;
  readonly name: string;
  /** 1 internal, 3 client. */
  readonly kind: 1 | 3;
  /** Unix time in nanoseconds. */
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string; readonly attributes: readonly OtlpAttribute[] }[];
  /** 0 unset, 2 error; `message` is an error code, never a text. */
  readonly status: { readonly code: 0 } | { readonly code: 2; readonly message: string };
}
