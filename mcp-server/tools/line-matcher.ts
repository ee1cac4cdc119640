/** What search_text looks for in a line: a literal text, or a regular expression that takes time linear in the line. */
import { RE2JS } from "re2js";
import { BosunError } from "../../shared/errors.ts";

const MAX_PATTERN = 1000;

/** Position of the first match in a line, -1 for none. */
export type LineMatcher = (line: string) => number;

/** @throws BosunError invalid_input for an empty or too long pattern, one with a line end, or a malformed regular expression */
export function lineMatcher(pattern: string, isRegex: boolean): LineMatcher {
  if (pattern === "") throw new BosunError("invalid_input", "The pattern is empty.");
  if (pattern.length > MAX_PATTERN) throw new BosunError("invalid_input", `The pattern is longer than ${MAX_PATTERN} characters.`);
  if (/[\r\n]/u.test(pattern)) throw new BosunError("invalid_input", "The pattern contains a line end; files are searched line by line.");
  if (!isRegex) return (line) => line.indexOf(pattern);
  const compiled = compile(pattern);
  return (line) => {
    if (!compiled.test(line)) return -1;
    const matcher = compiled.matcher(line);
    return matcher.find() ? matcher.start() : 0;
  };
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new BosunError("invalid_input", `The pattern is not a regular expression of RE2 (no look-around, no back references): ${why}`, {
      cause: error,
    });
  }
}
