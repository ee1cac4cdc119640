/**
 * Workers: markdown files with front matter in, definitions out. This folder reads and checks them; it never runs a worker and
 * never trusts a file because of where it lies.
 */
import picomatch from "picomatch";
import { isAlias, LineCounter, parseDocument, visit } from "yaml";
import * as z from "zod";
import { cleanLine, cleanText } from "../../shared/clean-text.ts";
import { TIERS } from "../../shared/model.ts";
import type { WorkerProblem } from "../../shared/worker-view.ts";
import type { WorkerDefinition } from "../../shared/worker.ts";

export type ParsedWorker =
  | { readonly ok: true; readonly worker: WorkerDefinition }
  | { readonly ok: false; readonly problems: readonly WorkerProblem[] };

const DEFAULT_MAX_TURNS = 30;
const MAX_FILE_CHARACTERS = 100_000;
/** Of what reaches lists of tools and the planner. */
const MAX_DESCRIPTION = 300;
const MAX_EXAMPLE = 200;
const text = (max: number) => z.string().trim().min(1, "is empty").max(max, `is longer than ${max} characters`);

const frontMatterSchema = z.strictObject({
  name: text(40).regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, "is not kebab-case (lower-case letters, digits, single hyphens)"),
  description: text(500),
  tools: z.array(text(100)).min(1, "names no tool"),
  tier: z.enum(TIERS),
  max_turns: z.int().min(1).max(100).default(DEFAULT_MAX_TURNS),
  examples: z.array(text(500)).max(50).default([]),
  // Known, so that it is told what it lacks and not that it is unknown.
  budget: z
    .undefined({ error: "a worker's own budget is not built: cap the run with --budget-usd, or `budget.call` in bosun.json" })
    .optional(),
});

/**
 * Reads one worker file: YAML front matter between two lines `---`, then the prompt.
 * @param file how the file is called in problems.
 * @param knownTools names that exist; names and globs in `tools` are checked against them and expanded.
 */
export function parseWorker(source: string, file: string, knownTools: readonly string[]): ParsedWorker {
  const fail = (line: number, reason: string): ParsedWorker => ({ ok: false, problems: [{ file, line, reason }] });
  if (source.length > MAX_FILE_CHARACTERS) return fail(1, `the file is longer than ${MAX_FILE_CHARACTERS} characters`);
  const lines = source
    .replace(/^\uFEFF/, "")
    .replaceAll(/\r\n?/g, "\n")
    .split("\n");
  if (lines[0]?.trimEnd() !== "---") return fail(1, "the file does not begin with a line `---` and front matter");
  const end = lines.findIndex((line, at) => at > 0 && line.trimEnd() === "---");
  if (end < 0) return fail(1, "the front matter is not closed: a second line `---` is missing");

  // The opening line stands in as a comment, so that positions count in lines of the file.
  const matter = parseFrontMatter(["#", ...lines.slice(1, end)].join("\n"), file);
  if (!matter.ok) return matter;
  const { max_turns, tools, budget: _, ...rest } = matter.value;
  const expanded = expandTools(tools, knownTools);
  if (expanded.unknown.length > 0) {
    const problems = expanded.unknown.map(({ at, name }) => ({
      file,
      line: matter.lineOf(["tools", at]),
      reason: `\`tools\`: nothing is called or matches \`${name}\`; there are: ${knownTools.join(", ")}`,
    }));
    return { ok: false, problems };
  }
  const prompt = cleanText(lines.slice(end + 1).join("\n")).trim();
  if (prompt === "") return fail(end + 2, "the prompt after the front matter is empty");
  const description = cleanLine(rest.description, MAX_DESCRIPTION);
  const examples = rest.examples.map((example) => cleanLine(example, MAX_EXAMPLE)).filter((example) => example !== "");
  if (description === "") return fail(matter.lineOf(["description"]), "`description`: nothing is left of it without hidden characters");
  return { ok: true, worker: { ...rest, description, examples, max_turns, tools: expanded.names, prompt } };
}

type FrontMatter =
  | { readonly ok: true; readonly value: z.infer<typeof frontMatterSchema>; readonly lineOf: LineOf }
  | { readonly ok: false; readonly problems: readonly WorkerProblem[] };
type LineOf = (path: readonly PropertyKey[]) => number;

function parseFrontMatter(source: string, file: string): FrontMatter {
  const counter = new LineCounter();
  const document = parseDocument(source, { lineCounter: counter, schema: "core", prettyErrors: false });
  const problems: WorkerProblem[] = document.errors.map((error) => ({
    file,
    line: counter.linePos(error.pos[0]).line,
    reason: `not valid YAML: ${error.message}`,
  }));
  visit(document, {
    Node(_key, node) {
      if (isAlias(node))
        problems.push({ file, line: counter.linePos(node.range?.[0] ?? 0).line, reason: "YAML aliases are not allowed here" });
    },
  });
  if (problems.length > 0) return { ok: false, problems };

  const lineOf: LineOf = (path) => {
    for (let length = path.length; length > 0; length--) {
      const start = startOf(document.getIn(path.slice(0, length), true));
      if (start !== undefined) return counter.linePos(start).line;
    }
    return 1;
  };
  const checked = frontMatterSchema.safeParse(document.toJS() ?? {});
  if (checked.success) return { ok: true, value: checked.data, lineOf };
  return { ok: false, problems: checked.error.issues.flatMap((issue) => explain(issue, file, lineOf)) };
}

function startOf(node: unknown): number | undefined {
  return typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range) ? Number(node.range[0]) : undefined;
}

function explain(issue: z.core.$ZodIssue, file: string, lineOf: LineOf): readonly WorkerProblem[] {
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys(frontMatterSchema.shape).join(", ");
    return issue.keys.map((key) => ({ file, line: lineOf([...issue.path, key]), reason: `unknown key \`${key}\`; known: ${known}` }));
  }
  const where = issue.path.length === 0 ? "front matter" : `\`${issue.path.join(".")}\``;
  return [{ file, line: lineOf(issue.path), reason: `${where}: ${lowerFirst(issue.message)}` }];
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

interface ExpandedTools {
  /** Sorted, each once. */
  readonly names: readonly string[];
  readonly unknown: readonly { readonly at: number; readonly name: string }[];
}

function expandTools(wanted: readonly string[], known: readonly string[]): ExpandedTools {
  const names = new Set<string>();
  const unknown: { at: number; name: string }[] = [];
  for (const [at, name] of wanted.entries()) {
    const matches = picomatch(name);
    const found = known.includes(name) ? [name] : known.filter((tool) => matches(tool));
    if (found.length === 0) unknown.push({ at, name });
    for (const tool of found) names.add(tool);
  }
  return { names: [...names].toSorted(), unknown };
}

/** A problem as one line: `file:line: reason`. */
export function describeProblem(problem: WorkerProblem): string {
  return `${problem.file}:${problem.line}: ${problem.reason}`;
}
