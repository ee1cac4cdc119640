/** An endpoint's own words, made fit for an error message: short, one line, without control characters, keys or prompts. */

const MAX_LENGTH = 300;
const WINDOW = 24;
const STRIDE = 12;

/** Looks like a key or a token, whoever's it is. */
const SECRETS = /\b(?:sk|pk|rk|gsk|xai|key)[-_][A-Za-z0-9_*.-]{6,}|\bBearer\s+\S+|\beyJ[A-Za-z0-9_-]{10,}[A-Za-z0-9_.-]*/g;

/** True when `text` repeats a piece of the prompt: any 35 characters in a row, or a whole message of 12 or more. */
function repeats(text: string, prompts: readonly string[]): boolean {
  const pieces: string[] = [];
  for (let at = 0; at + WINDOW <= text.length; at += STRIDE) pieces.push(text.slice(at, at + WINDOW));
  return prompts.some((prompt) => pieces.some((piece) => prompt.includes(piece)) || (prompt.length >= 12 && text.includes(prompt)));
}

/** Control, format (bidi, zero-width), surrogate and separator characters become spaces; runs of white space one space. */
export function oneLine(text: string): string {
  return text.replace(/[\p{C}\p{Z}\s]+/gu, " ").trim();
}

/**
 * @param key the key that was sent; every occurrence is taken out.
 * @param prompts texts that must not be repeated in a message.
 */
export function cleanDetail(detail: string, key: string | null, prompts: readonly string[]): string {
  let text = detail.slice(0, 4000);
  if (key !== null && key.length >= 4) text = text.replaceAll(key, "[key]");
  text = oneLine(text).replace(SECRETS, "[key]");
  if (text.length > MAX_LENGTH) text = `${text.slice(0, MAX_LENGTH)}…`;
  const flat = prompts.map((prompt) => (prompt.length > 200_000 ? prompt.slice(0, 200_000) : prompt)).map(oneLine);
  return repeats(text, flat) ? "(its words are left out, for they repeat the prompt)" : text;
}
