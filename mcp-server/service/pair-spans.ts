/** Lays two traces over each other, span by span, by path. Pure. */
import type { ComparedSpan, Difference, SpanBrief, Verdict } from "../../shared/run-compare.ts";
import type { TraceSpan } from "../../shared/run-view.ts";
import type { Outcomes } from "./outcomes.ts";

/** One of the two runs. */
export interface TracedSide {
  readonly trace: TraceSpan;
  readonly outcomes: Outcomes;
  /** It was forked from the other one: what it took over is marked in its trace. */
  readonly isFork: boolean;
}

const EXCERPT = 300;
/** Characters shown at most of what both begin with, before the first difference. */
const LEAD = 24;

export function pairSpans(left: TracedSide, right: TracedSide): ComparedSpan {
  return pairOf(left.trace, right.trace, { left, right });
}

interface Sides {
  readonly left: TracedSide;
  readonly right: TracedSide;
}

function pairOf(left: TraceSpan, right: TraceSpan, sides: Sides): ComparedSpan {
  const said = { left: outcomeOf(left, sides.left), right: outcomeOf(right, sides.right) };
  const differs = differencesOf(left, right, said);
  const children = pairChildren(left.children, right.children, sides);
  const told = differs.length > 0 && said.left !== said.right ? excerpts(said.left ?? "", said.right ?? "") : null;
  return {
    path: pathOf(left),
    kind: left.kind,
    verdict: verdictOf(differs, children, takenOver(left, sides.left) || takenOver(right, sides.right)),
    differs,
    left: briefOf(left, told?.left ?? null),
    right: briefOf(right, told?.right ?? null),
    children,
  };
}

function takenOver(span: TraceSpan, side: TracedSide): boolean {
  return side.isFork && span.attributes["taken_over"] === true;
}

function verdictOf(differs: readonly Difference[], children: readonly ComparedSpan[], taken: boolean): Verdict {
  const alike = differs.length === 0 && children.every((child) => child.verdict === "same" || child.verdict === "taken_over");
  if (!alike) return "changed";
  return taken ? "taken_over" : "same";
}

/** In the order of both: what only the right side has comes where it stands there. */
function pairChildren(left: readonly TraceSpan[], right: readonly TraceSpan[], sides: Sides): readonly ComparedSpan[] {
  const onLeft = new Set(left.map(pathOf));
  const places = new Map(right.map((span, index) => [pathOf(span), index]));
  const paired: ComparedSpan[] = [];
  let next = 0;
  const takeRight = (until: number): void => {
    for (; next < until; next += 1) {
      const span = right[next];
      if (span !== undefined && !onLeft.has(pathOf(span))) paired.push(alone(span, "right"));
    }
  };
  for (const span of left) {
    const place = places.get(pathOf(span));
    const other = place === undefined ? undefined : right[place];
    if (place === undefined || other === undefined) {
      paired.push(alone(span, "left"));
      continue;
    }
    takeRight(place);
    paired.push(pairOf(span, other, sides));
  }
  takeRight(right.length);
  return paired;
}

function alone(span: TraceSpan, side: "left" | "right"): ComparedSpan {
  const brief = briefOf(span, null);
  return {
    path: pathOf(span),
    kind: span.kind,
    verdict: side === "left" ? "only_left" : "only_right",
    differs: [],
    left: side === "left" ? brief : null,
    right: side === "right" ? brief : null,
    children: [],
  };
}

function differencesOf(left: TraceSpan, right: TraceSpan, said: { left: string | null; right: string | null }): readonly Difference[] {
  const otherCall = left.name !== right.name || noteOf(left) !== noteOf(right);
  const otherWords = said.left !== said.right;
  const differs: readonly (readonly [Difference, boolean])[] = [
    ["worker", left.kind === "step" && left.worker !== right.worker],
    ["model", left.kind === "model" && left.name !== right.name],
    ["call", (left.kind === "tool" || left.kind === "memory" || left.kind === "approval" || left.kind === "question") && otherCall],
    ["answer", (left.kind === "model" || left.kind === "question") && otherWords],
    ["result", (left.kind === "tool" || left.kind === "memory") && otherWords],
    ["decision", left.kind === "approval" && otherWords],
    ["status", left.kind !== "turn" && left.kind !== "run" && left.status !== right.status],
  ];
  return differs.filter(([, is]) => is).map(([difference]) => difference);
}

function outcomeOf(span: TraceSpan, { outcomes }: TracedSide): string | null {
  return isCall(span) ? (outcomes.get(pathOf(span)) ?? null) : null;
}

function excerpts(left: string, right: string): { readonly left: string; readonly right: string } {
  let same = 0;
  while (same < left.length && left[same] === right[same]) same += 1;
  const from = wordBefore(left, same);
  const cut = (text: string): string => {
    const part = text.slice(from, from + EXCERPT);
    return `${from > 0 ? "…" : ""}${part}${from + EXCERPT < text.length ? "…" : ""}`;
  };
  return { left: cut(left), right: cut(right) };
}

/** Where the word, or the one before it, begins in which the two part. */
function wordBefore(text: string, at: number): number {
  if (at <= LEAD) return 0;
  const lead = /(?<=\s)\S*\s?\S*$/u.exec(text.slice(at - LEAD, at))?.[0] ?? "";
  return at - (lead === "" ? LEAD / 2 : lead.length);
}

function briefOf(span: TraceSpan, said: string | null): SpanBrief {
  const { name, status, duration_ms, worker = null } = span;
  return { name, note: noteOf(span), worker, status, duration_ms, calls: callsIn(span), said };
}

function noteOf({ attributes }: TraceSpan): string | null {
  const note = attributes["purpose"] ?? attributes["summary"];
  return typeof note === "string" && note !== "" ? note : null;
}

function callsIn(span: TraceSpan): number {
  return span.children.reduce((sum, child) => sum + callsIn(child), isCall(span) ? 1 : 0);
}

function isCall({ kind }: TraceSpan): boolean {
  return kind !== "run" && kind !== "step" && kind !== "turn";
}

function pathOf(span: TraceSpan): string {
  const { path } = span.attributes;
  return typeof path === "string" ? path : span.span_id;
}
