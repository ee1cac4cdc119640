/** What the terminal shows, as data: lines of pieces with a tone. Colours are put on last, so tests and pictures see plain text. */
import { cutToWidth, textWidth } from "../text-width.ts";

export type Tone = "plain" | "dim" | "strong" | "good" | "bad" | "wait" | "name" | "added" | "removed" | "hunk";

export interface Piece {
  /** Escaped already. */
  readonly text: string;
  readonly tone: Tone;
}

export type Line = readonly Piece[];

const CODES: Readonly<Record<Tone, string>> = {
  plain: "",
  dim: "2",
  strong: "1",
  good: "32",
  bad: "31",
  wait: "33",
  name: "36",
  added: "32",
  removed: "31",
  hunk: "36",
};

export function piece(text: string, tone: Tone = "plain"): Piece {
  return { text, tone };
}

export function plainText(line: Line): string {
  return line.map(({ text }) => text).join("");
}

/** With ANSI colours, or without any control code. */
export function paint(line: Line, color: boolean): string {
  if (!color) return plainText(line);
  return line.map(({ text, tone }) => (CODES[tone] === "" ? text : `\u001B[${CODES[tone]}m${text}\u001B[0m`)).join("");
}

/** Left part, gap, right part; never wider than `width`: the left part gives way first, then the right part goes. */
export function fit(left: Line, right: Line, width: number): Line {
  const rightWidth = textWidth(plainText(right));
  const showsRight = rightWidth > 0 && width - rightWidth - 2 >= 16;
  const room = showsRight ? width - rightWidth - 2 : width;
  const cut = cutLine(left, room);
  if (!showsRight) return cut;
  const gap = width - rightWidth - textWidth(plainText(cut));
  return [...cut, piece(" ".repeat(gap)), ...right];
}

function cutLine(line: Line, columns: number): Line {
  const kept: Piece[] = [];
  let left = columns;
  for (const { text, tone } of line) {
    const width = textWidth(text);
    kept.push({ text: cutToWidth(text, left), tone });
    if (width > left) break;
    left -= width;
  }
  return kept;
}
