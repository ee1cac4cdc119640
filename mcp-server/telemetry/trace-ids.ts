/**
 * Ids of W3C trace context, derived from run and path: the same after a crash, on replay and in every projection. A run that somebody
 * else's work asked for has that trace's id.
 */
import { hash } from "node:crypto";
import type { TraceOrigin } from "../../shared/trace-context.ts";

/** 32 lower-case hex digits. */
export function traceIdOf(runId: string, origin?: TraceOrigin): string {
  return origin?.trace_id ?? hash("sha256", `trace\n${runId}`).slice(0, 32);
}

/** 16 lower-case hex digits. The run itself has path `""`. */
export function spanIdOf(runId: string, path: string): string {
  return hash("sha256", `span\n${runId}\n${path}`).slice(0, 16);
}

export function traceparentOf(runId: string, path: string, origin?: TraceOrigin): string {
  return `00-${traceIdOf(runId, origin)}-${spanIdOf(runId, path)}-01`;
}
