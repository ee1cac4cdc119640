/** `AGENTS.md` of the workspace: its own notes for agents, quoted to every worker. */
import { lstatSync } from "node:fs";
import { cleanText } from "../../shared/clean-text.ts";
import { readSmallFile } from "./read-small-file.ts";

const MAX_CHARACTERS = 20_000;
const MAX_BYTES = 2_000_000;

/**
 * Read again when it changed; empty when there is none that can be quoted.
 * @param place where it lies, links inside the workspace resolved; null when it may not be read. May throw.
 */
export function createProjectNotes(place: () => string | null): () => string {
  let known: { readonly sign: string; readonly text: string } = { sign: "", text: "" };
  return () => {
    try {
      const file = place();
      if (file === null) return "";
      const { mtimeMs, size, ino } = lstatSync(file);
      const sign = `${file} ${mtimeMs} ${size} ${ino}`;
      if (known.sign !== sign) known = { sign, text: quoted(file) };
      return known.text;
    } catch {
      return "";
    }
  };
}

function quoted(file: string): string {
  const read = readSmallFile(file, MAX_BYTES);
  if (!read.ok) return "";
  const text = cleanText(read.text).trim();
  return text.length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS)}\n[cut: ${text.length - MAX_CHARACTERS} more characters]`;
}
