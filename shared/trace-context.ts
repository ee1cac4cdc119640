/** W3C trace context (https://www.w3.org/TR/trace-context-2/): where a run belongs that somebody else's work asked for. */

/** The trace that a run is part of, and the span in it that asked for the run. */
export interface TraceOrigin {
  /** 32 lower-case hex digits. */
  readonly trace_id: string;
  /** 16 lower-case hex digits. */
  readonly span_id: string;
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/u;

/** Null for what is no `traceparent`: it is passed over, as the recommendation has it. A version to come may have more behind it. */
export function parseTraceparent(value: unknown): TraceOrigin | null {
  const found = typeof value === "string" ? TRACEPARENT.exec(value) : null;
  const [, trace_id, span_id, more] = found ?? [];
  if (trace_id === undefined || span_id === undefined || (more !== undefined && String(value).startsWith("00"))) return null;
  return { trace_id, span_id };
}
