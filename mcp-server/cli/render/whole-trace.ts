/** Every span of a trace as an indented line; for `bosun trace`, where nothing is folded. */
import type { TraceSpan } from "../../../shared/run-view.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import { fit, type Line, piece } from "./line.ts";
import { cost, count } from "./numbers.ts";
import { firstParagraph, stillStatus } from "./run-words.ts";
import { sign } from "./signs.ts";
import { noteLines } from "./note-lines.ts";
import { lasted, rejection, shortModel } from "./spans.ts";
import { callName, remarks, runRemarks, type TreeOptions } from "./trace-lines.ts";

export function wholeTraceLines(span: TraceSpan, options: TreeOptions, depth = 0): readonly Line[] {
  const { now, width, still = null } = options;
  const failure =
    span.error === undefined
      ? []
      : [piece(`  ${rejection(span) ?? `${span.error.code}: ${escapeLine(firstParagraph(span.error.message), 500)}`}`, "bad")];
  const left = [
    piece("  ".repeat(depth)),
    sign(stillStatus(span.status, still), now),
    piece(" "),
    ...place(span),
    ...spanName(span),
    ...(span.kind === "run" ? [] : remarks(span)),
    ...failure,
  ];
  const line = fit(left, [piece(`${spentOn(span)}${lasted(span, options).padStart(7)}`, "dim")], width);
  return [
    line,
    ...(span.kind === "run" ? runRemarks(span, width) : []),
    ...(span.kind === "step" ? noteLines(span, width, depth + 1) : []),
    ...span.children.flatMap((child) => wholeTraceLines(child, options, depth + 1)),
  ];
}

/** The sequence of what can be named to `bosun fork --at`; before the name, where a narrow terminal does not cut it off. */
function place({ attributes }: TraceSpan): Line {
  return typeof attributes["seq"] === "number" ? [piece(`#${attributes["seq"]} `, "dim")] : [];
}

/** Tokens and money; that the money is not known is said once, of the whole run. */
function spentOn({ usage, kind }: TraceSpan): string {
  if (usage === undefined) return "";
  const tokens = `${usage.source === "reported" ? "" : "about "}${count(usage.prompt_tokens)} + ${count(usage.completion_tokens)} tokens`;
  return usage.usd === null && kind !== "run" ? `${tokens}  ` : `${tokens}  ${cost(usage)}  `;
}

function spanName(span: TraceSpan): Line {
  switch (span.kind) {
    case "run":
    case "turn":
      return [piece(escapeLine(span.name, 300), span.kind === "run" ? "strong" : "plain")];
    case "step":
      return [piece(escapeLine(span.name, 80), "strong"), piece(" › ", "dim"), piece(escapeLine(span.worker ?? "", 60), "name")];
    case "model": {
      const { purpose } = span.attributes;
      const what = typeof purpose === "string" ? purpose : "";
      return [piece("model ", "dim"), piece(escapeLine(`${what} ${shortModel(span.name)}`.trim(), 200))];
    }
    case "tool":
    case "approval":
    case "question":
    case "memory":
      return callName(span);
  }
}
