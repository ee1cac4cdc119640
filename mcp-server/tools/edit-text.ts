/** Replacing one place in a text, with everything around it untouched, byte for byte. Pure. */
import { BosunError } from "../../shared/errors.ts";

export interface Edited {
  readonly text: string;
  /** Line of the replaced text, counted from 1. */
  readonly line: number;
}

/**
 * Replaces the one occurrence of `oldText`. Line ends are compared without regard to their kind; the new text takes the kind that the
 * replaced text has, or else the one that is more frequent in the file.
 * @throws BosunError invalid_input when `oldText` is empty, equals `newText`, or occurs not exactly once
 */
export function editText(text: string, oldText: string, newText: string): Edited {
  const view = new LfView(text);
  const [old, replacement] = [oldText.replaceAll("\r\n", "\n"), newText.replaceAll("\r\n", "\n")];
  if (old === "")
    throw new BosunError("invalid_input", "old_text is empty; give the text that is to be replaced, or use write_file for a whole file.");
  if (old === replacement) throw new BosunError("invalid_input", "old_text and new_text are equal; there is nothing to change.");
  const places = occurrences(view.text, old);
  const [start] = places;
  if (start === undefined)
    throw new BosunError(
      "invalid_input",
      `old_text does not occur in the file.${hint(view.text, old)} Read the file again and quote it exactly, without the header line.`,
    );
  if (places.length > 1) {
    const lines = places.slice(0, 10).map((place) => lineAt(view.text, place));
    throw new BosunError(
      "invalid_input",
      `old_text occurs ${places.length} times, at lines ${lines.join(", ")}${places.length > 10 ? ", …" : ""}. Give more of the text around the place that you mean.`,
    );
  }
  const [from, to] = [view.original(start), view.original(start + old.length)];
  const replaced = text.slice(from, to);
  const crlf = replaced.includes("\n") ? replaced.includes("\r\n") : view.mostlyCrlf;
  const inserted = crlf ? replacement.replaceAll("\n", "\r\n") : replacement;
  return { text: text.slice(0, from) + inserted + text.slice(to), line: lineAt(view.text, start) };
}

/** A text with LF line ends only, and the way back to positions in the text as it is. */
class LfView {
  readonly text: string;
  /** Positions, in `text`, of line ends that are CRLF in the original; ascending. */
  readonly #crlf: number[] = [];
  readonly mostlyCrlf: boolean;

  constructor(original: string) {
    this.text = original.replaceAll("\r\n", "\n");
    for (let at = original.indexOf("\r\n"); at !== -1; at = original.indexOf("\r\n", at + 2)) this.#crlf.push(at - this.#crlf.length);
    this.mostlyCrlf = this.#crlf.length * 2 > this.text.split("\n").length - 1;
  }

  original(position: number): number {
    let [low, high] = [0, this.#crlf.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#crlf[middle] ?? 0) < position) low = middle + 1;
      else high = middle;
    }
    return position + low;
  }
}

/** Starts of all occurrences, also of those that overlap. */
function occurrences(text: string, part: string): number[] {
  const found: number[] = [];
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1)) found.push(at);
  return found;
}

function lineAt(text: string, position: number): number {
  return text.slice(0, position).split("\n").length;
}

/** Where the first line of the text stands but for white space. */
function hint(text: string, old: string): string {
  const first = old
    .split("\n")
    .map((line) => squeeze(line))
    .find((line) => line !== "");
  if (first === undefined) return "";
  const line = text.split("\n").findIndex((candidate) => squeeze(candidate) === first);
  return line === -1 ? "" : ` Its first line is like line ${line + 1}, so what follows differs, or only white space does.`;
}

function squeeze(line: string): string {
  return line.replaceAll(/\s+/gu, " ").trim();
}
