import * as z from "zod";
import { reading } from "../../shared/effects.ts";
import { escapeOdd, showPath } from "../changes/show-path.ts";
import { defineTool } from "./define-tool.ts";
import { openGit } from "./git.ts";

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 200;

export const gitLog = defineTool({
  name: "git_log",
  description: "Shows the last commits, newest first: id, date, author, subject.",
  input: z.strictObject({
    path: z.string().optional().describe("only commits that changed this file or folder"),
    limit: z.int().min(1).max(MAX_LIMIT).optional().describe(`at most so many commits; ${DEFAULT_LIMIT} if left out`),
  }),
  timeoutMs: 60_000,
  readsOnly: "more",
  effects: ({ path }) => reading(path ?? "."),
  summary: ({ path }) => path ?? ".",

  async run(args, ctx) {
    const path = args.path === undefined ? null : ctx.workspace.forReading(args.path).path;
    const git = await openGit(ctx.workspace.root, ctx.signal);
    if ((await git.ask(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])) === null)
      return { text: "The repository has no commit yet." };
    const limit = args.limit ?? DEFAULT_LIMIT;
    const format = "--format=%h%x09%ad%x09%an%x09%s";
    const options = [
      "--no-show-signature",
      "--no-decorate",
      "--no-color",
      "--no-mailmap",
      "--no-ext-diff",
      "--no-textconv",
      "--encoding=UTF-8",
      "--date=iso-strict",
      "--no-patch",
    ];
    const log = await git.run([
      "log",
      ...options,
      `--max-count=${limit}`,
      format,
      "HEAD",
      "--",
      path === null || path === "." ? "." : `:(literal)${path}`,
    ]);
    const lines = log.text
      .split("\n")
      .filter((line) => line !== "")
      .map(commitLine);
    const where = path === null || path === "." ? "" : ` that changed ${showPath(path)}`;
    if (lines.length === 0) return { text: `No commits${where}.` };
    const mark = lines.length === limit ? [`[cut: only the last ${limit} commits are shown; raise limit for more]`] : [];
    return { text: [`Last commits${where}, newest first`, ...lines, ...mark].join("\n") };
  },
});

function commitLine(line: string): string {
  return line.split("\t").map(escapeOdd).join("  ");
}
