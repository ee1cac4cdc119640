/** Puts one entry into a JSON file with comments. All else stays, comments too; only the object around the entry may be laid out anew. */
import { applyEdits, modify, type ParseError, parse, printParseErrorCode } from "jsonc-parser";
import { BosunError } from "../../../shared/errors.ts";

const BOM = "\uFEFF";

/**
 * @param text of the file; empty when there is none
 * @returns the text with the entry; the same text when it is there already
 * @throws BosunError conflict when the text is not what a client would read: it is better left alone
 */
export function addEntry(text: string, path: readonly string[], entry: object): string {
  const marked = text.startsWith(BOM);
  const body = marked ? text.slice(BOM.length) : text;
  const errors: ParseError[] = [];
  let at: unknown = body.trim() === "" ? {} : parse(body, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first !== undefined)
    throw new BosunError("conflict", `it is not valid JSON (${printParseErrorCode(first.error)} at character ${first.offset})`);
  for (const key of path) {
    if (typeof at !== "object" || at === null || Array.isArray(at))
      throw new BosunError("conflict", `it has something else than an object above ${JSON.stringify(key)}`);
    at = (at as Record<string, unknown>)[key] ?? {};
  }
  if (JSON.stringify(at) === JSON.stringify(entry)) return text;
  const formattingOptions = { insertSpaces: !/^\t/mu.test(body), tabSize: 2, eol: body.includes("\r\n") ? "\r\n" : "\n" };
  const made = applyEdits(
    body.trim() === "" ? "{}" : body,
    modify(body.trim() === "" ? "{}" : body, [...path], entry, { formattingOptions }),
  );
  return `${marked ? BOM : ""}${made}${text === "" ? "\n" : ""}`;
}
