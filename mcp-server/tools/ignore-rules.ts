/** `.gitignore` files, each for its folder and what is below; deeper ones win. */
import ignore, { type Ignore } from "ignore";
import type { RunFiles } from "../changes/overlay.ts";
import { textOf } from "../changes/text.ts";
import { isCheapGlob } from "./cost-of-glob.ts";

/** Larger `.gitignore` files are not looked at. */
const MAX_BYTES = 256 * 1024;

/** The rules that hold in a folder, from the workspace's root down to it. */
export interface IgnoreRules {
  /** The rules of a folder below, with its own `.gitignore`. @param folder canonical path */
  below(folder: string): IgnoreRules;
  ignores(path: string, isFolder: boolean): boolean;
}

interface Layer {
  /** `""` for the root, else ends with `/`. */
  readonly prefix: string;
  readonly rules: Ignore;
}

export const NO_RULES: IgnoreRules = { below: () => NO_RULES, ignores: () => false };

/** The rules in the workspace's root. */
export function rootRules(files: RunFiles): IgnoreRules {
  return rulesOf(files, withLayer(files, [], "."));
}

function rulesOf(files: RunFiles, layers: readonly Layer[]): IgnoreRules {
  return {
    below: (folder) => rulesOf(files, withLayer(files, layers, folder)),
    ignores(path, isFolder) {
      for (const { prefix, rules } of layers.toReversed()) {
        const name = path.slice(prefix.length) + (isFolder ? "/" : "");
        if (!ignore.isPathValid(name)) continue;
        const verdict = rules.test(name);
        if (verdict.ignored) return true;
        if (verdict.unignored) return false;
      }
      return false;
    },
  };
}

function withLayer(files: RunFiles, layers: readonly Layer[], folder: string): readonly Layer[] {
  const prefix = folder === "." ? "" : `${folder}/`;
  const lines = linesOf(files, `${prefix}.gitignore`);
  return lines.length === 0 ? layers : [...layers, { prefix, rules: ignore({ ignorecase: false }).add(lines) }];
}

/** Patterns that could take for ever to match are left out: their files are then shown, which is the harmless side. */
function linesOf(files: RunFiles, path: string): string[] {
  try {
    const file = files.read(path);
    if (file === null || file.bytes.byteLength > MAX_BYTES) return [];
    return (textOf(file.bytes)?.text ?? "").split(/\r?\n/u).filter(isCheapGlob);
  } catch {
    return [];
  }
}
