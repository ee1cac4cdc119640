/** The daemon of one workspace, as the command line asks about it. */
import { setTimeout as delay } from "node:timers/promises";
import type { DaemonStatus } from "../../shared/control.ts";
import { BosunError } from "../../shared/errors.ts";
import type { DaemonDesk } from "../cli/daemon-desk.ts";
import { connectDaemon } from "../control/connect.ts";
import { type ControlClient, createControlClient } from "../control/control-client.ts";
import { readEndpoint } from "./endpoint.ts";
import { startDaemon } from "./start-daemon.ts";

export interface DeskParts {
  readonly version: string;
  readonly script: string;
  readonly workspace: string;
  readonly dataDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly serve: DaemonDesk["serve"];
}

const STOP_MS = 20_000;
const POLL_MS = 25;

export function createDaemonDesk(parts: DeskParts): DaemonDesk {
  const connect = (): Promise<ControlClient | null> => reachDaemon(parts.dataDir, parts.version);
  const ask = async <T>(act: (client: ControlClient) => Promise<T>): Promise<T | null> => {
    const client = await connect();
    if (client === null) return null;
    try {
      return await act(client);
    } finally {
      client.close();
    }
  };
  const statusOf = async (client: ControlClient): Promise<DaemonStatus> => (await client.call("daemon.status", {})) as DaemonStatus;
  return {
    status: () => ask(statusOf),
    start: async () => {
      const { reached, started } = await startDaemon({ ...parts, connect });
      try {
        return { status: await statusOf(reached), started };
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
  };
}

/** Null when none runs. @throws BosunError when one runs that does not answer to this caller */
export async function reachDaemon(dataDir: string, version: string): Promise<ControlClient | null> {
  const endpoint = readEndpoint(dataDir);
  if (endpoint === null) return null;
  const connection = await connectDaemon(endpoint, { version, speak: "control" });
  return connection === null ? null : createControlClient(connection);
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
