import * as z from "zod";
import { BosunError, isBosunError } from "../../shared/errors.ts";
import { reading } from "../../shared/effects.ts";
import type { RunFiles } from "../changes/overlay.ts";
import { escapeOdd, showPath } from "../changes/show-path.ts";
import { textOf } from "../changes/text.ts";
import { defineTool } from "./define-tool.ts";
import { type LineMatcher, lineMatcher } from "./line-matcher.ts";
import { pathMatcher } from "./path-matcher.ts";
import type { ToolContext } from "./port.ts";
import { isSecret } from "./secrets.ts";
import { walk, type WalkEnd, type WalkedEntry } from "./walk.ts";

const MAX_MATCHES = 200;
const MAX_LINE = 300;
const MAX_FILE_BYTES = 2 * 1024 * 1024;
const MAX_ENTRIES = 200_000;
const MAX_MS = 15_000;
/** Lines searched between two looks at the clock. */
const LINES_PER_LOOK = 500;

export const searchText = defineTool({
  name: "search_text",
  description: `Searches text files line by line and shows at most ${MAX_MATCHES} matching lines as "path:line: text". Letter case counts. Leaves out what list_files leaves out, binary files and files over 2 MiB.`,
  input: z.strictObject({
    pattern: z.string().describe("text to look for, literally unless regex is true"),
    path: z.string().optional().describe("file or folder; the whole workspace if left out"),
    glob: z.string().optional().describe("such as *.ts, as in list_files"),
    regex: z.boolean().optional().describe("pattern is a regular expression (RE2; (?i) ignores letter case)"),
  }),
  timeoutMs: 30_000,
  readsOnly: "files",
  effects: ({ path }) => reading(path ?? "."),
  summary: ({ pattern, path }) => (path === undefined ? pattern : `${pattern} in ${path}`),

  async run(args, ctx) {
    const find = lineMatcher(args.pattern, args.regex ?? false);
    const start = ctx.files.stat(args.path ?? ".");
    if (start.kind === null) throw new BosunError("not_found", `There is no file or folder ${showPath(args.path ?? ".")}.`);
    const isFolder = start.kind === "folder";
    if (!isFolder) ctx.workspace.forReading(start.path);
    const matches = pathMatcher(args.glob, isFolder ? start.path : ".");
    const end: WalkEnd = { cut: null, unreadable: [] };
    const search = new Search(ctx.files, find, ctx.signal);
    for await (const entry of isFolder
      ? walk(ctx.files, start.path, { signal: ctx.signal, maxEntries: MAX_ENTRIES, maxMs: MAX_MS }, end)
      : single(start.path)) {
      if (entry.kind === "file" && matches(entry.path)) search.look(entry.path);
      if (search.cut !== null) break;
    }
    return { text: report(search, end, isFolder ? start.path : null) };
  },
});

async function* single(path: string): AsyncGenerator<WalkedEntry> {
  yield { path, kind: "file" };
}

/** One search under way. */
class Search {
  readonly lines: string[] = [];
  searched = 0;
  readonly skipped = { binary: 0, large: 0, secret: 0, unreadable: 0 };
  /** Why it ended early, in words; null if it did not. */
  cut: string | null = null;
  readonly #deadline = performance.now() + MAX_MS;
  readonly #files: RunFiles;
  readonly #find: LineMatcher;
  readonly #signal: AbortSignal;

  constructor(files: RunFiles, find: LineMatcher, signal: ToolContext["signal"]) {
    this.#files = files;
    this.#find = find;
    this.#signal = signal;
  }

  look(path: string): void {
    if (isSecret(path)) {
      this.skipped.secret += 1;
      return;
    }
    const bytes = this.#bytesOf(path);
    if (bytes === null) return;
    const text = textOf(bytes)?.text;
    if (text === undefined) {
      this.skipped.binary += 1;
      return;
    }
    this.searched += 1;
    this.#lookInto(path, text);
  }

  #bytesOf(path: string): Buffer | null {
    try {
      const file = this.#files.read(path);
      if (file === null || file.bytes.byteLength <= MAX_FILE_BYTES) return file?.bytes ?? null;
      this.skipped.large += 1;
    } catch (error) {
      if (!isBosunError(error)) throw error;
      if (error.code === "invalid_input") this.skipped.large += 1;
      else this.skipped.unreadable += 1;
    }
    return null;
  }

  #lookInto(path: string, text: string): void {
    const lines = text.split("\n");
    for (const [index, raw] of lines.entries()) {
      if (index % LINES_PER_LOOK === LINES_PER_LOOK - 1 && this.#mustStop()) return;
      const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
      const at = this.#find(line);
      if (at === -1) continue;
      if (this.lines.length === MAX_MATCHES) {
        this.cut = `only the first ${MAX_MATCHES} matches are shown; narrow it down by path, glob or pattern`;
        return;
      }
      this.lines.push(`${escapeOdd(path)}:${index + 1}: ${excerpt(line, at)}`);
    }
    this.#mustStop();
  }

  #mustStop(): boolean {
    if (this.#signal.aborted) throw new BosunError("cancelled", "The search was cancelled.");
    if (performance.now() <= this.#deadline) return false;
    this.cut = `stopped after ${MAX_MS / 1000} seconds, so matches may be missing; narrow it down by path or glob`;
    return true;
  }
}

/** The line, or of a long one the part around the match. */
function excerpt(line: string, at: number): string {
  if (line.length <= MAX_LINE) return line;
  const from = Math.max(0, Math.min(at - 60, line.length - MAX_LINE));
  return `${from > 0 ? "[cut] " : ""}${line.slice(from, from + MAX_LINE)}${from + MAX_LINE < line.length ? " [cut]" : ""}`;
}

function report(search: Search, end: WalkEnd, folder: string | null): string {
  const count = search.lines.length;
  const head = `${count === 1 ? "1 match" : `${count} matches`} in ${search.searched === 1 ? "1 file" : `${search.searched} files`} searched`;
  const marks: string[] = [];
  const cut = search.cut ?? (end.cut === null ? null : `${end.cut}, so matches may be missing; narrow it down by path`);
  if (cut !== null) marks.push(`[cut: ${cut}]`);
  const { binary, large, secret, unreadable } = search.skipped;
  const skipped = [
    [binary, "binary or not UTF-8"],
    [large, folder === null ? "larger than 2 MiB, so it was not searched" : "larger than 2 MiB"],
    [secret, "secret"],
    [unreadable + end.unreadable.length, "not readable"],
  ].flatMap(([number, what]) => (number === 0 ? [] : [`${number} ${what}`]));
  if (skipped.length > 0) marks.push(`[not searched: ${skipped.join(", ")}]`);
  return [head, ...search.lines, ...marks].join("\n");
}
