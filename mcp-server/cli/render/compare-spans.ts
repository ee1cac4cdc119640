/** The common tree of two runs: what is the same is folded into a number, what differs is shown with both of its outcomes. */
import type { ComparedSpan, SpanBrief, Verdict } from "../../../shared/run-compare.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import { chunks, columns } from "./columns.ts";
import { fit, type Line, piece, type Piece } from "./line.ts";
import { plural } from "./numbers.ts";
import { shortModel } from "./spans.ts";

interface At {
  readonly width: number;
  readonly depth: number;
}

/** Lines that each of two outcomes may take. */
const SAID_LINES = 3;

const SIGNS: Readonly<Record<Verdict, Piece>> = {
  taken_over: piece("= ", "dim"),
  same: piece("= ", "dim"),
  changed: piece("≠ ", "wait"),
  only_left: piece("- ", "removed"),
  only_right: piece("+ ", "added"),
};

export function comparedSpanLines(span: ComparedSpan, at: At): readonly Line[] {
  // A turn has nothing of its own to tell.
  if (span.kind === "turn" && span.verdict === "changed") return foldedLines(span.children, at, turnOf(span));
  const line = fit([piece("  ".repeat(at.depth)), SIGNS[span.verdict], ...nameOf(span)], [piece(remark(span), "dim")], at.width);
  if (span.verdict !== "changed") return [line];
  return [line, ...saidLines(span, at), ...foldedLines(span.children, { ...at, depth: at.depth + 1 }, "")];
}

/** Neighbours that are the same take one line together. */
function foldedLines(children: readonly ComparedSpan[], at: At, turn: string): readonly Line[] {
  const lines: Line[] = [];
  let same = 0;
  const fold = (): void => {
    if (same > 0)
      lines.push(fit([piece("  ".repeat(at.depth)), SIGNS.same, piece(`${turn}${plural(same, "call")} the same`, "dim")], [], at.width));
    same = 0;
  };
  for (const child of children) {
    if (child.kind !== "step" && (child.verdict === "same" || child.verdict === "taken_over")) {
      same += callsOf(child);
      continue;
    }
    fold();
    lines.push(...comparedSpanLines(child, at));
  }
  fold();
  return lines;
}

function nameOf(span: ComparedSpan): readonly Piece[] {
  const { left, right, kind, differs } = span;
  const brief = left ?? right;
  if (brief === null) return [];
  if (kind === "step") {
    const workers = differs.includes("worker") ? `${workerOf(left)} | ${workerOf(right)}` : workerOf(brief);
    return [piece(escapeLine(brief.name, 80), "strong"), piece(" › ", "dim"), piece(workers, "name")];
  }
  const both = left !== null && right !== null && (differs.includes("call") || differs.includes("model"));
  const other = right !== null && kind === "model" ? escapeLine(shortModel(right.name), 120) : right === null ? "" : callOf(span, right);
  const name = both ? `${callOf(span, left)} | ${other}` : callOf(span, brief);
  return [piece(kind === "tool" || kind === "turn" ? name : `${kind} ${name}`)];
}

function callOf({ kind }: ComparedSpan, { name, note }: SpanBrief): string {
  const text = kind === "model" ? `${note ?? ""} ${shortModel(name)}` : note === null || name.includes(note) ? name : `${name} ${note}`;
  return escapeLine(text.trim(), 120);
}

function workerOf(brief: SpanBrief | null): string {
  return escapeLine(brief?.worker ?? "", 60);
}

function remark(span: ComparedSpan): string {
  const { verdict, differs, left, right, kind } = span;
  const calls = callsOf(span);
  const inside = kind === "step" || kind === "turn" ? `, ${plural(calls, "call")}` : "";
  switch (verdict) {
    case "taken_over":
      return `taken over${inside}`;
    case "same":
      return `the same${inside}`;
    case "only_left":
      return `only left${inside}`;
    case "only_right":
      return `only right${inside}`;
    case "changed":
      return differs.map((each) => (each === "status" ? `${left?.status ?? ""} | ${right?.status ?? ""}` : `other ${each}`)).join(", ");
  }
}

function saidLines({ left, right }: ComparedSpan, { width, depth }: At): readonly Line[] {
  if (left === null || right === null || left.said === null || right.said === null) return [];
  const indent = "  ".repeat(depth + 1);
  const column = Math.max(8, Math.floor((width - indent.length - 2) / 2));
  const [a, b] = [left.said, right.said].map((text) => chunks(escapeLine(text === "" ? "(nothing)" : text), column, SAID_LINES));
  return Array.from({ length: Math.max(a?.length ?? 0, b?.length ?? 0) }, (_, index) =>
    fit([piece(indent), ...columns(a?.[index] ?? "", b?.[index] ?? "", { width: column, tone: "dim" })], [], width),
  );
}

function callsOf({ left, right }: ComparedSpan): number {
  return (left ?? right)?.calls ?? 0;
}

function turnOf({ left }: ComparedSpan): string {
  return left === null ? "" : `${escapeLine(left.name, 40)}: `;
}
