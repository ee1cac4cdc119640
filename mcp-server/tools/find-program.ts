import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join, relative } from "node:path";

/**
 * A program's absolute path, from `PATH`. Entries that are relative or inside the workspace are left out, so that a repository cannot
 * bring its own git.
 * @returns null when it is not installed
 */
export function findProgram(name: string, workspaceRoot: string, searchPath: string): string | null {
  const file = process.platform === "win32" ? `${name}.exe` : name;
  for (const folder of searchPath.split(delimiter)) {
    if (!isAbsolute(folder) || isInside(workspaceRoot, folder)) continue;
    const path = join(folder, file);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

function isInside(root: string, folder: string): boolean {
  const path = relative(root, folder);
  return path === "" || (!path.startsWith("..") && !isAbsolute(path));
}
