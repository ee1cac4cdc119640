/** Two texts beside each other. */
import { cutToWidth, textWidth } from "../text-width.ts";
import { type Piece, piece, type Tone } from "./line.ts";

/** One line of two columns. @param left,right escaped and no wider than `width` */
export function columns(left: string, right: string, of: { readonly width: number; readonly tone: Tone }): readonly Piece[] {
  const gap = " ".repeat(Math.max(0, of.width - textWidth(left)) + 2);
  return right === "" ? [piece(left, of.tone)] : [piece(left, of.tone), piece(gap), piece(right, of.tone)];
}

/** Breaks text at the column's width, wherever that is; what does not fit into the last line is cut. @param text escaped */
export function chunks(text: string, width: number, maxLines: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const character of text) {
    if (textWidth(line + character) > width) {
      lines.push(line);
      line = "";
    }
    line += character;
  }
  lines.push(line);
  if (lines.length <= maxLines) return lines;
  return [...lines.slice(0, maxLines - 1), cutToWidth(`${lines[maxLines - 1] ?? ""}……`, width)];
}
