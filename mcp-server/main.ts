/** From the process to a command and back to an exit code. Loaded only after the Node version was found good enough. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DaemonDesk } from "./cli/daemon-desk.ts";
import { createNodeIo } from "./cli/node-io.ts";
import type { OpenService } from "./cli/open-service.ts";
import { runCli } from "./cli/run-cli.ts";
import { readVariable, type System, userFolders, workspaceDataFolder, workspaceRoot } from "./config/paths.ts";
import type { ControlClient } from "../client/control-client.ts";
import { createRemoteService } from "./control/remote-service.ts";
import { createDaemonDesk, raiseDaemon, reachDaemon } from "./daemon/desk.ts";
import { keptToken } from "./daemon/kept-token.ts";
import { makePrivateFolder } from "./private-folder.ts";
import type { Examination } from "./service.ts";

/** Runs the command line of this process. */
export async function main(): Promise<void> {
  const { packageRoot, version } = findPackage();
  const system: System = { platform: process.platform, env: process.env, homeDir: homedir() };
  const io = createNodeIo({ packageRoot, version, dataFolder: () => dataFolder(system) });
  // What tells one build from another: a daemon of another one is replaced when it is idle.
  const build = `${version}+${Math.round(statSync(fileURLToPath(import.meta.url)).mtimeMs).toString(36)}`;
  const inProcess = process.argv.includes("--in-process");
  const script = process.argv[1] ?? "";
  const open: OpenService = async ({ home, workspace, model }) => {
    const { openService } = await import("./compose.ts");
    const env = {
      ...process.env,
      ...(home === undefined ? {} : { BOSUN_HOME: home }),
      ...(workspace === undefined ? {} : { BOSUN_WORKSPACE: workspace }),
    };
    const at = placeOf({ ...system, env });
    const folder = process.cwd();
    const wanted = model === undefined ? {} : { model };
    const local = openService({ system: { ...system, env }, workspace: at.workspace, folder, ...wanted });
    // Data of its own (the demonstration) goes with the command.
    if (inProcess || home !== undefined) return local;
    const reach = { ...at, version: build, script, env, folder };
    const start = async (): Promise<ControlClient> => (await raiseDaemon(reach)).reached;
    const running = await reachDaemon(reach);
    if (running === null && readVariable(env, "BOSUN_NO_DAEMON") !== null) return local;
    return createRemoteService({ local, running, start, folder, ...wanted });
  };
  const examine = async (): Promise<Examination> => {
    const { examineHere } = await import("./compose.ts");
    return examineHere({ system, currentFolder: process.cwd() });
  };
  const daemon = (): DaemonDesk => {
    const { workspace, dataDir } = placeOf(system);
    return createDaemonDesk({
      version: build,
      script,
      workspace,
      dataDir,
      env: process.env,
      folder: process.cwd(),
      serve: async (told) => {
        const { runDaemon } = await import("./compose.ts");
        await runDaemon({ system, workspace, folder: workspace, version: build, told });
      },
      serveHttp: async (port, told, ready) => {
        const { serveMcpHttpOf } = await import("./compose.ts");
        const { token, file } = keptToken(dataDir);
        const http = { port, token, told, warn, ready: (url: string) => ready({ url, tokenFile: file }) };
        await serveMcpHttpOf({ system, workspace, folder: process.cwd(), service: await open({}), version }, http);
      },
      serveMcpHere: inProcess
        ? async () => {
            const { serveMcpHere } = await import("./compose.ts");
            const client = { input: process.stdin, output: process.stdout, warn };
            await serveMcpHere({ system, workspace, folder: workspace, version, client });
          }
        : null,
    });
  };
  process.exitCode = await runCli(process.argv.slice(2), io, open, examine, daemon);
  io.close();
}

/** Standard output is the protocol's. */
function warn(text: string): void {
  process.stderr.write(`bosun: ${text}\n`);
}

/** The workspace that is meant, and its folder of data. @throws BosunError invalid_input when there is none */
function placeOf(system: System): { readonly workspace: string; readonly dataDir: string } {
  const workspace = workspaceRoot(system.env, process.cwd());
  return { workspace, dataDir: workspaceDataFolder(userFolders(system).data, workspace) };
}

/** The user's data folder, made if it is not there. @throws BosunError invalid_input when it cannot be made */
function dataFolder(system: System): string {
  const folder = userFolders(system).data;
  makePrivateFolder(folder);
  return folder;
}

/** The nearest folder above this file, source or bundle, that is our package. */
function findPackage(): { readonly packageRoot: string; readonly version: string } {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest)) {
      const { name, version } = JSON.parse(readFileSync(manifest, "utf8")) as { name?: string; version?: string };
      if (name === "bosun") return { packageRoot: folder, version: version ?? "0" };
    }
    if (folder === dirname(folder)) throw new Error("bosun's own package.json was not found");
  }
}
