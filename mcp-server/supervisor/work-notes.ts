/** Fills a step's notes from its tool calls, one after the other, and lays them out for whoever reads its report. Pure. */
import { actionOf } from "../../shared/change.ts";
import type { FileChange } from "../../shared/change.ts";
import type { ToolCall } from "../../shared/model.ts";
import { decisionSchema, hypothesisSchema, NOTE_DECISION, NOTE_HYPOTHESIS } from "../../shared/work-notes.ts";
import type { Check, FileChanged, FileRead, WorkNotes } from "../../shared/work-notes.ts";

/** A call that succeeded. */
export interface DoneCall extends Pick<ToolCall, "name" | "arguments"> {
  readonly writes: readonly FileChange[];
}

const READ_FILE = "read_file";
const DIFF = "git_diff";
const WRITERS: readonly string[] = ["write_file", "edit_file", "delete_file", "move_file"];
/** Of each kind of note so many are kept; the first ones, for they are what the others came from. */
const MAX_KEPT = 100;

/** @param tools names of the tools that the worker has */
export function noNotes(tools: readonly string[]): WorkNotes {
  if (tools.includes(NOTE_HYPOTHESIS)) return { kind: "debugger", files_read: [], files_changed: [], last_check: null, hypotheses: [] };
  if (tools.includes(NOTE_DECISION)) return { kind: "architect", files_read: [], decisions: [] };
  if (tools.some((tool) => WRITERS.includes(tool))) return { kind: "coder", files_read: [], files_changed: [], last_check: null };
  return { kind: "researcher", sources: [] };
}

export function withCall(notes: WorkNotes, call: DoneCall): WorkNotes {
  const args = argumentsOf(call);
  const read = call.name === READ_FILE && typeof args["path"] === "string" ? readOf(args["path"], args) : null;
  switch (notes.kind) {
    case "researcher":
      return read === null ? notes : { ...notes, sources: withRead(notes.sources, read) };
    case "architect": {
      if (call.name === NOTE_DECISION) {
        const noted = decisionSchema.safeParse(args);
        return noted.success ? { ...notes, decisions: withNoted(notes.decisions, noted.data) } : notes;
      }
      return read === null ? notes : { ...notes, files_read: withRead(notes.files_read, read) };
    }
    case "debugger": {
      if (call.name === NOTE_HYPOTHESIS) {
        const noted = hypothesisSchema.safeParse(args);
        return noted.success ? { ...notes, hypotheses: withNoted(notes.hypotheses, noted.data) } : notes;
      }
      return { ...notes, ...withFiles(notes, call, read) };
    }
    case "coder":
      return { ...notes, ...withFiles(notes, call, read) };
  }
}

interface Files {
  readonly files_read: readonly FileRead[];
  readonly files_changed: readonly FileChanged[];
  readonly last_check: Check | null;
}

function withFiles(notes: Files, call: DoneCall, read: FileRead | null): Files {
  const changed = call.writes.reduce(withChange, notes.files_changed);
  const looked = checkOf(call, read, notes.files_changed);
  const before = call.writes.length === 0 || notes.last_check === null ? notes.last_check : { ...notes.last_check, stale: true };
  return {
    files_read: read === null ? notes.files_read : withRead(notes.files_read, read),
    files_changed: changed,
    last_check: looked ?? before,
  };
}

/** A look at what was changed, null when the call is none. */
function checkOf(call: DoneCall, read: FileRead | null, changed: readonly FileChanged[]): Check | null {
  if (call.name === DIFF && changed.length > 0) return { tool: DIFF, path: null, stale: false };
  return read !== null && changed.some((file) => file.path === read.path) ? { tool: READ_FILE, path: read.path, stale: false } : null;
}

function readOf(path: string, args: Readonly<Record<string, unknown>>): FileRead {
  const [from, to] = [args["start_line"], args["end_line"]].map((line) => (typeof line === "number" ? String(line) : ""));
  return { path: path.replace(/^(\.\/)+/, ""), lines: from === "" && to === "" ? [] : [`${from === "" ? "1" : from}-${to}`] };
}

/** A file that was read as a whole has no lines any more. */
function withRead(files: readonly FileRead[], read: FileRead): readonly FileRead[] {
  const known = files.find((file) => file.path === read.path);
  if (known === undefined) return files.length < MAX_KEPT ? [...files, read] : files;
  const whole = known.lines.length === 0 || read.lines.length === 0;
  const lines = whole ? [] : [...known.lines, ...read.lines.filter((line) => !known.lines.includes(line))].slice(0, MAX_KEPT);
  return files.map((file) => (file === known ? { path: known.path, lines } : file));
}

/** `before` of a change is what the disk has, so the action is what will be done there. */
function withChange(files: readonly FileChanged[], change: FileChange): readonly FileChanged[] {
  const others = files.filter((file) => file.path !== change.path);
  if (change.before === null && change.after === null) return others;
  return others.length < MAX_KEPT ? [...others, { path: change.path, action: actionOf(change) }] : files;
}

function withNoted<T extends { readonly id: string }>(noted: readonly T[], one: T): readonly T[] {
  const known = noted.some((each) => each.id === one.id);
  if (known) return noted.map((each) => (each.id === one.id ? one : each));
  return noted.length < MAX_KEPT ? [...noted, one] : noted;
}

function argumentsOf(call: DoneCall): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(call.arguments);
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Files named in one line, at most. */
const MAX_SHOWN = 20;

/** The notes in words, one line a thing; empty when there are none. */
export function notesText(notes: WorkNotes): string {
  return linesOf(notes).join("\n");
}

function linesOf(notes: WorkNotes): readonly string[] {
  if (notes.kind === "researcher") return readLine("Sources read", notes.sources);
  const read = readLine("Read", notes.files_read);
  if (notes.kind === "architect") {
    const decisions = notes.decisions.map(({ id, decision, reason, alternatives }) => {
      const others = alternatives.map(({ option, why_not }) => `${option} (${why_not})`).join("; ");
      return `Decision ${id}: ${decision}. Why: ${reason}${others === "" ? "" : `. Not: ${others}`}`;
    });
    return [...decisions, ...read];
  }
  const changed = listed(notes.files_changed.map(({ path, action }) => `${path} (${action})`));
  const files = changed === "" ? [] : [`Changed: ${changed}`, `Looked at since: ${checkText(notes.last_check)}`];
  if (notes.kind === "coder") return [...files, ...read];
  const hypotheses = notes.hypotheses.map(
    ({ id, statement, confidence, evidence_for, evidence_against }) =>
      `Hypothesis ${id} (confidence ${confidence.toFixed(2)}): ${statement}${sides("for", evidence_for)}${sides("against", evidence_against)}`,
  );
  return [...hypotheses, ...files, ...read];
}

function sides(side: string, evidence: readonly string[]): string {
  return evidence.length === 0 ? "" : `; ${side}: ${evidence.join(", ")}`;
}

function checkText(check: Check | null): string {
  if (check === null) return "no";
  return `${check.path ?? "all, by the diff"}${check.stale ? ", but changed again after that" : ""}`;
}

function readLine(head: string, files: readonly FileRead[]): readonly string[] {
  const text = listed(files.map(({ path, lines }) => (lines.length === 0 ? path : `${path}:${lines.join(",")}`)));
  return text === "" ? [] : [`${head}: ${text}`];
}

function listed(items: readonly string[]): string {
  const more = items.length > MAX_SHOWN ? [`and ${items.length - MAX_SHOWN} more`] : [];
  return [...items.slice(0, MAX_SHOWN), ...more].join(", ");
}
