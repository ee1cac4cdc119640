import * as z from "zod";
import { BosunError } from "../../shared/errors.ts";
import { reading } from "../../shared/effects.ts";
import { escapeOdd, showPath } from "../changes/show-path.ts";
import { defineTool } from "./define-tool.ts";
import { pathMatcher } from "./path-matcher.ts";
import { isSecret } from "./secrets.ts";
import { walk, type WalkEnd } from "./walk.ts";

const MAX_PATHS = 1000;
const MAX_ENTRIES = 200_000;
const MAX_MS = 10_000;

export const listFiles = defineTool({
  name: "list_files",
  description: `Lists the files below a folder, sorted, at most ${MAX_PATHS}. Leaves out what .gitignore ignores, node_modules and .git; a folder of that kind is listed when path names it.`,
  input: z.strictObject({
    path: z.string().optional().describe("folder; the whole workspace if left out"),
    glob: z.string().optional().describe("such as *.ts for names at any depth, or src/**/*.test.ts for paths below the folder"),
  }),
  timeoutMs: 30_000,
  readsOnly: "files",
  effects: ({ path }) => reading(path ?? "."),
  summary: ({ path, glob }) => [path ?? ".", glob].filter((part) => part !== undefined).join(" "),

  async run(args, ctx) {
    const folder = ctx.files.stat(args.path ?? ".");
    if (folder.kind === null) throw new BosunError("not_found", `There is no folder ${showPath(args.path ?? ".")}.`);
    if (folder.kind !== "folder")
      throw new BosunError("invalid_input", `${showPath(folder.path)} is not a folder; read_file shows a file.`);
    if (ctx.workspace.isClosed(folder.path)) throw new BosunError("policy_denied", `${showPath(folder.path)} is not listed.`);
    const matches = pathMatcher(args.glob, folder.path);
    const end: WalkEnd = { cut: null, unreadable: [] };
    const shown: string[] = [];
    let count = 0;
    for await (const entry of walk(ctx.files, folder.path, { signal: ctx.signal, maxEntries: MAX_ENTRIES, maxMs: MAX_MS }, end)) {
      if (!matches(entry.path)) continue;
      count += 1;
      if (shown.length < MAX_PATHS) shown.push(line(entry.path, entry.kind));
    }
    const where = folder.path === "." ? "the workspace" : showPath(folder.path);
    const head = `${count === 1 ? "1 file" : `${count} files`} in ${where}${args.glob === undefined ? "" : ` that match ${JSON.stringify(args.glob)}`}`;
    const marks: string[] = [];
    if (count > shown.length) marks.push(`[cut: ${count - shown.length} more files are not shown; narrow it down by path or glob]`);
    if (end.cut !== null) marks.push(`[cut: ${end.cut}, so files may be missing; narrow it down by path]`);
    if (end.unreadable.length > 0) marks.push(`[not readable: ${end.unreadable.slice(0, 10).map(showPath).join(", ")}]`);
    return { text: [head, ...shown, ...marks].join("\n") };
  },
});

function line(path: string, kind: "file" | "link"): string {
  const notes: string[] = [];
  if (kind === "link") notes.push("symbolic link");
  if (isSecret(path)) notes.push("secret, not readable");
  return escapeOdd(path) + (notes.length === 0 ? "" : ` (${notes.join("; ")})`);
}
