/** What does not depend on who owns the data folder: settings, workers, tools, and whose models there are. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ToolOffer } from "../../shared/model.ts";
import type { TaskClassifier } from "../../shared/routing.ts";
import { countRule } from "../activities/ask-model.ts";
import { createLivePolicy } from "../approvals/live-policy.ts";
import type { Policy } from "../approvals/policy.ts";
import { createLiveConfig, type LiveConfig } from "../config/live-config.ts";
import { loadConfig, configFiles, type LoadedConfig } from "../config/load-config.ts";
import { userFolders, workspaceDataFolder, type System } from "../config/paths.ts";
import { damaged, isCorruption } from "../journal/open-database.ts";
import type { JournalReader } from "../journal/port.ts";
import { readPublicKey, readSigningKey } from "../journal/signing-key.ts";
import { openRows } from "../journal/sqlite-rows.ts";
import { createModelCatalogue } from "../models/catalogue.ts";
import { createCatalogues, type Caller, type Catalogues } from "../models/catalogues.ts";
import { createLentModels, type LentModels } from "../models/lent-models.ts";
import { createOfflineModel } from "../models/offline-model.ts";
import { createTaskClassifier } from "../routing/classify.ts";
import { createIntegrity, type Integrity } from "../service/integrity.ts";
import { giveUp } from "../tools/give-up.ts";
import { createToolRegistry, toolOffers } from "../tools/registry.ts";
import { createWorkspace, type Workspace } from "../tools/workspace.ts";
import { loadBuiltinWorkers } from "../workers/builtin.ts";
import { createProjectNotes } from "../workers/project-notes.ts";
import { createWorkerRegistry, type WorkerRegistry } from "../workers/registry.ts";
import { createWorkerFiles, type WorkerFiles } from "../workers/worker-files.ts";
import { isTrusted } from "../workers/workspace-trust.ts";

export interface ServiceOptions {
  /** Environment, platform and home folder to look things up in. */
  readonly system: System;
  /** Canonical root of the workspace. */
  readonly workspace: string;
  /** Folder from which relative paths on the command line start. */
  readonly folder: string;
  /** `provider:model` for all tiers. */
  readonly model?: string;
}

/** What does not depend on who owns the data folder. */
export interface Fixed {
  readonly env: System["env"];
  readonly settings: LiveConfig;
  /** The user's data folder, and in it the workspace's. */
  readonly home: string;
  readonly dataDir: string;
  readonly journalFile: string;
  readonly integrity: Integrity;
  readonly workspace: Workspace;
  readonly policy: () => Policy;
  readonly workers: WorkerRegistry;
  readonly workerFiles: WorkerFiles;
  readonly projectNotes: () => string;
  readonly offers: ReadonlyMap<string, ToolOffer>;
  readonly tools: ReturnType<typeof createToolRegistry>;
  readonly classify: TaskClassifier;
  /** This process, as one of those who have runs driven. */
  readonly self: Caller;
  readonly lent: LentModels;
  readonly catalogues: (journal: JournalReader) => Catalogues;
}

export function fix(options: ServiceOptions, tell: (notice: string) => void): Fixed {
  const { system, folder } = options;
  const settings = createLiveConfig({
    load: () => loadConfig(system, options.workspace, options.model === undefined ? {} : { model: options.model }),
    files: configFiles(system, options.workspace),
    now: Date.now,
    tell,
  });
  const self: Caller = { env: system.env, folder };
  const lent = createLentModels();
  const settingsOf = ({ env }: Caller): (() => LoadedConfig) =>
    createLiveConfig({
      load: () => loadConfig({ ...system, env }, options.workspace),
      files: configFiles(system, options.workspace),
      now: Date.now,
      tell: () => undefined,
    }).current;
  const folders = userFolders(system);
  const tools = createToolRegistry();
  const names = [...tools.keys(), giveUp.name];
  const dataDir = workspaceDataFolder(folders.data, options.workspace);
  const journalFile = join(dataDir, "journal.db");
  const classify = createTaskClassifier();
  const policy = createLivePolicy(settings.current);
  const workspace = createWorkspace({
    root: options.workspace,
    bosunHome: folders.data,
    closed: [folders.config],
    mayReadSecret: (path) => policy().mayReadSecret(path),
  });
  const userFolder = join(folders.config, "workers");
  const workers = createWorkerRegistry({
    builtIn: loadBuiltinWorkers(names),
    knownTools: names,
    folders: [
      { path: userFolder, origin: "user", within: null, distrust: () => null },
      {
        path: join(workspace.root, ".bosun", "workers"),
        origin: "workspace",
        within: workspace.root,
        distrust: () => {
          const { config, userFile } = settings.current();
          if (isTrusted(config.workspaces.trusted, workspace.root, system.homeDir)) return null;
          return `not used: this workspace is not trusted. Add ${JSON.stringify(workspace.root)} to \`workspaces.trusted\` in ${userFile}`;
        },
      },
    ],
  });
  return {
    env: system.env,
    settings,
    home: folders.data,
    dataDir,
    journalFile,
    integrity: createIntegrity({
      openRows: () => (existsSync(journalFile) ? openRows(journalFile) : null),
      publicKey: () => readPublicKey(folders.data),
      signingKey: () => readSigningKey(folders.data),
      explain: (error) => (isCorruption(error) ? damaged(journalFile, error) : error),
      now: Date.now,
    }),
    workspace,
    policy,
    workers,
    workerFiles: createWorkerFiles({ registry: workers, knownTools: names, root: workspace.root, folder, userFolder }),
    projectNotes: createProjectNotes(() => {
      const { kind, absolute } = workspace.forReading("AGENTS.md");
      return kind === "file" ? absolute : null;
    }),
    offers: new Map(toolOffers(tools, names).map((offer) => [offer.name, offer])),
    tools,
    classify,
    self,
    lent,
    catalogues: (journal) =>
      createCatalogues(self, (caller) =>
        createModelCatalogue({
          ...caller,
          lent,
          settings: caller === self ? settings.current : settingsOf(caller),
          offline: createOfflineModel({
            choose: (task) => classify(task, workers.all()),
            askBelow: () => settings.current().config.routing.askBelow,
          }),
          matchesSoFar: (runId, rule) => countRule(journal, runId, rule),
        }),
      ),
  };
}
