/** All single changes of a source file, each with a name that outlives edits elsewhere in the file. */
import { editsOf } from "./operators.ts";
import type { Edit } from "./operators.ts";
import { parse, walk } from "./syntax.ts";

export interface Mutant {
  /** File name without its folder. */
  readonly file: string;
  /** The line in which the change begins, without indentation. */
  readonly line: string;
  /** What is changed into what; `#2` and so on tells equal changes of equal lines apart, in the order of the file. */
  readonly change: string;
  /** Line number, from 1; for reports only. */
  readonly at: number;
  /** The whole changed file. */
  readonly source: string;
}

export type MutantName = Pick<Mutant, "file" | "line" | "change">;

export function nameOf({ file, line, change }: MutantName): string {
  return `${file} | ${line} | ${change}`;
}

/**
 * @param file name for reports
 * @param wanted which of them to make, by name; names do not depend on it
 */
export function mutantsOf(file: string, source: string, wanted: (name: string) => boolean = () => true): readonly Mutant[] {
  const tree = parse(source);
  if (tree === null) throw new Error(`${file} does not parse`);
  const edits: Edit[] = [];
  walk(tree, (node, parents) => {
    if (parents.some((parent) => parent.type === "ImportDeclaration")) return;
    edits.push(...editsOf({ node, parent: parents.at(-1), source }));
  });
  const seen = new Set([source]);
  const counts = new Map<string, number>();
  return edits.flatMap((edit): readonly Mutant[] => {
    const changed = source.slice(0, edit.start) + edit.text + source.slice(edit.end);
    if (seen.has(changed)) return [];
    seen.add(changed);
    const plain = { file, line: lineAt(source, edit.start), change: describe(source, edit) };
    const count = (counts.get(nameOf(plain)) ?? 0) + 1;
    counts.set(nameOf(plain), count);
    const name = { ...plain, change: count === 1 ? plain.change : `${plain.change} #${count}` };
    if (!wanted(nameOf(name)) || parse(changed) === null) return [];
    return [{ ...name, at: source.slice(0, edit.start).split("\n").length, source: changed }];
  });
}

function lineAt(source: string, offset: number): string {
  const start = source.lastIndexOf("\n", offset - 1) + 1;
  const end = source.indexOf("\n", offset);
  return source.slice(start, end === -1 ? source.length : end).trim();
}

function describe(source: string, edit: Edit): string {
  return `${short(source.slice(edit.start, edit.end))} -> ${short(edit.text)}`;
}

/** One line, cut in the middle. */
function short(text: string): string {
  const flat = text.replaceAll(/\s+/gu, " ").trim();
  if (flat === "") return "(nothing)";
  return flat.length <= 100 ? flat : `${flat.slice(0, 60)} … ${flat.slice(-35)}`;
}
