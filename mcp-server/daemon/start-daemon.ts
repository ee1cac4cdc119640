/** Starts the daemon of a workspace as a process of its own, unless one runs. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { BosunError } from "../../shared/errors.ts";
import { readEndpoint } from "../../client/endpoint.ts";

export interface StartParts<T> {
  /** Of the program. */
  readonly script: string;
  readonly workspace: string;
  readonly dataDir: string;
  readonly env: NodeJS.ProcessEnv;
  /** Gets in touch with the daemon; null while there is none. */
  readonly connect: () => Promise<T | null>;
}

const PATIENCE_MS = 20_000;
const POLL_MS = 25;
/** A process that mostly waits is better small: a fifth less memory, no call slower (`npm run bench -- mcp`). In MiB. */
const SMALL_HEAP = "--max-semi-space-size=2";
const MAX_LOG_BYTES = 1024 * 1024;

/**
 * However many start it at once, one daemon comes up: the others lose the race for the data folder and end.
 * @throws BosunError internal when none comes up, with what it said last
 */
export async function startDaemon<T>(parts: StartParts<T>): Promise<{ readonly reached: T; readonly started: boolean }> {
  const running = await parts.connect();
  if (running !== null) return { reached: running, started: false };
  const log = logFile(parts.dataDir);
  const said = sizeOf(log);
  const deadline = Date.now() + PATIENCE_MS;
  // The first may still have met one that was just ending.
  for (let tries = 0; tries < 2 && Date.now() < deadline; tries += 1) {
    const reached = await raise(parts, log, deadline);
    if (reached !== null) return reached;
  }
  throw new BosunError("internal", `the daemon did not come up: ${lastLine(log, said)} (see ${log})`);
}

/** Starts one and waits until it, or another one, is reached; null when there is none. */
async function raise<T>(
  parts: StartParts<T>,
  log: string,
  deadline: number,
): Promise<{ readonly reached: T; readonly started: boolean } | null> {
  const child = spawned(parts, log);
  const ended = exitOf(child);
  let over = Number.POSITIVE_INFINITY;
  void ended.then(() => (over = Date.now() + OTHER_MS));
  for (; Date.now() < Math.min(deadline, over); await delay(POLL_MS)) {
    const reached = await parts.connect();
    if (reached === null) continue;
    if (readEndpoint(parts.dataDir)?.pid === child.pid) return { reached, started: true };
    // Another one was faster. Left alone, a late loser would come up once that one has been stopped.
    child.kill("SIGTERM");
    await ended;
    return { reached, started: false };
  }
  return null;
}

/** Whoever ended lost a race to one that is about to answer, or cannot come up. */
const OTHER_MS = 1_500;

function spawned({ script, workspace, env }: StartParts<unknown>, log: string): ChildProcess {
  const file = openSync(log, "a", 0o600);
  try {
    const child = spawn(process.execPath, [SMALL_HEAP, script, "daemon", "run"], {
      cwd: workspace,
      env: { ...env, BOSUN_WORKSPACE: workspace },
      detached: true,
      stdio: ["ignore", file, file],
      windowsHide: true,
    });
    child.unref();
    return child;
  } finally {
    closeSync(file);
  }
}

async function exitOf(child: ChildProcess): Promise<"ended"> {
  return new Promise((resolve) => {
    child.once("exit", () => resolve("ended"));
    child.once("error", () => resolve("ended"));
  });
}

/** What the daemon says on its standard streams; begun anew when it has grown. */
function logFile(dataDir: string): string {
  const folder = join(dataDir, "logs");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, "daemon.log");
  if (sizeOf(file) > MAX_LOG_BYTES) truncateSync(file);
  return file;
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function lastLine(file: string, from: number): string {
  const said = readFileSync(file).subarray(from).toString("utf8").trim();
  return said === "" ? "it said nothing" : (said.split("\n").at(-1) ?? "").replace(/^bosun: \w+: /u, "");
}
