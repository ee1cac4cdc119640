/** How many columns text takes on a terminal, and cutting to that. Expects escaped text. */

/** East Asian wide and fullwidth blocks, and emoji; coarse on purpose: one column too many is better than one too few. */
const WIDE =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{16FE0}-\u{18DFF}\u{1AFF0}-\u{1B2FF}\u{20000}-\u{3FFFD}]|\p{Emoji_Presentation}|[\u{1F000}-\u{1FAFF}]/u;
const MARK = /\p{M}/u;

function widthOfCharacter(character: string): number {
  if (MARK.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += widthOfCharacter(character);
  return width;
}

/** At most `columns` wide; what was cut is marked with `…`. */
export function cutToWidth(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  let kept = "";
  let width = 0;
  for (const character of text) {
    width += widthOfCharacter(character);
    if (width > columns - 1) break;
    kept += character;
  }
  return columns < 1 ? "" : `${kept}…`;
}

/**
 * Breaks lines wider than `columns` between words; what follows is indented as the line is. A word that is too wide stays whole, and so
 * does what stands in backticks, for it is there to be copied.
 */
export function wrapWords(text: string, columns: number): string {
  return text
    .split("\n")
    .map((line) => wrapLine(line, columns))
    .join("\n");
}

function wrapLine(line: string, columns: number): string {
  if (textWidth(line) <= columns) return line;
  const indent = /^\s*(?:[-*] )?/u.exec(line)?.[0] ?? "";
  const lines: string[] = [];
  let current = indent;
  for (const word of wordsOf(line.slice(indent.length))) {
    const started = current.trim() !== "" && current !== indent;
    if (started && textWidth(`${current} ${word}`) > columns) {
      lines.push(current);
      current = `${" ".repeat(indent.length)}${word}`;
    } else {
      current = started ? `${current} ${word}` : `${current}${word}`;
    }
  }
  return [...lines, current].join("\n");
}

function wordsOf(text: string): readonly string[] {
  const words = (text.match(/(?:`[^`]*`|[^ ])*(?: |$)/gu) ?? []).map((word) => word.replace(/ $/u, ""));
  return words.at(-1) === "" ? words.slice(0, -1) : words;
}
