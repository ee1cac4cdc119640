/** The daemon of one workspace, as the command line asks about it. */
import { setTimeout as delay } from "node:timers/promises";
import type { DaemonStatus } from "../../shared/control.ts";
import { BosunError, isBosunError } from "../../shared/errors.ts";
import type { DaemonDesk } from "../cli/daemon-desk.ts";
import { type Connection, connectDaemon } from "../../client/connect.ts";
import { type ControlClient, createControlClient } from "../../client/control-client.ts";
import { readEndpoint } from "../../client/endpoint.ts";
import { runShim } from "./mcp-shim.ts";
import { startDaemon } from "./start-daemon.ts";

export interface DeskParts {
  readonly version: string;
  readonly script: string;
  readonly workspace: string;
  readonly dataDir: string;
  readonly env: NodeJS.ProcessEnv;
  /** Where relative paths of the caller start. */
  readonly folder: string;
  readonly serve: DaemonDesk["serve"];
  readonly serveHttp: DaemonDesk["serveHttp"];
  /** Serves MCP without a daemon; null: there may be one. */
  readonly serveMcpHere: DaemonDesk["serveMcp"] | null;
}

const STOP_MS = 20_000;
const POLL_MS = 25;
const PARENT_MS = 1_000;

export function createDaemonDesk(parts: DeskParts): DaemonDesk {
  const connect = (): Promise<ControlClient | null> => reachDaemon(parts);
  const ask = async <T>(act: (client: ControlClient) => Promise<T>): Promise<T | null> => {
    const client = await connect();
    if (client === null) return null;
    try {
      return await act(client);
    } finally {
      client.close();
    }
  };
  const statusOf = (client: ControlClient): Promise<DaemonStatus> => client.call("daemon.status", {});
  return {
    status: () => ask(statusOf),
    start: async () => {
      const { reached, started } = await raiseDaemon(parts);
      try {
        return { status: await statusOf(reached), started, dataDir: parts.dataDir };
      } finally {
        reached.close();
      }
    },
    openPage: async (approvalId) => {
      const { reached } = await raiseDaemon(parts);
      try {
        return await reached.call("page.open", { approval_id: approvalId });
      } finally {
        reached.close();
      }
    },
    stop: async () => {
      const status = await ask(async (client) => {
        const before = await statusOf(client);
        await client.call("daemon.stop", { only_idle: false });
        return before;
      });
      if (status === null) return false;
      await gone(status.pid);
      return true;
    },
    serve: parts.serve,
    serveHttp: parts.serveHttp,
    serveMcp:
      parts.serveMcpHere ??
      (async () => {
        await replaceOlder(parts);
        await runShim({
          input: process.stdin,
          output: process.stdout,
          connect: async () => (await startDaemon({ ...parts, connect: () => connectTo(parts, "mcp") })).reached,
          orphaned: parentGone(),
          warn: (text) => void process.stderr.write(`bosun: ${text}\n`),
        });
      }),
  };
}

type Reach = Pick<DeskParts, "dataDir" | "version" | "env" | "folder">;

/** Null when none runs. @throws BosunError when one runs that does not answer to this caller */
export async function reachDaemon(at: Reach): Promise<ControlClient | null> {
  const connection = await connectTo(at, "control");
  return connection === null ? null : createControlClient(connection);
}

/** The one that runs, or a new one. @throws BosunError when none comes up */
export async function raiseDaemon(
  at: Reach & Pick<DeskParts, "script" | "workspace">,
): Promise<{ readonly reached: ControlClient; readonly started: boolean }> {
  await replaceOlder(at);
  return startDaemon({ ...at, connect: () => reachDaemon(at) });
}

/** Ends a daemon of another build, unless it is at work: then it serves on. */
async function replaceOlder(at: Reach): Promise<void> {
  const endpoint = readEndpoint(at.dataDir);
  if (endpoint === null || endpoint.version === at.version) return;
  const client = await reachDaemon(at).catch(() => null);
  if (client === null) return;
  try {
    await client.call("daemon.stop", { only_idle: true });
    await gone(endpoint.pid);
  } catch (error) {
    if (!isBosunError(error) || error.code !== "conflict") throw error;
  } finally {
    client.close();
  }
}

async function connectTo({ dataDir, version, env, folder }: Reach, speak: "control" | "mcp"): Promise<Connection | null> {
  const caller = { version, speak, env, folder };
  for (let endpoint = readEndpoint(dataDir); endpoint !== null;) {
    try {
      return await connectDaemon(endpoint, caller);
    } catch (error) {
      // One that took the place of the one whose key was read.
      const now = readEndpoint(dataDir);
      if (now === null || now.key === endpoint.key) throw error;
      endpoint = now;
    }
  }
  return null;
}

/** Most clients close our input when they end; one that was killed may have left it open in another child. */
async function parentGone(): Promise<void> {
  const parent = process.ppid;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(timer);
      resolve();
    }, PARENT_MS).unref();
  });
}

async function gone(pid: number): Promise<void> {
  for (const deadline = Date.now() + STOP_MS; Date.now() < deadline; await delay(POLL_MS)) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
  }
  throw new BosunError("timeout", `the daemon (pid ${pid}) was told to end and is still there after ${STOP_MS / 1000} s`);
}
