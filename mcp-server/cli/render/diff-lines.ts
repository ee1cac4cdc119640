/** A unified diff as lines with tones, every hidden character made visible. */
import { escapeLine } from "../escape.ts";
import { type Line, piece, type Tone } from "./line.ts";
import { count } from "./numbers.ts";

/** Longer lines are cut, saying how much is missing. */
const MAX_LINE_CHARACTERS = 1_000;

/** @param maxLines more are left out, with a line that says so; null shows all, lines uncut. */
export function diffLines(diff: string, maxLines: number | null): readonly Line[] {
  const all = diff.replace(/\n$/, "").split("\n");
  const shown = maxLines === null || all.length <= maxLines ? all : all.slice(0, maxLines);
  const lines = shown.map((line): Line => [
    piece(escapeLine(line, maxLines === null ? Number.MAX_SAFE_INTEGER : MAX_LINE_CHARACTERS), toneOf(line)),
  ]);
  const left = all.length - shown.length;
  return left === 0 ? lines : [...lines, [piece(`… ${count(left)} more lines are not shown`, "wait")]];
}

function toneOf(line: string): Tone {
  if (/^(diff |index |--- |\+\+\+ |=====)/.test(line)) return "strong";
  if (line.startsWith("@@")) return "hunk";
  if (line.startsWith("+")) return "added";
  return line.startsWith("-") ? "removed" : "plain";
}
