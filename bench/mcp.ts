/**
 * `tools/call` through shim and daemon beside a bare echo server of the same SDK, in turns; the time from the start of `bosun mcp` to its
 * first answer, with a daemon and without one; the daemon's memory. `npm run build && npm run bench -- mcp`
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import type { DaemonStatus } from "../shared/control.ts";
import { createControlClient } from "../client/control-client.ts";
import { connectDaemon } from "../client/connect.ts";
import { readEndpoint } from "../client/endpoint.ts";
import { workspaceDataFolder } from "../mcp-server/config/paths.ts";

const ROUNDS = 30;
const CALLS = 200;
/** Both sides compile what they do often. */
const WARM_ROUNDS = 10;
const STARTS = 10;

const root = join(import.meta.dirname, "../..");
const program = join(root, "dist/bosun.mjs");
const folder = mkdtempSync(join(tmpdir(), "bosun-bench-"));
const [home, workspace] = [join(folder, "home"), join(folder, "workspace")];
mkdirSync(workspace);
writeFileSync(join(workspace, "a.txt"), "hello\n");
const env = {
  PATH: process.env["PATH"] ?? "",
  HOME: folder,
  XDG_RUNTIME_DIR: folder,
  BOSUN_HOME: home,
  BOSUN_WORKSPACE: workspace,
  BOSUN_MODEL: "offline",
};
const print = (text: string): void => void process.stdout.write(`${text}\n`);

async function open(args: readonly string[]): Promise<{ readonly client: Client; readonly ms: number }> {
  const began = performance.now();
  const client = new Client({ name: "bench", version: "1" });
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [...args], env, stderr: "ignore" }));
  return { client, ms: performance.now() - began };
}

async function control<T>(act: (client: ReturnType<typeof createControlClient>) => Promise<T>): Promise<T> {
  const endpoint = readEndpoint(workspaceDataFolder(home, workspace));
  if (endpoint === null) throw new Error("no daemon runs");
  const connection = await connectDaemon(endpoint, { version: "bench", speak: "control", env: process.env, folder: process.cwd() });
  if (connection === null) throw new Error("the daemon does not listen");
  const client = createControlClient(connection);
  try {
    return await act(client);
  } finally {
    client.close();
  }
}

const status = (): Promise<DaemonStatus> => control((client) => client.call("daemon.status", {}));

async function stopDaemon(): Promise<void> {
  const { pid } = await status();
  await control((client) => client.call("daemon.stop", { only_idle: false }));
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => void setTimeout(resolve, 10));
  }
}

const sorted = (times: readonly number[]): readonly number[] => times.toSorted((a, b) => a - b);
const at = (times: readonly number[], part: number): string => (sorted(times)[Math.floor(times.length * part)] ?? 0).toFixed(2);
const mib = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;

try {
  const echoFile = join(import.meta.dirname, "mcp-echo-server.mjs");
  const cold: number[] = [];
  const warm: number[] = [];
  for (let round = 0; round < STARTS; round += 1) {
    for (const times of [cold, warm]) {
      const { client, ms } = await open([program, "mcp"]);
      times.push(ms);
      await client.close();
    }
    await stopDaemon();
  }
  print(
    `start to first answer: warm p50 ${at(warm, 0.5)} ms, p95 ${at(warm, 0.95)} ms; cold (with the daemon's start) p50 ${at(cold, 0.5)} ms, p95 ${at(cold, 0.95)} ms`,
  );

  const bosun = await open([program, "mcp"]);
  const echo = await open([echoFile]);
  print(`daemon, with one client: ${mib((await status()).rss_bytes)}`);
  const call = ({ client }: { readonly client: Client }): Promise<unknown> =>
    client.callTool({ name: "list_runs", arguments: { limit: 1 } });
  const times = { bosun: [] as number[], echo: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [name, side] of [
      ["bosun", bosun],
      ["echo", echo],
    ] as const)
      for (let each = 0; each < CALLS; each += 1) {
        const began = performance.now();
        await call(side);
        if (round >= WARM_ROUNDS) times[name].push(performance.now() - began);
      }
  const ratio = Number(at(times.bosun, 0.5)) / Number(at(times.echo, 0.5));
  print(
    `tools/call round trip: p50 ${at(times.bosun, 0.5)} ms, p95 ${at(times.bosun, 0.95)} ms; bare echo server p50 ${at(times.echo, 0.5)} ms, p95 ${at(times.echo, 0.95)} ms; ${ratio.toFixed(2)} times`,
  );
  print(`daemon, idle after these calls: ${mib((await status()).rss_bytes)}`);
  for (let run = 0; run < 100; run += 1)
    await bosun.client.callTool({ name: "ask_researcher", arguments: { task: `where is hello? ${run}` } });
  print(`daemon, after 100 finished runs: ${mib((await status()).rss_bytes)}`);
  await bosun.client.close();
  await echo.client.close();
  await stopDaemon();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
