/**
 * A run as OTLP/JSON. Names follow OpenTelemetry's semantic conventions for generative AI where they have one
 * (https://opentelemetry.io/docs/specs/semconv/gen-ai/, version 1.41, all of it still in development there), and are `bosun.*` where
 * they have none. Structure only: no task, prompt, answer, argument, question or error text leaves with it.
 */
import type { OtlpAttribute, OtlpSpan, OtlpTrace } from "../../shared/otlp.ts";
import type { RunView, TraceSpan } from "../../shared/run-view.ts";
import type { TraceOrigin } from "../../shared/trace-context.ts";
import { attributesOf } from "./otlp-attributes.ts";
import type { Facts } from "./otlp-attributes.ts";
import { spanAttributes, spanName } from "./otlp-names.ts";
import { spanIdOf, traceIdOf } from "./trace-ids.ts";

const SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.0";
const INTERNAL = 1;
const CLIENT = 3;

export type TracedRun = Pick<RunView, "run_id" | "workflow" | "status" | "session_id" | "parent"> & {
  readonly trace: TraceSpan;
  /** Left out: the run is a trace of its own. */
  readonly origin?: TraceOrigin;
  /** The trace that the run it came from is part of. */
  readonly parentOrigin?: TraceOrigin;
};

/**
 * Spans that are not over are left out: a collector wants an end, and a made-up one could not be taken back. What is over below
 * them stays, under the parent that is still to come.
 * @param version of Bosun
 */
export function otlpTraceOf(run: TracedRun, version: string): OtlpTrace {
  const spans = [...walk(run.trace)].filter((span) => span.duration_ms !== null).map((span) => otlpSpanOf(span, run));
  return {
    resourceSpans: [
      {
        resource: { attributes: attributesOf({ "service.name": "bosun", "service.version": version }) },
        scopeSpans: [{ scope: { name: "bosun", version }, schemaUrl: SCHEMA_URL, spans }],
      },
    ],
  };
}

function* walk(span: TraceSpan): Generator<TraceSpan> {
  yield span;
  for (const child of span.children) yield* walk(child);
}

function otlpSpanOf(span: TraceSpan, run: TracedRun): OtlpSpan {
  const from = BigInt(Date.parse(span.started_at));
  const until = from + BigInt(span.duration_ms ?? 0);
  const ofRun: Facts = span.parent_id === null ? runFacts(run) : {};
  const links = span.parent_id === null ? linksOf(run) : [];
  return {
    traceId: traceIdOf(run.run_id, run.origin),
    spanId: span.span_id,
    ...parentOf(span.parent_id ?? run.origin?.span_id),
    name: spanName(span, run.workflow),
    kind: span.kind === "model" ? CLIENT : INTERNAL,
    startTimeUnixNano: nanoseconds(from),
    endTimeUnixNano: nanoseconds(until),
    attributes: attributesOf({ ...spanAttributes(span), ...ofRun }),
    ...(links.length === 0 ? {} : { links }),
    status: span.status === "error" ? { code: 2, message: span.error?.code ?? "internal" } : { code: 0 },
  };
}

function parentOf(spanId: string | undefined): { readonly parentSpanId?: string } {
  return spanId === undefined ? {} : { parentSpanId: spanId };
}

function runFacts({ run_id, workflow, status, session_id }: TracedRun): Facts {
  return {
    "gen_ai.operation.name": "invoke_workflow",
    "gen_ai.workflow.name": workflow,
    "gen_ai.conversation.id": session_id,
    "bosun.run.id": run_id,
    "bosun.run.status": status,
  };
}

/** A fork or revert points at the run it came from, which is a trace of its own. */
function linksOf({
  parent,
  parentOrigin,
  workflow,
}: TracedRun): readonly { traceId: string; spanId: string; attributes: readonly OtlpAttribute[] }[] {
  if (parent === null) return [];
  const facts = {
    "bosun.link": workflow === "revert" ? "revert" : "fork",
    "bosun.parent.run.id": parent.run_id,
    "bosun.parent.seq": parent.seq,
  };
  return [{ traceId: traceIdOf(parent.run_id, parentOrigin), spanId: spanIdOf(parent.run_id, ""), attributes: attributesOf(facts) }];
}

function nanoseconds(ms: bigint): string {
  return String(ms * 1_000_000n);
}
