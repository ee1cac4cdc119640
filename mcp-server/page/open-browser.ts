/**
 * Opens the person's browser on an address that nobody else may see: through a file for the user alone that leads there, so that the
 * address stands in no list of processes.
 */
import { spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readVariable, type System } from "../config/paths.ts";
import { findProgram } from "../tools/find-program.ts";

const FILE = "open-approvals.html";
/** The browser has read it by then; its token is used up anyway. */
const KEEP_MS = 60_000;

export interface Redirect {
  readonly file: string;
  remove(): void;
}

/** Why no browser can be opened here; null when one can. */
export function noBrowser({ platform, env }: System): string | null {
  if (readVariable(env, "BOSUN_NO_BROWSER") !== null) return "BOSUN_NO_BROWSER is set";
  if (readVariable(env, "SSH_CONNECTION") !== null) return "this is a session over SSH";
  const screen = ["DISPLAY", "WAYLAND_DISPLAY"].some((name) => readVariable(env, name) !== null);
  return platform === "linux" && !screen ? "there is no screen (DISPLAY is not set)" : null;
}

/** Writes the file that leads to the address, for a minute. */
export function writeRedirect(dataDir: string, url: string): Redirect {
  const file = join(dataDir, FILE);
  // One that is there may be open to others.
  rmSync(file, { force: true });
  const target = JSON.stringify(url).replaceAll("<", "\\u003c");
  writeFileSync(file, `<!doctype html><meta charset="utf-8"><title>Bosun</title><script>location.replace(${target})</script>\n`, {
    mode: 0o600,
    flag: "wx",
  });
  const remove = (): void => rmSync(file, { force: true });
  setTimeout(remove, KEEP_MS).unref();
  return { file, remove };
}

/**
 * Tells the system to open the file with the browser that the person has chosen; never a program that lies in the workspace.
 * @param failed is told why, if it does not work; that a window really came up nobody can tell
 */
export function openFile(
  { platform, env }: System,
  at: { readonly file: string; readonly workspace: string },
  failed: (why: string) => void,
): void {
  const program = opener(platform, env, at.workspace);
  if (program === null) {
    failed("there is no xdg-open");
    return;
  }
  const child = spawn(program, [at.file], { cwd: dirname(at.file), env: { ...env }, detached: true, stdio: "ignore", windowsHide: true });
  child.once("error", (error) => failed(`${program}: ${error.message}`));
  child.once("exit", (code) => {
    // The one of Windows ends with 1 whatever came of it.
    if (code !== 0 && code !== null && platform !== "win32") failed(`${program} ended with ${code}`);
  });
  child.unref();
}

function opener(platform: NodeJS.Platform, env: System["env"], workspace: string): string | null {
  if (platform === "darwin") return "/usr/bin/open";
  if (platform === "win32") return join(readVariable(env, "SystemRoot") ?? "C:\\Windows", "explorer.exe");
  return findProgram("xdg-open", workspace, env["PATH"] ?? "");
}
