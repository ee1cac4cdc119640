/** Unified diffs as a person reads them before a decision; `git apply` takes them too, unless a marker says that something was cut. */
import { structuredPatch, type StructuredPatchHunk } from "diff";
import type { FileChange, FileState } from "../../shared/change.ts";
import type { BlobStore } from "../journal/blobs.ts";
import { escapeOdd } from "./show-path.ts";
import { textOf } from "./text.ts";

/** Caps: bytes of one file's diff, of all together, and edits that are searched for before a file counts as rewritten. */
const MAX_FILE_DIFF = 256 * 1024;
const MAX_DIFF = 2 * 1024 * 1024;
const MAX_EDITS = 4000;
const CONTEXT_LINES = 3;

/** The unified diff of all changes, in their order. Binary files are said to be so; what is too long is cut with a marker that says how much is missing. */
export function unifiedDiff(changes: readonly FileChange[], blobs: BlobStore): string {
  const parts: string[] = [];
  let size = 0;
  for (const [index, change] of changes.entries()) {
    const part = fileDiff(change, blobs);
    size += part.length;
    if (size > MAX_DIFF) {
      const rest = changes.slice(index).map((one) => quoted(one.path));
      parts.push(`[diff cut: ${rest.length} more files are not shown: ${rest.slice(0, 20).join(", ")}${rest.length > 20 ? ", …" : ""}]\n`);
      break;
    }
    parts.push(part);
  }
  return parts.join("");
}

function fileDiff(change: FileChange, blobs: BlobStore): string {
  const head = header(change);
  const before = bytesOfState(change.before, blobs);
  const after = bytesOfState(change.after, blobs);
  if (before === null || after === null) return `${head}[content was removed from the journal; ${sizes(change)}]\n`;
  if (before.equals(after)) return head;
  const [oldText, newText] = [textOf(before), textOf(after)];
  if (oldText === null || newText === null) return `${head}Binary or not UTF-8 text: ${sizes(change)}\n`;
  const body = hunks(before.toString("utf8"), after.toString("utf8"));
  const names = `--- ${change.before === null ? "/dev/null" : quoted(`a/${change.path}`)}\n+++ ${change.after === null ? "/dev/null" : quoted(`b/${change.path}`)}\n`;
  return head + names + cut(body);
}

function header(change: FileChange): string {
  const { path, before, after } = change;
  const lines = [`diff --git ${quoted(`a/${path}`)} ${quoted(`b/${path}`)}`];
  if (before === null && after !== null) lines.push(`new file mode ${gitMode(after)}`);
  if (before !== null && after === null) lines.push(`deleted file mode ${gitMode(before)}`);
  if (before !== null && after !== null && gitMode(before) !== gitMode(after))
    lines.push(`old mode ${gitMode(before)}`, `new mode ${gitMode(after)}`);
  return `${lines.join("\n")}\n`;
}

function gitMode(state: FileState): string {
  return `100${state.mode.toString(8).padStart(3, "0")}`;
}

function bytesOfState(state: FileState | null, blobs: BlobStore): Buffer | null {
  if (state === null) return Buffer.alloc(0);
  return blobs.has(state.content.$blob) ? blobs.get(state.content.$blob) : null;
}

function sizes(change: FileChange): string {
  const side = (state: FileState | null): string =>
    state === null ? "absent" : `${state.content.size} bytes, SHA-256 ${state.content.$blob}`;
  return `before: ${side(change.before)}; after: ${side(change.after)}`;
}

/** The hunks of a text's diff, in their order; null when so much is different that it counts as rewritten. */
export function hunksOf(before: string, after: string): readonly StructuredPatchHunk[] | null {
  return structuredPatch("", "", before, after, undefined, undefined, { context: CONTEXT_LINES, maxEditLength: MAX_EDITS })?.hunks ?? null;
}

function hunks(before: string, after: string): string {
  const found = hunksOf(before, after);
  if (found === null) return rewritten(before, after);
  return found
    .map((hunk) => `@@ -${range(hunk.oldStart, hunk.oldLines)} +${range(hunk.newStart, hunk.newLines)} @@\n${hunk.lines.join("\n")}\n`)
    .join("");
}

/** All lines out, all lines in: for files in which almost everything is different. */
function rewritten(before: string, after: string): string {
  const side = (text: string, mark: string): { readonly count: number; readonly lines: string } => {
    if (text === "") return { count: 0, lines: "" };
    const ended = text.endsWith("\n");
    const lines = (ended ? text.slice(0, -1) : text).split("\n");
    return {
      count: lines.length,
      lines: `${lines.map((line) => mark + line).join("\n")}\n${ended ? "" : "\\ No newline at end of file\n"}`,
    };
  };
  const [old, now] = [side(before, "-"), side(after, "+")];
  return `@@ -${range(1, old.count)} +${range(1, now.count)} @@\n${old.lines}${now.lines}`;
}

/** A range of no lines is named by the line before it. */
function range(start: number, count: number): string {
  if (count === 0) return `${start - 1},0`;
  return count === 1 ? `${start}` : `${start},${count}`;
}

function cut(body: string): string {
  if (body.length <= MAX_FILE_DIFF) return body;
  const end = body.lastIndexOf("\n", MAX_FILE_DIFF) + 1;
  const kept = body.slice(0, end > 0 ? end : MAX_FILE_DIFF);
  const rest = body.slice(kept.length);
  return `${kept}${kept.endsWith("\n") ? "" : "\n"}[diff cut: ${rest.split("\n").length - 1} more lines, ${rest.length} characters, are not shown]\n`;
}

/** As git does it: names with unusual characters in double quotes. */
function quoted(name: string): string {
  const escaped = escapeOdd(name);
  return escaped === name ? name : `"${escaped}"`;
}
