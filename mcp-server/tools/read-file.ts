import * as z from "zod";
import { BosunError } from "../../shared/errors.ts";
import { reading } from "../../shared/effects.ts";
import { showPath } from "../changes/show-path.ts";
import { isBinary, type TextForm, textOf } from "../changes/text.ts";
import type { RunFile } from "../changes/overlay.ts";
import { defineTool } from "./define-tool.ts";
import { nearNames } from "./near-names.ts";
import type { ToolResult } from "./port.ts";

const MAX_LINES = 2000;
const MAX_CHARACTERS = 256 * 1024;

/** Reads lines of a text file, as plain text below one header line, so that a model can quote them exactly. */
export const readFile = defineTool({
  name: "read_file",
  description: `Reads a text file. The first line of the result says which lines are shown; below it stands the file's text, exactly, with line ends shown as \\n. At most ${MAX_LINES} lines a call. Read a file before you change it.`,
  input: z.strictObject({
    path: z.string().describe("workspace-relative, folders separated by /"),
    start_line: z.int().min(1).optional().describe("first line, counted from 1"),
    end_line: z.int().min(1).optional().describe("last line, included"),
  }),
  timeoutMs: 20_000,
  readsOnly: "files",
  effects: ({ path }) => reading(path),
  summary: ({ path, start_line, end_line }) =>
    start_line === undefined && end_line === undefined ? path : `${path}:${start_line ?? 1}-${end_line ?? ""}`,

  async run(args, ctx) {
    const dropped = ctx.files.dropStale(args.path, ctx.step);
    const file = ctx.files.read(args.path);
    if (file === null)
      throw new BosunError("not_found", `There is no file ${showPath(args.path)}.${await nearNames(ctx.files, args.path, ctx.signal)}`);
    const result: ToolResult = { text: shown(file, args), seen: { [file.path]: file.hash } };
    if (dropped === null) return result;
    const note = `[${showPath(file.path)} was edited on the disk after you changed it. Your change of it was dropped; this is its present state.]\n`;
    return { ...result, text: note + result.text, writes: [dropped] };
  },
});

function shown(file: RunFile, range: { readonly start_line?: number | undefined; readonly end_line?: number | undefined }): string {
  const form = textOf(file.bytes);
  const name = showPath(file.path);
  if (form === null) {
    const what = isBinary(file.bytes) ? "is binary" : "is not UTF-8 text";
    return `[${name} ${what}: ${file.bytes.byteLength} bytes, SHA-256 ${file.hash}. Its content cannot be shown or edited; it can be moved or deleted.]`;
  }
  if (form.text === "") return `[${name} is empty.]`;
  const lines = linesOf(form.text);
  const start = range.start_line ?? 1;
  if (start > lines.length) throw new BosunError("invalid_input", `${name} has ${lines.length} lines; line ${start} is past its end.`);
  const asked = Math.min(range.end_line ?? lines.length, lines.length);
  if (asked < start) throw new BosunError("invalid_input", `end_line (${range.end_line}) is before start_line (${start}).`);
  const { end, text, lineCut } = take(lines, start, Math.min(asked, start + MAX_LINES - 1));
  const head = `${name}, lines ${start}-${end} of ${lines.length}${oddities(form)}`;
  const marks: string[] = [];
  if (lineCut > 0)
    marks.push(`[cut: line ${end} has ${lineCut} more characters, which read_file cannot show; search_text can look into them]`);
  if (end < asked) marks.push(`[cut: lines ${end + 1}-${asked} are not shown; read them with start_line ${end + 1}]`);
  return [head, text, ...marks].join("\n");
}

/** Lines without their ends; a final line end starts no further line. */
function linesOf(text: string): string[] {
  const lines = text.split("\n").map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
  if (text.endsWith("\n")) lines.pop();
  return lines;
}

function take(lines: readonly string[], start: number, last: number): { end: number; text: string; lineCut: number } {
  const taken: string[] = [];
  let room = MAX_CHARACTERS;
  for (let line = start; line <= last; line += 1) {
    const text = lines[line - 1] ?? "";
    if (text.length > room) {
      if (taken.length > 0) return { end: line - 1, text: taken.join("\n"), lineCut: 0 };
      return { end: line, text: text.slice(0, room), lineCut: text.length - room };
    }
    taken.push(text);
    room -= text.length + 1;
  }
  return { end: last, text: taken.join("\n"), lineCut: 0 };
}

function oddities(form: TextForm): string {
  const odd: string[] = [];
  if (form.lineEnds === "crlf") odd.push("line ends CRLF");
  if (form.lineEnds === "mixed") odd.push("line ends partly CRLF, partly LF");
  if (form.bom) odd.push("starts with a byte order mark");
  if (!form.text.endsWith("\n")) odd.push("no line end after the last line");
  return odd.length === 0 ? "" : ` (${odd.join("; ")})`;
}
