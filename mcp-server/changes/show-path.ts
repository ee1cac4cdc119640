/**
 * A path as it may be shown: a plain one in back quotes, any other as a quoted string in which control, invisible and
 * direction-changing characters are escaped, so that no file name can pretend to be something else. At most 200 characters.
 */
export function showPath(path: string): string {
  const short = path.length > 200 ? `${path.slice(0, 100)}…${path.slice(-90)}` : path;
  if (!ODD.test(short)) return `\`${short}\``;
  return `"${escapeOdd(short)}"`;
}

// `"`, back quote, backslash; control, format, surrogate, private and unassigned characters; line and paragraph separators; what is shown as
// nothing or as a space and is none.
const ODD = /["`\\\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/u;

/** Escapes what cannot be seen as `\u{…}`, and quotes and backslashes by a backslash. */
export function escapeOdd(text: string): string {
  return Array.from(text, (character) => {
    if (!ODD.test(character)) return character;
    if (character === '"' || character === "\\") return `\\${character}`;
    if (character === "`") return character;
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  }).join("");
}
