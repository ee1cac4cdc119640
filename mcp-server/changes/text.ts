/** Is a file text, and in which form: told apart by its bytes alone. */

/** `text` without a byte order mark; `bom` and line ends are said beside it. Null for what is binary or not UTF-8. */
export interface TextForm {
  /** The content, exactly, but for the byte order mark. */
  readonly text: string;
  readonly bom: boolean;
  readonly lineEnds: "lf" | "crlf" | "mixed" | "none";
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const BOM = "\ufeff";

export function isBinary(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 8192).includes(0);
}

/** UTF-8 text without NUL in its first 8 KiB, or null. Encoding `bom` and `text` again gives the same bytes. */
export function textOf(bytes: Uint8Array): TextForm | null {
  if (isBinary(bytes)) return null;
  let decoded: string;
  try {
    decoded = decoder.decode(bytes);
  } catch {
    return null;
  }
  const bom = decoded.startsWith(BOM);
  const text = bom ? decoded.slice(1) : decoded;
  return { text, bom, lineEnds: lineEndsOf(text) };
}

export function bytesOf(form: { readonly text: string; readonly bom: boolean }): Buffer {
  return Buffer.from(form.bom ? BOM + form.text : form.text);
}

function lineEndsOf(text: string): TextForm["lineEnds"] {
  let crlf = 0;
  let all = 0;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) {
    all += 1;
    if (at > 0 && text[at - 1] === "\r") crlf += 1;
  }
  if (all === 0) return "none";
  if (crlf === 0) return "lf";
  return crlf === all ? "crlf" : "mixed";
}
