/** Small questions to a trace. */
import type { TraceSpan } from "../../../shared/run-view.ts";
import { duration } from "./numbers.ts";
import type { Still } from "./run-words.ts";

/** The span and all below it, depth first. */
export function* walk(span: TraceSpan): Generator<TraceSpan> {
  yield span;
  for (const child of span.children) yield* walk(child);
}

/** The span and what is below it, but nothing inside a step. */
export function* walkOutsideSteps(span: TraceSpan): Generator<TraceSpan> {
  yield span;
  for (const child of span.children) if (child.kind !== "step") yield* walkOutsideSteps(child);
}

/** How long it took, or has taken so far; empty where it is not over and nothing moves. @param now epoch milliseconds */
export function lasted(span: TraceSpan, { now, still = null }: { readonly now: number; readonly still?: Still | null }): string {
  if (span.duration_ms === null && still !== null) return "";
  return duration(span.duration_ms ?? Math.max(0, now - Date.parse(span.started_at)));
}

/** What a person said no to is told in one word, for the reason stands elsewhere; else null. */
export function rejection(span: TraceSpan): string | null {
  return span.kind === "approval" && span.error?.code === "approval_rejected" ? "rejected" : null;
}

/** What a person told the run while it was under way, oldest first. */
export function toldWords({ attributes: { told } }: Pick<TraceSpan, "attributes">): readonly string[] {
  return Array.isArray(told) ? told.filter((words) => typeof words === "string") : [];
}

/** What is out of the ordinary about a span and no failure of its own; empty for most. */
export function notes({ attributes }: TraceSpan): string {
  const times = (name: string): number => (typeof attributes[name] === "number" ? attributes[name] : 0);
  const { priority } = attributes;
  const told = toldWords({ attributes });
  return [
    attributes["taken_over"] === true ? "taken over" : "",
    priority === "low" || priority === "high" ? `${priority} priority` : "",
    times("attempts") > 1 ? `${times("attempts")} attempts` : "",
    times("lost_attempts") > 0 ? `${times("lost_attempts")} lost in a crash` : "",
    times("doubts") > 0 ? "could not tell whether it happened" : "",
    times("recovered") > 0 ? `taken up again ${often(times("recovered"))}` : "",
    times("pauses") > 0 ? `paused ${often(times("pauses"))}` : "",
    told.length > 0 ? `told ${often(told.length)}` : "",
    times("holds") > 0 ? `held ${often(times("holds"))}` : "",
  ]
    .filter((note) => note !== "")
    .join(", ");
}

function often(times: number): string {
  return times === 1 ? "once" : `${times} times`;
}

/** The models that were asked, each once, in order. */
export function modelsOf(trace: TraceSpan): readonly string[] {
  const names = [...walk(trace)].filter((span) => span.kind === "model").map((span) => shortModel(span.name));
  return [...new Set(names)];
}

/** A scripted model is named by its kind and file, not by the whole path. */
export function shortModel(model: string): string {
  return model.startsWith("scripted:") ? `scripted (${model.slice(model.search(/[^/\\]*$/))})` : model;
}

/** Tokens of all model calls below, in and out together. */
export function tokensOf(span: TraceSpan): number {
  if (span.usage !== undefined) return span.usage.prompt_tokens + span.usage.completion_tokens;
  return span.children.reduce((sum, child) => sum + tokensOf(child), 0);
}
