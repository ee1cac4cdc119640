/**
 * Configuration: where Bosun's files are, and what they say once user, workspace, environment and flags are put together. It
 * reads and reports; it never writes, and it never takes from a workspace what could widen anything.
 */
import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import path from "node:path";
import { BosunError } from "../../shared/errors.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** What the paths depend on; given from outside so that every system can be tested on any. */
export interface System {
  readonly platform: NodeJS.Platform;
  readonly env: Environment;
  /** The user's home folder; empty when there is none. */
  readonly homeDir: string;
}

export interface UserFolders {
  /** Data of all workspaces: `BOSUN_HOME`, else the system's folder for user data. */
  readonly data: string;
  /** Where `bosun.json` lies: `BOSUN_HOME`, else the system's folder for user configuration. */
  readonly config: string;
}

/** The value of a variable; empty or blank counts as unset. */
export function readVariable(env: Environment, name: string): string | null {
  const value = env[name]?.trim();
  return value === undefined || value === "" ? null : value;
}

/**
 * Linux: the XDG base directories; macOS: `~/Library/Application Support`; Windows: `%LOCALAPPDATA%` and `%APPDATA%`.
 * @throws BosunError invalid_input when there is neither `BOSUN_HOME` nor a home folder.
 */
export function userFolders(system: System): UserFolders {
  const { platform, env, homeDir } = system;
  const p = platform === "win32" ? path.win32 : path.posix;
  const bosunHome = readVariable(env, "BOSUN_HOME");
  if (bosunHome !== null) {
    const folder = p.resolve(bosunHome);
    return { data: folder, config: folder };
  }
  const under = (variable: string | null, ...fallback: string[]): string => {
    const base = variable === null ? null : readVariable(env, variable);
    if (base !== null && p.isAbsolute(base)) return p.join(base, "bosun");
    if (homeDir === "")
      throw new BosunError("invalid_input", "there is no home folder to keep Bosun's data in: set BOSUN_HOME to a folder");
    return p.join(homeDir, ...fallback, "bosun");
  };
  if (platform === "win32") return { data: under("LOCALAPPDATA", "AppData", "Local"), config: under("APPDATA", "AppData", "Roaming") };
  if (platform === "darwin") {
    const folder = under(null, "Library", "Application Support");
    return { data: folder, config: folder };
  }
  return { data: under("XDG_DATA_HOME", ".local", "share"), config: under("XDG_CONFIG_HOME", ".config") };
}

/**
 * The workspace's root with symbolic links resolved: `BOSUN_WORKSPACE`, else `currentFolder`.
 * @throws BosunError invalid_input when it does not exist.
 */
export function workspaceRoot(env: Environment, currentFolder: string): string {
  const wanted = path.resolve(currentFolder, readVariable(env, "BOSUN_WORKSPACE") ?? ".");
  try {
    return realpathSync.native(wanted);
  } catch (cause) {
    throw new BosunError("invalid_input", `the workspace ${wanted} cannot be opened: set BOSUN_WORKSPACE to an existing folder`, { cause });
  }
}

/** The data folder of one workspace: `<data>/workspaces/<first 16 hex digits of the SHA-256 of its real path>`. */
export function workspaceDataFolder(dataFolder: string, realRoot: string): string {
  const hash = createHash("sha256").update(realRoot).digest("hex").slice(0, 16);
  return path.join(dataFolder, "workspaces", hash);
}
