import * as z from "zod";
import { reading } from "../../shared/effects.ts";
import { escapeOdd, showPath } from "../changes/show-path.ts";
import { defineTool } from "./define-tool.ts";
import { type Git, openGit, resolveRevision } from "./git.ts";
import type { ToolContext } from "./port.ts";
import { isSecret } from "./secrets.ts";

const MAX_CHARACTERS = 256 * 1024;
const MAX_UNTRACKED = 50;

/** Whatever the repository's settings say: no program is run, submodules are not entered, names are as usual. */
const DIFF = [
  "diff",
  "--no-ext-diff",
  "--no-textconv",
  "--ignore-submodules=all",
  "--submodule=short",
  "--no-color",
  "--src-prefix=a/",
  "--dst-prefix=b/",
  "-O/dev/null",
  "--relative",
];

export const gitDiff = defineTool({
  name: "git_diff",
  description:
    "Shows what differs between a commit and the files on the disk as a unified diff, and which files are new to git. Changes of this run that a person has not approved yet are not in it. Secret files are left out.",
  input: z.strictObject({
    ref: z.string().min(1).optional().describe("commit, branch or tag to compare with, HEAD if left out; or two with .. or ... between"),
  }),
  timeoutMs: 60_000,
  readsOnly: "more",
  effects: () => reading("."),
  summary: ({ ref }) => ref ?? "HEAD",

  async run({ ref }, ctx) {
    const git = await openGit(ctx.workspace.root, ctx.signal);
    const hasCommit = (await git.ask(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])) !== null;
    if (ref === undefined && !hasCommit) return { text: `The repository has no commit yet.${await untracked(git, ctx)}` };
    const revision = await resolveRevision(git, ref ?? "HEAD");
    const names = await git.run([...DIFF, "--no-renames", "--name-only", "-z", revision, "--", "."]);
    const hidden = names.text.split("\0").filter((name) => name !== "" && isHidden(name, ctx));
    // A list that was cut could miss a secret, so then nothing is shown but that.
    if (names.cut) return { text: "Too many files differ to show them." };
    const diff = await git.run([...DIFF, "--find-renames", revision, "--", ".", ...hidden.map((name) => `:(exclude,literal)${name}`)]);
    const text = diff.text.slice(0, MAX_CHARACTERS);
    const cut =
      diff.cut || text.length < diff.text.length ? "\n[cut: the diff is longer; compare with a nearer commit, or read the files]" : "";
    const left = hidden.length === 0 ? "" : `\n[left out: ${hidden.slice(0, 20).map(showPath).join(", ")}, which may hold secrets]`;
    const more = ref?.includes("..") === true ? "" : await untracked(git, ctx);
    return { text: (text === "" ? `No differences to ${escapeOdd(ref ?? "HEAD")}.` : text) + cut + left + more };
  },
});

function isHidden(path: string, ctx: ToolContext): boolean {
  return isSecret(path) || ctx.workspace.isClosed(path);
}

async function untracked(git: Git, ctx: ToolContext): Promise<string> {
  const names = await git.run(["ls-files", "--others", "--exclude-standard", "-z", "--", "."]);
  const list = names.text.split("\0").filter((name) => name !== "" && !ctx.workspace.isClosed(name));
  if (list.length === 0) return "";
  const rest = list.length > MAX_UNTRACKED ? `, and ${list.length - MAX_UNTRACKED} more` : "";
  return `\n[new to git: ${list.slice(0, MAX_UNTRACKED).map(showPath).join(", ")}${rest}]`;
}
