/**
 * Where the daemon of a workspace is reached: a socket in a folder for the user alone (a named pipe on Windows), told in `daemon.json`
 * in the workspace's data folder, with the key that a caller must show. All that depends on the system is in this file.
 */
import { createHash, randomBytes } from "node:crypto";
import { lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Endpoint, ENDPOINT_FILE, readEndpoint } from "../../client/endpoint.ts";
import { BosunError } from "../../shared/errors.ts";
import { readVariable, type System } from "../config/paths.ts";

/** A key that nobody guesses: 256 bits. */
export function newKey(): string {
  return randomBytes(32).toString("base64url");
}

/**
 * Address of a workspace's daemon. Not in the data folder itself: a socket's path may have 107 bytes at most.
 * @throws BosunError policy_denied when the folder belongs to someone else or is open to others
 */
export function socketPath({ platform, env }: System, dataDir: string): string {
  const name = createHash("sha256").update(dataDir).digest("hex").slice(0, 16);
  if (platform === "win32") return `\\\\.\\pipe\\bosun-${name}`;
  const runtime = readVariable(env, "XDG_RUNTIME_DIR");
  const user = process.getuid?.() ?? 0;
  const folder = runtime === null || runtime.length > 70 ? join(shortTemporaryFolder(), `bosun-${user}`) : join(runtime, "bosun");
  makeOwnFolder(folder, user);
  return join(folder, `${name}.sock`);
}

/** macOS gives each user a temporary folder of their own with a long name; a socket in it fits still. */
function shortTemporaryFolder(): string {
  return tmpdir().length > 70 ? "/tmp" : tmpdir();
}

function makeOwnFolder(folder: string, user: number): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST")
      throw new BosunError("invalid_input", `the folder ${folder} for the daemon's socket cannot be made: ${(cause as Error).message}`, {
        cause,
      });
  }
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== user || (found.mode & 0o077) !== 0)
    throw new BosunError(
      "policy_denied",
      `${folder} is not a folder for you alone (mode 0700): remove it, or set XDG_RUNTIME_DIR to one that is`,
    );
}

/** Written whole or not at all, for the user alone. */
export function writeEndpoint(dataDir: string, endpoint: Endpoint): void {
  const temporary = join(dataDir, `.${ENDPOINT_FILE}.${process.pid}`);
  writeFileSync(temporary, JSON.stringify(endpoint), { mode: 0o600 });
  renameSync(temporary, join(dataDir, ENDPOINT_FILE));
}

/** Takes away what this process had written; another's stays. */
export function removeEndpoint(dataDir: string, pid: number): void {
  if (readEndpoint(dataDir)?.pid === pid) rmSync(join(dataDir, ENDPOINT_FILE), { force: true });
}
