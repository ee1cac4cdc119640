/** Takes out of text that is not ours what could hide something in it, before a model or a list sees it. */

/**
 * Control characters, bidi and other format characters, zero-width and default-ignorable ones, line separators, private use, unassigned,
 * half surrogates; line ends and tabs are not among them.
 */
const HIDDEN = /(?![\n\t])[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu;
/** Escape sequences of terminals, as a whole: their letters mean nothing by themselves. */
const SEQUENCES = /\u001B(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001B]*(?:\u0007|\u001B\\)?|[@-Z\\-_])/gu;

/** Several lines, with nothing hidden in them. */
export function cleanText(text: string): string {
  return text.replaceAll(/\r\n?/gu, "\n").replaceAll(SEQUENCES, "").replaceAll(HIDDEN, "");
}

/** One line. @param max characters; what is beyond is cut, ending in `…` */
export function cleanLine(text: string, max: number): string {
  const line = cleanText(text).replaceAll(/\s+/gu, " ").trim();
  return line.length <= max ? line : `${line.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/u, "")}…`;
}
