/** Every span of a trace as an indented line; for `bosun trace`, where nothing is folded. */
import type { TraceSpan } from "../../../shared/run-view.ts";
import { escapeLine } from "../escape.ts";
import { fit, type Line, piece } from "./line.ts";
import { cost, count } from "./numbers.ts";
import { stillStatus } from "./run-words.ts";
import { sign } from "./signs.ts";
import { lasted, rejection, shortModel } from "./spans.ts";
import { callName, type TreeOptions } from "./trace-lines.ts";

export function wholeTraceLines(span: TraceSpan, options: TreeOptions, depth = 0): readonly Line[] {
  const { now, width, still = null } = options;
  const tokens =
    span.usage === undefined
      ? ""
      : `${count(span.usage.prompt_tokens)} + ${count(span.usage.completion_tokens)} tokens  ${cost(span.usage)}  `;
  const failure =
    span.error === undefined ? [] : [piece(`  ${rejection(span) ?? `${span.error.code}: ${escapeLine(span.error.message, 500)}`}`, "bad")];
  const left = [piece("  ".repeat(depth)), sign(stillStatus(span.status, still), now), piece(" "), ...spanName(span), ...failure];
  const line = fit(left, [piece(`${tokens}${lasted(span, options).padStart(7)}`, "dim")], width);
  return [line, ...span.children.flatMap((child) => wholeTraceLines(child, options, depth + 1))];
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
