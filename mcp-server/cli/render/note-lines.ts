/** What a step read, changed and noted, below its line in the trace. */
import type { TraceSpan } from "../../../shared/run-view.ts";
import type { Check, FileRead, WorkNotes } from "../../../shared/work-notes.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import { fit, type Line, piece } from "./line.ts";

/** Names in one line, at most. */
const MAX_NAMES = 12;

/** @param depth of the lines in the tree */
export function noteLines(span: TraceSpan, width: number, depth: number): readonly Line[] {
  const notes = span.attributes["notes"] as unknown as WorkNotes | undefined;
  if (notes === undefined) return [];
  return wordsOf(notes).map((words) => fit([piece(`${"  ".repeat(depth)}· ${escapeLine(words, 500)}`, "dim")], [], width));
}

function wordsOf(notes: WorkNotes): readonly string[] {
  switch (notes.kind) {
    case "researcher":
      return filesWords("sources", notes.sources);
    case "architect":
      return [
        ...notes.decisions.map(
          ({ id, decision, alternatives }) =>
            `${id}: ${decision}${alternatives.length === 0 ? "" : ` (over ${alternatives.map((each) => each.option).join("; ")})`}`,
        ),
        ...filesWords("read", notes.files_read),
      ];
    case "debugger":
      return [
        ...notes.hypotheses.map(
          ({ id, statement, confidence, evidence_for: pro, evidence_against: contra }) =>
            `${id} ${confidence.toFixed(2)}: ${statement} (${pro.length} for, ${contra.length} against)`,
        ),
        ...changeWords(notes.files_changed, notes.last_check),
        ...filesWords("read", notes.files_read),
      ];
    case "coder":
      return [...changeWords(notes.files_changed, notes.last_check), ...filesWords("read", notes.files_read)];
  }
}

function filesWords(what: string, files: readonly FileRead[]): readonly string[] {
  const names = files.map(({ path, lines }) => (lines.length === 0 ? path : `${path}:${lines.join(",")}`));
  return names.length === 0 ? [] : [`${what} ${listed(names)}`];
}

function changeWords(changed: readonly { readonly path: string; readonly action: string }[], check: Check | null): readonly string[] {
  if (changed.length === 0) return [];
  const looked = check === null ? "not looked at since" : check.stale ? "changed again after the last look" : "looked at since";
  return [`changed ${listed(changed.map(({ path, action }) => `${path} (${action})`))}, ${looked}`];
}

function listed(names: readonly string[]): string {
  const more = names.length > MAX_NAMES ? `, and ${names.length - MAX_NAMES} more` : "";
  return names.slice(0, MAX_NAMES).join(", ") + more;
}
