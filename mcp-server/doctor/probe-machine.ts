/** What Bosun needs of the machine: Node, the database, git, a private folder with room in it. */
import { accessSync, constants, existsSync, statSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { loadDriver } from "../journal/open-database.ts";
import { findProgram } from "../tools/find-program.ts";
import type { Finding, Probe } from "./examine.ts";
import { size } from "./size.ts";

const NEEDED_NAPI = 10;
const LITTLE_ROOM_BYTES = 100_000_000;

export interface MachineParts {
  readonly versions: { readonly node: string; readonly napi?: string };
  readonly platform: NodeJS.Platform;
  /** Bosun's data of this user. */
  readonly home: string;
  /** The workspace's part of it. */
  readonly dataDir: string;
  readonly workspace: string;
  readonly searchPath: string;
}

export function machineProbes(parts: MachineParts): readonly Probe[] {
  return [
    { name: "node", look: () => lookAtNode(parts.versions) },
    { name: "database", look: lookAtDriver },
    { name: "data folder", look: () => lookAtFolder(parts) },
    {
      name: "git",
      look: () =>
        findProgram("git", parts.workspace, parts.searchPath) ?? {
          bad: "git is not on the PATH: workers cannot look at diffs and history. Install git",
        },
    },
  ];
}

function lookAtNode({ node, napi = "0" }: MachineParts["versions"]): Finding {
  const found = `Node ${node}, Node-API ${napi}`;
  return Number(napi) >= NEEDED_NAPI
    ? found
    : { bad: `${found}: Bosun needs Node 22.14 or later (Node-API ${NEEDED_NAPI}); install a newer Node` };
}

function lookAtDriver(): Finding {
  try {
    const db = new (loadDriver())(":memory:");
    const { version } = db.prepare("SELECT sqlite_version() AS version").get() as { version: string };
    db.close();
    return `SQLite ${version}`;
  } catch (error) {
    return { bad: `better-sqlite3 cannot be loaded (${(error as Error).message}): install Bosun's packages again, with \`npm install\`` };
  }
}

function lookAtFolder({ home, dataDir, platform }: MachineParts): Finding {
  const folder = [dataDir, home].find((each) => existsSync(each)) ?? null;
  const room = roomAt(folder ?? home);
  const space = room === null ? "" : `, ${size(room)} free`;
  if (folder === null) return `${home} is not there yet${space}: the first run makes it`;
  for (const each of [home, dataDir].filter((path) => existsSync(path))) {
    const stat = statSync(each);
    if (!stat.isDirectory()) return { bad: `${each} is not a folder: move it away, or set BOSUN_HOME to a folder` };
    const mode = stat.mode & 0o777;
    if (platform !== "win32" && (mode & 0o077) !== 0)
      return { bad: `${each} is open to others (mode ${mode.toString(8)}): \`chmod 700 ${each}\`` };
    try {
      accessSync(each, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch {
      return { bad: `${each} cannot be written: give yourself the right to, or set BOSUN_HOME to another folder` };
    }
  }
  if (room !== null && room < LITTLE_ROOM_BYTES) return { bad: `${folder}${space}: free some space, else runs stop when it is full` };
  return `${folder}${space}`;
}

function roomAt(path: string): number | null {
  for (let at = path; ; at = dirname(at)) {
    try {
      const { bavail, bsize } = statfsSync(at);
      return bavail * bsize;
    } catch {
      if (at === dirname(at)) return null;
    }
  }
}
