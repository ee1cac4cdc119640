/** Two runs side by side, in two columns: first what each came to, then where they part. */
import type { ComparedFile, ComparedRun, RunComparison, Side } from "../../../shared/run-compare.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import { cutToWidth } from "../text-width.ts";
import { comparedSpanLines } from "./compare-spans.ts";
import { columns } from "./columns.ts";
import { fit, type Line, piece } from "./line.ts";
import { cost, count, duration, plural } from "./numbers.ts";
import { shortModel } from "./spans.ts";

/** Columns of the names at the left edge, the sign included. */
const LABEL = 16;

/** @param width columns; no line is wider. It reads well from 80 on. */
export function compareLines(comparison: RunComparison, width: number): readonly Line[] {
  const { left, right, trace } = comparison;
  const column = Math.max(8, Math.floor((width - LABEL - 2) / 2));
  const row = ({ label, of }: Row): Line => {
    const [a, b] = [of(left), of(right)].map((text) => escapeLine(text, 500)) as [string, string];
    const other = label !== "run" && a !== b;
    return fit(
      [
        piece(other ? "≠ " : "  ", "wait"),
        piece(label.padEnd(LABEL - 2), "dim"),
        ...columns(cutToWidth(a, column), cutToWidth(b, column), {
          width: column,
          tone: label === "run" ? "strong" : other ? "wait" : "plain",
        }),
      ],
      [],
      width,
    );
  };
  return [
    ...ROWS.map(row),
    [],
    ...forkLine(comparison, width),
    summaryLine(comparison, width),
    ...trace.children.flatMap((child) => comparedSpanLines(child, { width, depth: 0 })),
    ...fileLines(comparison, width),
  ];
}

interface Row {
  readonly label: string;
  readonly of: (run: ComparedRun) => string;
}

const ROWS: readonly Row[] = [
  { label: "run", of: (run) => run.run_id },
  { label: "task", of: (run) => run.task },
  { label: "status", of: (run) => (run.error === null ? run.status : `${run.status}: ${run.error.code}`) },
  { label: "model", of: (run) => run.models.map(shortModel).join(", ") },
  { label: "time", of: (run) => (run.duration_ms === null ? "not over" : duration(run.duration_ms)) },
  { label: "tokens", of: ({ usage }) => `${count(usage.prompt_tokens)} + ${count(usage.completion_tokens)}` },
  { label: "money", of: ({ usage }) => cost(usage) },
  { label: "model calls", of: ({ usage }) => count(usage.model_calls) },
  { label: "tool calls", of: ({ usage }) => count(usage.tool_calls) },
  { label: "files changed", of: (run) => count(run.files_changed) },
  { label: "answer", of: (run) => run.answer ?? "none" },
];

function forkLine({ fork }: RunComparison, width: number): readonly Line[] {
  if (fork === null) return [];
  const [one, other]: readonly Side[] = fork.side === "right" ? ["right", "left"] : ["left", "right"];
  return [fit([piece(`The ${one} run was forked from the ${other} one at event ${fork.seq}.`)], [], width)];
}

function summaryLine({ counts }: RunComparison, width: number): Line {
  const parts = [
    counts.taken_over > 0 ? `${count(counts.taken_over)} taken over` : "",
    counts.same > 0 ? `${count(counts.same)} the same` : "",
    counts.changed > 0 ? `${count(counts.changed)} different` : "",
    counts.only_left > 0 ? `${count(counts.only_left)} only left` : "",
    counts.only_right > 0 ? `${count(counts.only_right)} only right` : "",
  ].filter((part) => part !== "");
  return fit([piece(parts.length === 0 ? "No calls." : `Calls: ${parts.join(", ")}.`)], [], width);
}

const FATES = {
  same: "changed in both, to the same",
  changed: "changed in both, to something else",
  only_left: "changed only left",
  only_right: "changed only right",
} as const;

/** What a fork took over as applied was done by the run that it was forked from. */
function fateOf({ verdict, taken_over: taken }: ComparedFile): string {
  const [side, both] = taken;
  if (side === undefined) return FATES[verdict];
  if (both !== undefined) return "applied before, taken over in both";
  if (verdict === "only_left" || verdict === "only_right") return `taken over ${side}, not done there`;
  return `applied ${side === "left" ? "right" : "left"}, only taken over ${side}`;
}

function fileLines({ files }: RunComparison, width: number): readonly Line[] {
  if (files.length === 0) return [];
  const lines = files.map((file) =>
    fit(
      [piece(file.verdict === "same" ? "= " : "≠ ", file.verdict === "same" ? "dim" : "wait"), piece(escapeLine(file.path, 300))],
      [piece(fateOf(file), "dim")],
      width,
    ),
  );
  return [[], fit([piece(`Changed on the disk, ${plural(files.length, "file")}:`)], [], width), ...lines];
}
