/** The project's own files and what they import, read without a compiler: the formatter guarantees the shape of imports. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

export interface Import {
  /** File with the import, relative to the repository, `/` as separator. */
  readonly from: string;
  /** What it names: a file of ours relative to the repository, or a package as written. */
  readonly to: string;
  readonly ours: boolean;
  readonly dynamic: boolean;
}

/** Files that git knows or would add, so build output and dependencies are not among them. */
export function repositoryFiles(): readonly string[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], { cwd: root, encoding: "utf8" });
  return [...new Set(listed.split("\0"))].filter((name) => name !== "" && read(name) !== null);
}

/** Text of a file; null if it is gone or not text. */
export function read(name: string): string | null {
  try {
    const text = readFileSync(join(root, name), "utf8");
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}

/** `import … from "x"`, `export … from "x"`, `import "x"` at the start of a line. */
const STATIC = /^(?:import|export)\b(?:[^;"'`]*?\bfrom)?\s*"([^"\n]+)"/gm;
/** `import("x")`, as an expression or in a type. */
const DYNAMIC = /\bimport\(\s*(?:"([^"\n]+)"|[^)]*)/g;

export function importsOf(name: string, text: string): readonly Import[] {
  const found: Import[] = [];
  const code = withoutComments(text);
  for (const match of code.matchAll(STATIC)) found.push(resolveImport(name, match[1] ?? "", false));
  for (const match of code.matchAll(DYNAMIC)) found.push(resolveImport(name, match[1] ?? "(computed)", true));
  return found;
}

/** Good enough for import lines: block comments go, and line comments where a line begins with one or after a space. */
function withoutComments(text: string): string {
  return text.replaceAll(/^\s*\/\*[\s\S]*?\*\//gm, "").replaceAll(/(^|\s)\/\/[^\n"]*$/gm, "$1");
}

function resolveImport(from: string, specifier: string, dynamic: boolean): Import {
  const ours = specifier.startsWith(".");
  return { from, to: ours ? posix.join(posix.dirname(from), specifier) : specifier, ours, dynamic };
}
