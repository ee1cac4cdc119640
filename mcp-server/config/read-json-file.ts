/** Reads one small JSON file, or says why that cannot be. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { parseJsonText } from "./json-text.ts";

const MAX_BYTES = 1_000_000;

export type JsonFile =
  | { readonly state: "missing" }
  | { readonly state: "read"; readonly value: unknown }
  /** `problem` is a clause without the file's name or content. */
  | { readonly state: "bad"; readonly problem: string };

export function readJsonFile(file: string): JsonFile {
  let handle: number;
  try {
    // Not to wait for a writer if somebody put a pipe there; Windows has no such flag.
    handle = openSync(file, constants.O_RDONLY | ((constants.O_NONBLOCK as number | undefined) ?? 0));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return { state: "missing" };
    return { state: "bad", problem: `cannot be read (${code ?? "unknown error"})` };
  }
  try {
    const stat = fstatSync(handle);
    if (!stat.isFile()) return { state: "bad", problem: "is not a file" };
    if (stat.size > MAX_BYTES) return { state: "bad", problem: `is larger than ${MAX_BYTES} bytes` };
    const bytes = readFileSync(handle);
    const text = parseJsonText(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
    if (text.ok) return { state: "read", value: text.value };
    return { state: "bad", problem: `is not valid JSON at line ${text.line}, column ${text.column}: ${text.reason}` };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return {
      state: "bad",
      problem: code === "ERR_ENCODING_INVALID_ENCODED_DATA" ? "is not UTF-8 text" : `cannot be read (${code ?? "unknown error"})`,
    };
  } finally {
    closeSync(handle);
  }
}
