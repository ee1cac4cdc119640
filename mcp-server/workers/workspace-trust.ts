/** Does the person trust a workspace's own workers? Told by the person's configuration alone, never by anything in the workspace. */
import { realpathSync } from "node:fs";
import { homedir } from "node:os";
import { resolve } from "node:path";

/**
 * @param trusted absolute folders, or such that begin with `~/`
 * @param root canonical root of the workspace
 */
export function isTrusted(trusted: readonly string[], root: string, home: string = homedir()): boolean {
  return trusted.some((folder) => {
    const whole = folder === "~" || folder.startsWith("~/") ? resolve(home, `.${folder.slice(1)}`) : folder;
    return canonical(whole) === root;
  });
}

function canonical(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}
