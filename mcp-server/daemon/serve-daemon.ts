/**
 * The daemon of a workspace: it owns the data folder, takes up what was left, and lets other processes of the same user drive it. It ends
 * when nobody was there and nothing ran or could run out for a while; every run is in the journal, so the next one goes on with what waits.
 */
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { CONTROL_PROTOCOL, type DaemonStatus } from "../../shared/control.ts";
import { BosunError, type ErrorValue } from "../../shared/errors.ts";
import { type ControlParts, serveControl } from "../control/serve-control.ts";
import type { Service } from "../service.ts";
import { newKey, removeEndpoint, writeEndpoint } from "./endpoint.ts";

export interface DaemonParts {
  readonly service: Service;
  readonly version: string;
  readonly workspace: string;
  readonly dataDir: string;
  /** Of the socket or pipe. */
  readonly path: string;
  readonly idleSeconds: () => number;
  readonly serviceFor: ControlParts["serviceFor"];
  readonly variables: ControlParts["variables"];
  readonly lend: ControlParts["lend"];
  readonly follow: ControlParts["follow"];
  readonly openPage: ControlParts["openPage"];
  readonly watching: ControlParts["watching"];
  readonly serveMcp: ControlParts["serveMcp"];
  /** Resolves when the process is told to end. */
  readonly told: Promise<void>;
  readonly log: (text: string) => void;
}

const LOOK_MS = 1_000;

/**
 * Serves until it is told to end, or was idle for long enough.
 * @throws BosunError conflict when another process owns the workspace; what the service broke with
 */
export async function serveDaemon(parts: DaemonParts): Promise<void> {
  const { service, dataDir, path, version, log } = parts;
  // Taking up what was left takes the data folder, so from here on a socket in its place is nobody's.
  const left = await service.recover();
  const sockets = new Set<Socket>();
  const startedAt = new Date().toISOString();
  let end: (why: string) => void = () => undefined;
  const ended = new Promise<string>((resolve) => {
    end = resolve;
  });
  const status = (): DaemonStatus => ({
    pid: process.pid,
    version,
    workspace: parts.workspace,
    started_at: startedAt,
    clients: sockets.size,
    live_runs: liveRuns(service),
    rss_bytes: process.memoryUsage.rss(),
    idle_seconds: parts.idleSeconds(),
  });
  const stop = (onlyIdle: boolean): void => {
    const { live_runs: live, clients } = status();
    if (onlyIdle && (live > 0 || clients > 1))
      throw new BosunError("conflict", `the daemon is at work: ${live} live runs, ${clients - 1} other clients`);
    // What asked for it gets its answer first.
    setImmediate(() => end("asked to end"));
  };
  const key = newKey();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    serveControl(socket, { ...parts, key, status, stop });
  });
  try {
    // First told, then listening: whoever gets through has read the right key, or can read it now.
    writeEndpoint(dataDir, { pid: process.pid, version, protocol: CONTROL_PROTOCOL, path, key, started_at: startedAt });
    await listen(server, path);
    log(`daemon ${version} started (pid ${process.pid}) for ${parts.workspace}; ${left.length} runs taken up`);
    const watch = watchIdle({ ...parts, clients: () => sockets.size, end });
    void parts.told.then(() => end("told to end"));
    log(`daemon ends: ${await ended}`);
    watch();
  } finally {
    removeEndpoint(dataDir, process.pid);
    server.close();
    for (const socket of sockets) socket.destroySoon();
    if (!path.startsWith("\\\\")) rmSync(path, { force: true });
  }
  if (service.broken !== null) throw brokenBy(service.broken);
}

function brokenBy(error: ErrorValue): BosunError {
  return new BosunError(error.code, error.message, { retryable: error.retryable });
}

/** @returns what ends the watching */
function watchIdle(
  at: Pick<DaemonParts, "service" | "idleSeconds"> & { readonly clients: () => number; readonly end: (why: string) => void },
): () => void {
  let idleSince = Date.now();
  const timer = setInterval(() => {
    if (at.service.broken !== null) at.end(at.service.broken.message);
    else if (at.clients() > 0) idleSince = Date.now();
    else if (Date.now() - idleSince >= at.idleSeconds() * 1000) {
      if (liveRuns(at.service) > 0 || expects(at.service)) idleSince = Date.now();
      else at.end(`idle for ${at.idleSeconds()} s`);
    }
  }, LOOK_MS);
  return () => clearInterval(timer);
}

/** Something runs out unless a person decides it, and that must be told in time. */
function expects(service: Service): boolean {
  return service.listApprovals().some(({ expires_at }) => Date.parse(expires_at) > Date.now());
}

function liveRuns(service: Service): number {
  return (["running", "queued"] as const).reduce((sum, status) => sum + service.listRuns({ status, limit: 1_000 }).length, 0);
}

async function listen(server: Server, path: string): Promise<void> {
  const isPipe = path.startsWith("\\\\");
  // Whoever left it is dead: the data folder is ours.
  if (!isPipe) rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(new BosunError("internal", `the daemon cannot listen at ${path}: ${cause.message}`, { cause })));
    server.listen(path, resolve);
  });
  if (!isPipe) chmodSync(path, 0o600);
}
