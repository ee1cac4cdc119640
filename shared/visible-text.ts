/** Makes text that is not ours safe to show: what a terminal or a page would act on or hide becomes visible. */

/**
 * Control characters, bidi and other format characters, zero-width and default-ignorable ones, line separators, blanks that look
 * like a space or like nothing, private use, unassigned, half surrogates.
 */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/gu;
/** More marks than that on one letter climb over the neighbouring lines. */
const TOWER = /(\p{M}{4})(\p{M}+)/gu;
const SHORT: Readonly<Record<string, string>> = { "\r": "␍", "\n": "␊", "\t": "⇥" };
/** U+FE0F asks for the coloured form of an emoji, which is harmless right after one. */
const EMOJI_STYLE = /(?<=\p{Extended_Pictographic})\uFE0F/gu;

/** How a hidden character is shown: `⟨U+202E⟩`. */
function reveal(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return SHORT[character] ?? `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
}

/** One line: line ends and tabs are shown as signs. @param max characters; what is beyond is cut, saying so. */
export function escapeLine(text: string, max = 2_000): string {
  const cut = text.length > max ? text.slice(0, max) : text;
  const visible = cut
    .replaceAll(EMOJI_STYLE, "")
    .replaceAll(TOWER, (_all, kept: string, rest: string) => kept + rest.replaceAll(/./gsu, reveal))
    .replaceAll(HIDDEN, reveal);
  return text.length > max ? `${visible}… [+${text.length - max} characters]` : visible;
}

/** Several lines: `\n` stays a line end, tabs become two spaces; all else as in {@link escapeLine}. */
export function escapeText(text: string, maxLineCharacters = 2_000): string {
  return text
    .replaceAll("\r\n", "\n")
    .split("\n")
    .map((line) => escapeLine(line.replaceAll("\t", "  "), maxLineCharacters))
    .join("\n");
}
