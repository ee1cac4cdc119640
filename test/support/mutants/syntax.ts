/** The syntax tree of a TypeScript file, as far as mutations and loop guards need it. */
import { parseSync } from "oxc-parser";

/** A node of the tree: ESTree with TypeScript's own nodes. Offsets are those of the source text. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** The tree, null when the text does not parse. */
export function parse(source: string): Node | null {
  const { program, errors } = parseSync("file.ts", source);
  return errors.length === 0 ? (program as unknown as Node) : null;
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}

/** Children that exist at run time, in the order of the source; types are left out. */
export function childrenOf(node: Node): readonly Node[] {
  const children = Object.values(node)
    .flatMap((value) => (Array.isArray(value) ? value : [value]))
    .filter(isNode)
    .filter((child) => !child.type.startsWith("TS") || TRANSPARENT.has(child.type));
  return children.toSorted((a, b) => a.start - b.start);
}

/** Nodes of TypeScript that wrap an expression. */
const TRANSPARENT: ReadonlySet<string> = new Set(["TSAsExpression", "TSNonNullExpression", "TSSatisfiesExpression"]);

/** Every node with its parents, outermost first. */
export function walk(node: Node, visit: (node: Node, parents: readonly Node[]) => void, parents: readonly Node[] = []): void {
  visit(node, parents);
  const below = [...parents, node];
  for (const child of childrenOf(node)) walk(child, visit, below);
}

/** A child that the kind of node always has. */
export function child(node: Node, key: string): Node {
  const value = node[key];
  if (!isNode(value)) throw new Error(`${node.type} has no ${key}`);
  return value;
}

/** Children of a list. */
export function list(node: Node, key: string): readonly Node[] {
  const value = node[key];
  return Array.isArray(value) ? value.filter(isNode) : [];
}
