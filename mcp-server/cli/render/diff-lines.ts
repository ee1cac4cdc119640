/** A unified diff as lines with tones, every hidden character made visible. */
import { escapeLine } from "../../../shared/visible-text.ts";
import { type Line, piece, type Tone } from "./line.ts";
import { count } from "./numbers.ts";

/** Longer lines are cut, saying how much is missing. */
const MAX_LINE_CHARACTERS = 1_000;

/** @param maxLines more are left out, with a line that says so; null shows all, lines uncut. */
export function diffLines(diff: string, maxLines: number | null): readonly Line[] {
  const all = diff.replace(/\n$/, "").split("\n");
  const shown = maxLines === null ? all : all.slice(0, maxLines);
  const max = maxLines === null ? Number.MAX_SAFE_INTEGER : MAX_LINE_CHARACTERS;
  let inHunk = false;
  const lines = shown.map((line): Line => {
    inHunk = line.startsWith("@@") || (inHunk && /^[ +\-\\]/.test(line));
    return [piece(escapeLine(line, max), toneOf(line, inHunk))];
  });
  const left = all.length - shown.length;
  return left === 0 ? lines : [...lines, [piece(`… ${count(left)} more lines are not shown`, "wait")]];
}

/** Inside a hunk the first character alone counts, so no content can look like a file's header. */
function toneOf(line: string, inHunk: boolean): Tone {
  if (line.startsWith("@@")) return "hunk";
  if (!inHunk) return "strong";
  if (line.startsWith("+")) return "added";
  return line.startsWith("-") ? "removed" : "plain";
}
