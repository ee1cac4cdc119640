/** Reading JSON that a person wrote: a byte order mark is skipped, an error says its line and column and shows nothing of the text. */

export type JsonText =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly line: number; readonly column: number; readonly reason: string };

const TOKEN =
  /[ \t\r\n]+|"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null|[{}[\],:]/uy;

type Want = "value" | "value or ]" | "key" | "key or }" | ":" | ", or ]" | ", or }" | "end";

function strangeText(text: string, offset: number, want: Want): string {
  if (text[offset] === '"') return "a string that is not closed or has a bad escape";
  if (text.startsWith("//", offset) || text.startsWith("/*", offset)) return "comments are not allowed in JSON";
  return want === "key" || want === "key or }" ? "expected a key in double quotes" : `expected ${want}`;
}

/** Finds the first place where JSON text is wrong; needed because engines do not always tell it. Only for text that is wrong. */
function firstError(text: string): { offset: number; reason: string } {
  const open: ("{" | "[")[] = [];
  let want: Want = "value";
  const afterValue = (): Want => {
    const container = open.at(-1);
    return container === undefined ? "end" : container === "{" ? ", or }" : ", or ]";
  };
  let offset = 0;
  while (offset < text.length) {
    TOKEN.lastIndex = offset;
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) return { offset, reason: strangeText(text, offset, want) };
    if (/^\s/.test(token)) {
      offset += token.length;
      continue;
    }
    const isString = token.startsWith('"');
    if (want === "key" || want === "key or }") {
      if (isString) want = ":";
      else if (token === "}" && want === "key or }") {
        open.pop();
        want = afterValue();
      } else return { offset, reason: token === "}" ? "a comma before }" : "expected a key in double quotes" };
    } else if (want === ":") {
      if (token !== ":") return { offset, reason: "expected : after the key" };
      want = "value";
    } else if (want === "end") {
      return { offset, reason: "text after the end" };
    } else if (want === ", or ]" || want === ", or }") {
      const close: string = want.slice(-1);
      if (token === ",") want = close === "}" ? "key" : "value";
      else if (token === close) {
        open.pop();
        want = afterValue();
      } else return { offset, reason: `expected ${want}` };
    } else if (token === "{" || token === "[") {
      open.push(token);
      want = token === "{" ? "key or }" : "value or ]";
    } else if (token === "]" && want === "value or ]") {
      open.pop();
      want = afterValue();
    } else if ("}],:".includes(token)) {
      return { offset, reason: token === "]" ? "a comma before ]" : "expected a value" };
    } else {
      want = afterValue();
    }
    offset += token.length;
  }
  return { offset, reason: "the text ends too early" };
}

/** Parses JSON; `line` and `column` of an error count from 1. */
export function parseJsonText(source: string): JsonText {
  const text = source.startsWith("\uFEFF") ? source.slice(1) : source;
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    const { offset, reason } = firstError(text);
    const before = text.slice(0, offset).split("\n");
    return { ok: false, line: before.length, column: (before.at(-1)?.length ?? 0) + 1, reason };
  }
}
