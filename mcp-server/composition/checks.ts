/** The doctor on this machine, and the few of its checks that can be told at any time. */
import { join } from "node:path";
import { readEndpoint } from "../../client/endpoint.ts";
import { BosunError } from "../../shared/errors.ts";
import { loadConfig, type LoadedConfig } from "../config/load-config.ts";
import { userFolders, workspaceDataFolder, workspaceRoot, type System } from "../config/paths.ts";
import { examine, type Probe } from "../doctor/examine.ts";
import { daemonProbe } from "../doctor/probe-daemon.ts";
import { dataProbes } from "../doctor/probe-data.ts";
import { keyProbe } from "../doctor/probe-key.ts";
import { machineProbes } from "../doctor/probe-machine.ts";
import { modelProbes } from "../doctor/probe-models.ts";
import { settingsProbes } from "../doctor/probe-settings.ts";
import { createModelCatalogue, type ModelCatalogue } from "../models/catalogue.ts";
import { HEALTH_FILE } from "../models/health-file.ts";
import type { Model } from "../models/port.ts";
import type { Check, Examination } from "../service.ts";
import { type ServiceOptions, fix } from "./fixed.ts";
import { signerOf } from "./owner.ts";

/** Who only looks asks no model. */
const NOBODY: Model = { complete: () => Promise.reject(new BosunError("internal", "who only looks asks no model")) };

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** What can be told at any time: settings and workers, how models fare, the daemon. The store itself is looked at by the doctor alone. */
export function quickChecks({ system, workspace, folder }: ServiceOptions): readonly Check[] {
  const { checks } = examine([
    ...settingAndModelProbes(system, workspace, folder),
    daemonProbe({ endpoint: readEndpoint(workspaceDataFolder(userFolders(system).data, workspace)), isAlive }),
  ]);
  return checks;
}

function settingAndModelProbes(system: System, workspace: string, folder: string): readonly Probe[] {
  const catalogueOf = (loaded: LoadedConfig): ModelCatalogue =>
    createModelCatalogue({ settings: () => loaded, env: system.env, folder, offline: NOBODY });
  return [
    ...settingsProbes({
      loadConfig: () => loadConfig(system, workspace),
      catalogue: catalogueOf,
      workers: () => fix({ system, workspace, folder }, () => undefined).workerFiles.workers(),
    }),
    ...modelProbes({
      file: join(userFolders(system).data, HEALTH_FILE),
      models: () =>
        catalogueOf(loadConfig(system, workspace))
          .describe()
          .flatMap((tier) => tier.models),
      now: Date.now,
    }),
  ];
}

/** Looks whether all is well: beside an owner, and with whatever is broken. @throws BosunError invalid_input when there is no place to look at */
export function examineHere({ system, currentFolder }: { readonly system: System; readonly currentFolder: string }): Examination {
  const workspace = workspaceRoot(system.env, currentFolder);
  const home = userFolders(system).data;
  const dataDir = workspaceDataFolder(home, workspace);
  const data = dataProbes(dataDir);
  try {
    return examine([
      ...machineProbes({
        versions: process.versions,
        platform: system.platform,
        home,
        dataDir,
        workspace,
        searchPath: system.env["PATH"] ?? "",
      }),
      ...settingAndModelProbes(system, workspace, currentFolder),
      keyProbe({
        platform: system.platform,
        home,
        signed: () => {
          const file = join(dataDir, "journal.db");
          const key = signerOf(file);
          return key === null ? null : { file, key };
        },
      }),
      daemonProbe({ endpoint: readEndpoint(dataDir), isAlive }),
      ...data.probes,
    ]);
  } finally {
    data.close();
  }
}
