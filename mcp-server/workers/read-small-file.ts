/** Reads one small text file of somebody else's: a regular file and no link, not too large, UTF-8; or says why not. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";

export type SmallFile =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: string; readonly missing: boolean };

/** Windows has neither flag; there the look before it must do. */
const FLAGS =
  constants.O_RDONLY | ((constants.O_NOFOLLOW as number | undefined) ?? 0) | ((constants.O_NONBLOCK as number | undefined) ?? 0);

export function readSmallFile(file: string, maxBytes: number): SmallFile {
  let handle: number;
  try {
    handle = openSync(file, FLAGS);
  } catch (error) {
    const { code = "unknown error" } = error as NodeJS.ErrnoException;
    const missing = code === "ENOENT" || code === "ENOTDIR";
    return { ok: false, missing, reason: code === "ELOOP" ? "is a symbolic link, which is not followed" : `cannot be read (${code})` };
  }
  try {
    const stat = fstatSync(handle);
    if (!stat.isFile()) return { ok: false, missing: false, reason: "is no regular file" };
    if (stat.size > maxBytes) return { ok: false, missing: false, reason: `has more than ${maxBytes} bytes` };
    return { ok: true, text: new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(handle)) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const encoding = code === "ERR_ENCODING_INVALID_ENCODED_DATA" || error instanceof TypeError;
    return { ok: false, missing: false, reason: encoding ? "is not UTF-8 text" : `cannot be read (${code ?? "unknown error"})` };
  } finally {
    closeSync(handle);
  }
}
