/** Makes source text count its loops and calls, so that what never ends can be stopped from inside and at the same point each time. */
import { child, parse, walk } from "./syntax.ts";

/** @param guard expression that is evaluated in each turn of a loop and at the begin of each function with a body */
export function guardLoops(source: string, guard: string): string {
  const tree = parse(source);
  if (tree === null) throw new Error("the source does not parse");
  const marks: { readonly at: number; readonly text: string }[] = [];
  walk(tree, (node, parents) => {
    if (/^(?:For|While|DoWhile)/u.test(node.type)) {
      const body = child(node, "body");
      if (body.type !== "BlockStatement") marks.push({ at: body.start, text: `{ ${guard}; ` }, { at: body.end, text: " }" });
    }
    if (node.type === "BlockStatement" && /^(?:For|While|DoWhile)|Function/u.test(parents.at(-1)?.type ?? ""))
      marks.push({ at: node.start + 1, text: ` ${guard};` });
  });
  let guarded = source;
  for (const { at, text } of marks.toSorted((a, b) => b.at - a.at)) guarded = guarded.slice(0, at) + text + guarded.slice(at);
  return guarded;
}
