/** How risky a change set is, with reasons in our own words: no model has a say in it. */
import type { FileChange, Risk } from "../../shared/change.ts";
import type { BlobStore } from "../journal/blobs.ts";
import { sameState } from "./same-state.ts";
import { showPath } from "./show-path.ts";

export interface RiskAssessment {
  readonly risk: Risk;
  /** Sentences without a full stop, most serious first; empty for low risk. */
  readonly reasons: readonly string[];
}

/** More deletions than this are high risk. */
const MANY_DELETIONS = 5;

/** Folders, at any depth, whose files decide what an editor, an agent or a build server runs or is told. */
const FOLDERS = new Set([
  ".vscode",
  ".claude",
  ".bosun",
  ".github",
  ".cursor",
  ".devcontainer",
  ".idea",
  ".husky",
  ".githooks",
  ".circleci",
  ".ci",
]);
const NAMES = new Set([
  ".mcp.json",
  "mcp.json",
  "agents.md",
  "claude.md",
  "gemini.md",
  ".cursorrules",
  ".gitlab-ci.yml",
  "jenkinsfile",
  ".gitattributes",
  ".gitmodules",
  ".pre-commit-config.yaml",
  "lefthook.yml",
]);

/**
 * High: what editors, agents, hooks or build servers take as instructions, the scripts of a package.json, many deletions.
 * Medium: deletions and moves, other changes of a package.json, files that can be run. Low: the rest.
 */
export function riskOf(changes: readonly FileChange[], blobs: Pick<BlobStore, "get">): RiskAssessment {
  const high = changes.flatMap((change) => highReason(change, blobs) ?? []);
  const medium = changes.flatMap((change) => mediumReason(change, changes) ?? []);
  const deletions = changes.filter((change) => change.after === null).length;
  if (deletions > MANY_DELETIONS) high.push(`deletes ${deletions} files`);
  const risk: Risk = high.length > 0 ? "high" : medium.length > 0 ? "medium" : "low";
  return { risk, reasons: [...high, ...medium] };
}

function highReason(change: FileChange, blobs: Pick<BlobStore, "get">): string | null {
  const parts = change.path.toLowerCase().split("/");
  const name = parts.pop() ?? "";
  if (parts.some((part) => FOLDERS.has(part)) || NAMES.has(name))
    return `changes what editors, agents, hooks or build servers follow: ${showPath(change.path)}`;
  if (name === "package.json" && scriptsOf(change.before, blobs) !== scriptsOf(change.after, blobs))
    return `changes the scripts of ${showPath(change.path)}`;
  return null;
}

function mediumReason(change: FileChange, all: readonly FileChange[]): string | null {
  const { before, after, path } = change;
  if (after === null) {
    const target = all.find((other) => other.before === null && sameState(other.after, before));
    return target === undefined ? `deletes ${showPath(path)}` : `moves ${showPath(path)} to ${showPath(target.path)}`;
  }
  if (path.toLowerCase().split("/").at(-1) === "package.json") return `changes ${showPath(path)}, which decides what is installed`;
  if ((after.mode & 0o111) !== 0) return `writes a file that can be run: ${showPath(path)}`;
  return null;
}

/** The scripts of a package.json in one spelling; what cannot be read as one counts as different from everything else. */
function scriptsOf(state: FileChange["before"], blobs: Pick<BlobStore, "get">): string {
  if (state === null) return "{}";
  try {
    const parsed: unknown = JSON.parse(blobs.get(state.content.$blob).toString("utf8"));
    const scripts = typeof parsed === "object" && parsed !== null && "scripts" in parsed ? parsed.scripts : {};
    return JSON.stringify(scripts ?? {});
  } catch {
    return `unreadable ${state.content.$blob}`;
  }
}
