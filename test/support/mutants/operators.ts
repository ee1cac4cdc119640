/** The single changes that are tried on each piece of syntax. What they make need not type-check: a replay runs on stripped types. */
import { child, isNode, list } from "./syntax.ts";
import type { Node } from "./syntax.ts";

export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A node with what surrounds it. */
export interface Site {
  readonly node: Node;
  readonly parent: Node | undefined;
  readonly source: string;
}

const COMPARE: Readonly<Record<string, readonly string[]>> = {
  "===": ["!=="],
  "!==": ["==="],
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "+": ["-"],
  "-": ["+"],
};

/** Words that stand for a decision: each is tried in the place of the others of its row. */
const UNIONS: readonly (readonly string[])[] = [
  ["pending", "running", "ok", "failed", "skipped", "cancelled"],
  ["start", "wait"],
  ["approve", "reject"],
  ["received", "expired"],
  ["approval", "answer"],
  ["caller", "model", "worker"],
  ["open", "done"],
  ["stop", "length"],
  ["user", "system", "tool", "assistant"],
  ["plan", "replan", "work", "synthesise", "output"],
  ["tool_failed", "cancelled", "model_refused", "invalid_input", "approval_rejected", "approval_expired"],
  ["model_unavailable", "rate_limited", "timeout", "budget_exceeded"],
  ["plan-adopted", "step-skipped", "step-cancelled", "approval-requested", "approval-voided"],
];

/** Properties of which one can be taken for another. */
const NAMES: readonly (readonly string[])[] = [
  ["small", "medium", "large"],
  ["max_parallel_steps", "max_steps", "max_revisions", "max_turns", "max_completion_tokens"],
  ["planner", "synthesise", "output"],
  ["plan_schema", "replan_schema"],
  ["reads", "writes"],
  ["confidence", "complexity"],
  ["goal", "expects"],
  ["step", "worker"],
];

const METHODS: Readonly<Record<string, string>> = {
  some: "every",
  every: "some",
  find: "findLast",
  findLast: "find",
  max: "min",
  min: "max",
  push: "unshift",
};

/** Calls that are tried left out, so that what they are called on stands alone. */
const DROPPABLE: ReadonlySet<string> = new Set([
  "filter",
  "slice",
  "concat",
  "trim",
  "toLowerCase",
  "normalize",
  "catch",
  "map",
  "toReversed",
]);

/** Methods that answer yes or no. */
const ASKING: ReadonlySet<string> = new Set(["some", "every", "includes", "has", "test", "startsWith"]);

/** Every single change of one node. */
export function editsOf(site: Site): readonly Edit[] {
  const { node } = site;
  return [
    ...(isYesOrNo(node) ? [whole(node, "true"), whole(node, "false")] : []),
    ...conditionEdits(site),
    ...(EDITS[node.type]?.(site) ?? []),
    ...statementEdits(site),
  ];
}

function whole(node: Node, text: string): Edit {
  return { start: node.start, end: node.end, text };
}

function textOf(site: Site, node: Node): string {
  return site.source.slice(node.start, node.end);
}

function isYesOrNo(node: Node): boolean {
  if (node.type === "BinaryExpression") return /[=<>]/u.test(String(node["operator"]));
  if (node.type === "LogicalExpression") return node["operator"] !== "??";
  if (node.type === "UnaryExpression") return node["operator"] === "!";
  if (node.type !== "CallExpression") return false;
  const callee = child(node, "callee");
  return callee.type === "MemberExpression" && ASKING.has(String(child(callee, "property")["name"]));
}

/** What decides between two ways: negated; other than that it is a yes-or-no, or it is tried as true and as false. */
function conditionEdits(site: Site): readonly Edit[] {
  const test = site.node["test"];
  if (!isNode(test)) return [];
  const fixed = isYesOrNo(test) ? [] : [whole(test, "true"), whole(test, "false")];
  return [whole(test, `!(${textOf(site, test)})`), ...fixed];
}

const EDITS: Readonly<Record<string, (site: Site) => readonly Edit[]>> = {
  BinaryExpression: operatorEdits,
  AssignmentExpression: ({ node }) => {
    const operator = String(node["operator"]);
    const other = operator === "+=" ? "-=" : operator === "-=" ? "+=" : null;
    const [left, right] = [child(node, "left"), child(node, "right")];
    return other === null ? [] : [{ start: left.end, end: right.start, text: ` ${other} ` }];
  },
  LogicalExpression: (site) => {
    const [left, right] = [child(site.node, "left"), child(site.node, "right")].map((side) => textOf(site, side));
    const operator = site.node["operator"];
    const swapped = operator === "&&" ? [`((${left}) || (${right}))`] : operator === "||" ? [`((${left}) && (${right}))`] : [];
    return [...swapped, `(${left})`, `(${right})`].map((text) => whole(site.node, text));
  },
  UnaryExpression: (site) => (site.node["operator"] === "!" ? [whole(site.node, `(${textOf(site, child(site.node, "argument"))})`)] : []),
  AwaitExpression: (site) => [whole(site.node, `(${textOf(site, child(site.node, "argument"))})`)],
  Literal: literalEdits,
  TemplateLiteral: (site) => [
    whole(site.node, '""'),
    ...list(site.node, "expressions").map((hole): Edit => {
      const start = site.source.lastIndexOf("${", hole.start);
      const end = site.source.indexOf("}", hole.end) + 1;
      return { start, end, text: "" };
    }),
  ],
  ArrayExpression: (site) => elementEdits(site, list(site.node, "elements"), true),
  ObjectExpression: (site) => elementEdits(site, list(site.node, "properties"), false),
  CallExpression: callEdits,
  MemberExpression: ({ node }) => [...(node["optional"] === true ? optional(node) : []), ...nameEdits(node)],
  ArrowFunctionExpression: (site) => {
    const body = child(site.node, "body");
    const text = textOf(site, body);
    return body.type === "BlockStatement" || text === "undefined" ? [] : [whole(body, "undefined")];
  },
};

function operatorEdits({ node }: Site): readonly Edit[] {
  const [left, right] = [child(node, "left"), child(node, "right")];
  return (COMPARE[String(node["operator"])] ?? []).map((text) => ({ start: left.end, end: right.start, text: ` ${text} ` }));
}

function literalEdits(site: Site): readonly Edit[] {
  const { node, parent } = site;
  const value = node["value"];
  if (isNode(node["regex"]) || typeof node["regex"] === "object") return regexEdits(node);
  if (typeof value === "number") return [whole(node, String(value + 1)), whole(node, String(value - 1))];
  if (typeof value === "boolean") return [whole(node, String(!value))];
  if (value === null) return [whole(node, "undefined")];
  if (typeof value !== "string" || parent?.type === "ImportDeclaration") return [];
  const others = UNIONS.filter((union) => union.includes(value)).flat();
  const swaps = [...new Set(others)].filter((other) => other !== value).map((other) => JSON.stringify(other));
  return [...swaps, value === "" ? '"x"' : '""'].map((text) => whole(node, text));
}

function regexEdits(node: Node): readonly Edit[] {
  const { pattern, flags } = node["regex"] as { pattern: string; flags: string };
  const changed = [pattern.replace(/^\^/u, ""), pattern.replace(/\$$/u, ""), pattern.replace("+", ""), pattern.replace(/^\[(?!\^)/u, "[^")];
  return changed.filter((each) => each !== pattern && each !== "").map((each) => whole(node, `/${each}/${flags}`));
}

/** Each element left out, each pair of neighbours of a list swapped. */
function elementEdits(site: Site, elements: readonly Node[], ordered: boolean): readonly Edit[] {
  return elements.flatMap((element, index) => {
    const next = elements[index + 1];
    const before = elements[index - 1];
    const dropped: Edit =
      next !== undefined
        ? { start: element.start, end: next.start, text: "" }
        : { start: before?.end ?? element.start, end: element.end, text: "" };
    return ordered && next !== undefined ? [dropped, swap(site, element, next)] : [dropped];
  });
}

function swap(site: Site, first: Node, second: Node): Edit {
  const between = site.source.slice(first.end, second.start);
  return { start: first.start, end: second.end, text: `${textOf(site, second)}${between}${textOf(site, first)}` };
}

function callEdits(site: Site): readonly Edit[] {
  const { node } = site;
  const callee = child(node, "callee");
  const args = list(node, "arguments");
  const spread = args.length === 0 ? [] : elementEdits(site, args, false).slice(-1);
  if (callee.type !== "MemberExpression")
    return args.length < 2 ? [] : args.slice(0, 1).map((arg) => whole(node, `(${textOf(site, arg)})`));
  const property = child(callee, "property");
  const name = String(property["name"]);
  const other = METHODS[name];
  const receiver = child(callee, "object");
  return [
    ...(node["optional"] === true ? optional(node) : []),
    ...(other === undefined ? [] : [whole(property, other)]),
    ...(DROPPABLE.has(name) ? [whole(node, textOf(site, receiver))] : []),
    ...(name === "slice" && args.length > 1 ? spread : []),
    ...(textOf(site, receiver) === "Math" ? args.map((arg) => whole(node, `(${textOf(site, arg)})`)) : []),
  ];
}

function optional(node: Node): readonly Edit[] {
  const object = node["object"] ?? node["callee"];
  return isNode(object) ? [{ start: object.end, end: object.end + 2, text: "." }] : [];
}

function nameEdits(node: Node): readonly Edit[] {
  const property = child(node, "property");
  const name = property["name"];
  if (typeof name !== "string" || node["computed"] === true || property.type === "PrivateIdentifier") return [];
  const others = NAMES.filter((row) => row.includes(name)).flat();
  return others.filter((other) => other !== name).map((other) => whole(property, other));
}

/** Statements left out, and neighbours swapped. */
function statementEdits(site: Site): readonly Edit[] {
  const statements = site.node.type === "BlockStatement" || site.node.type === "FunctionBody" ? list(site.node, "body") : [];
  const edits = statements.flatMap((statement, index): readonly Edit[] => {
    const next = statements[index + 1];
    const dropped = DELETABLE.has(statement.type) ? [whole(statement, "")] : [];
    return next === undefined || !mayTradePlaces(site, statement, next) ? dropped : [...dropped, swap(site, statement, next)];
  });
  const { node, parent } = site;
  const alone = parent !== undefined && BRANCHING.has(parent.type) && DELETABLE.has(node.type) && node !== parent["test"];
  return alone ? [...edits, whole(node, ";")] : edits;
}

const DELETABLE: ReadonlySet<string> = new Set([
  "ExpressionStatement",
  "ReturnStatement",
  "ContinueStatement",
  "BreakStatement",
  "ThrowStatement",
  "IfStatement",
  "ForOfStatement",
  "ForStatement",
]);
const BRANCHING: ReadonlySet<string> = new Set(["IfStatement", "ForOfStatement", "ForStatement", "WhileStatement"]);

/** Not where the second would only miss what the first declares. */
function mayTradePlaces(site: Site, first: Node, second: Node): boolean {
  if (first.type !== "VariableDeclaration") return second.type !== "FunctionDeclaration";
  const names = list(first, "declarations").flatMap((each) => textOf(site, child(each, "id")).match(/\w+/gu) ?? []);
  const used = new Set(textOf(site, second).match(/\w+/gu) ?? []);
  return !names.some((name) => used.has(name));
}
