/** Names that other programs give their tools and models, as what Bosun has of the kind. */
import type { Tier } from "../../shared/model.ts";

const READING = ["read_file", "list_files", "search_text"];
const WRITING = ["write_file", "edit_file", "delete_file", "move_file"];

/** By the name in lower case, without what stands in brackets. */
const TOOLS: Readonly<Record<string, readonly string[]>> = {
  // Claude Code
  read: ["read_file"],
  grep: ["search_text"],
  glob: ["list_files"],
  ls: ["list_files"],
  edit: ["edit_file"],
  multiedit: ["edit_file"],
  write: ["write_file", "delete_file", "move_file"],
  // GitHub Copilot, VS Code
  search: ["search_text", "list_files"],
  codebase: ["search_text", "list_files", "read_file"],
  usages: ["search_text"],
  findtestfiles: ["list_files"],
  readfile: ["read_file"],
  editfiles: WRITING,
  changes: ["git_diff"],
  // Roo
  "group:read": READING,
  "group:edit": WRITING,
};

/** Why what is left out is left out. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  bash: "commands are not built",
  "group:command": "commands are not built",
  execute: "commands are not built",
  runcommands: "commands are not built",
  terminal: "commands are not built",
  webfetch: "fetching pages is not built",
  websearch: "searching the web is not built",
  fetch: "fetching pages is not built",
  web: "fetching pages is not built",
  "group:browser": "a browser is not built",
  "group:mcp": "tools of other MCP servers are not built",
  task: "workers do not start workers",
  agent: "workers do not start workers",
  todowrite: "lists of things to do are not built",
};

export interface MappedTools {
  /** Sorted, each once, `give_up` among them. */
  readonly tools: readonly string[];
  readonly notes: readonly string[];
}

/** @param names null: the definition names none, which there means all that read */
export function mapTools(names: readonly string[] | null): MappedTools {
  if (names === null)
    return {
      tools: [...READING, "git_diff", "git_log", "give_up"].toSorted(),
      notes: ["it names no tools, which means all elsewhere: it got those that read"],
    };
  const tools = new Set<string>(["give_up"]);
  const notes: string[] = [];
  for (const name of names) {
    const key = name
      .trim()
      .toLowerCase()
      .replace(/\(.*\)$/u, "")
      .replace(/^.*\//u, "");
    const own = TOOLS[key];
    if (own === undefined) notes.push(`${name.trim().replace(/^group:/u, "")}: left out, ${LEFT_OUT[key] ?? "there is nothing like it"}`);
    for (const tool of own ?? []) tools.add(tool);
  }
  if (tools.has("edit_file") || tools.has("write_file")) tools.add("read_file");
  return { tools: [...tools].toSorted(), notes };
}

export function mapTier(model: string | null): Tier {
  if (model === null) return "medium";
  if (/haiku|mini|nano|flash|small/iu.test(model)) return "small";
  return /opus|large|\bo[13]\b|\bpro\b/iu.test(model) ? "large" : "medium";
}
