/** The composition root: the only place where a port meets the technology behind it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { BosunError } from "../shared/errors.ts";
import type { Json } from "../shared/durable.ts";
import { deadlineSecondsOf } from "../shared/config.ts";
import type { ToolOffer } from "../shared/model.ts";
import type { WorkerDefinition } from "../shared/worker.ts";
import { countRule, createAskModel, MODEL_POOL } from "./activities/ask-model.ts";
import { appliedChanges, createChangeActivities } from "./activities/changes.ts";
import { createConfigureActivities } from "./activities/configure.ts";
import { createRunStates } from "./activities/run-state.ts";
import type { RunStates } from "./activities/run-state.ts";
import { createToolActivities } from "./activities/use-tool.ts";
import { forgetApplied } from "./changes/manifest.ts";
import { loadConfig } from "./config/load-config.ts";
import type { LoadedConfig } from "./config/load-config.ts";
import { userFolders, workspaceDataFolder, workspaceRoot } from "./config/paths.ts";
import type { System } from "./config/paths.ts";
import { examine } from "./doctor/examine.ts";
import { dataProbes } from "./doctor/probe-data.ts";
import { keyProbe } from "./doctor/probe-key.ts";
import { machineProbes } from "./doctor/probe-machine.ts";
import { settingsProbes } from "./doctor/probe-settings.ts";
import type { AnyActivity } from "./engine/activity.ts";
import { createEmbeddedEngine } from "./engine/embedded-engine.ts";
import type { WorkflowDefinition } from "./engine/workflows.ts";
import { damaged, isCorruption } from "./journal/open-database.ts";
import { isOwned, takeOwnerLock } from "./journal/owner-lock.ts";
import type { Journal, JournalReader } from "./journal/port.ts";
import { openSigningKey, readPublicKey, readSigningKey } from "./journal/signing-key.ts";
import { forgetPayloads } from "./journal/sqlite-forget.ts";
import { createSqliteJournal } from "./journal/sqlite-journal.ts";
import { openJournalReader } from "./journal/sqlite-reader.ts";
import { openRows } from "./journal/sqlite-rows.ts";
import { createModelCatalogue } from "./models/catalogue.ts";
import type { ModelCatalogue } from "./models/catalogue.ts";
import { assertReplySchema, checkReply, TASK_PLAN, TASK_REPLAN } from "./models/reply-schema.ts";
import { explainFolder, makePrivateFolder } from "./private-folder.ts";
import { HOW_TO_SET } from "./models/providers.ts";
import { createIntegrity } from "./service/integrity.ts";
import type { Integrity } from "./service/integrity.ts";
import { createLocalService } from "./service/local-service.ts";
import { createLook } from "./service/look.ts";
import { newRunId } from "./service/run-ids.ts";
import { FLAGS } from "./supervisor/flags.ts";
import type { Examination, Service } from "./service.ts";
import { adoptionNotice, salvageNotice } from "./service/salvage-notice.ts";
import { createUpkeep, dryRun } from "./service/upkeep.ts";
import { planTask, revertRun, runTask } from "./supervisor/run-task.ts";
import { logEvent, openLog } from "./telemetry/log.ts";
import { giveUp } from "./tools/give-up.ts";
import { createToolRegistry, toolOffers } from "./tools/registry.ts";
import { createResultCache, NO_RESULT_CACHE } from "./tools/result-cache.ts";
import { createWorkspace } from "./tools/workspace.ts";
import type { Workspace } from "./tools/workspace.ts";
import { loadBuiltinWorkers } from "./workers/builtin.ts";

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

const WORKFLOWS: readonly WorkflowDefinition[] = [
  { name: "task", version: 1, flags: FLAGS, fn: runTask },
  { name: "plan", version: 1, flags: FLAGS, fn: planTask },
  { name: "revert", version: 1, flags: FLAGS, fn: revertRun },
];

/** What does not depend on who owns the data folder. */
interface Fixed {
  readonly loaded: LoadedConfig;
  /** The user's data folder, and in it the workspace's. */
  readonly home: string;
  readonly dataDir: string;
  readonly journalFile: string;
  readonly integrity: Integrity;
  readonly workspace: Workspace;
  readonly workers: ReadonlyMap<string, WorkerDefinition>;
  readonly offers: ReadonlyMap<string, ToolOffer>;
  readonly tools: ReturnType<typeof createToolRegistry>;
  readonly catalogue: (journal: JournalReader) => ModelCatalogue;
}

/**
 * Bosun in this process. The data folder is owned from the first call that starts, decides or drives something; until then it is
 * only read, so that looking works beside another process.
 * @throws BosunError invalid_input for a bad configuration file
 */
export function openService(options: ServiceOptions): Service {
  const fixed = fix(options);
  const notices = [...fixed.loaded.warnings];
  let owner: Service | null = null;
  let reader: OpenedLook | null = null;
  /** Nothing but upkeep was asked of the owner. */
  let alone = true;
  const ownForUpkeep = (): Service => {
    reader?.close();
    reader = null;
    try {
      owner ??= openOwner(fixed, notices, () => alone);
    } catch (error) {
      throw explainFolder(fixed.dataDir, error);
    }
    return owner;
  };
  const own = (): Service => {
    alone = false;
    return ownForUpkeep();
  };
  const look = (): ReturnType<typeof createLook> => {
    if (owner !== null) return owner;
    reader ??= openLook(fixed);
    return reader?.look ?? own();
  };
  return {
    notices,
    get owned() {
      return owner !== null || isOwned(fixed.dataDir);
    },
    get broken() {
      return owner?.broken ?? null;
    },
    startRun: (request) => own().startRun(request),
    getRun: (runId, include) => look().getRun(runId, include),
    exportTrace: (runId, version) => look().exportTrace(runId, version),
    compare: (runId, otherId) => look().compare(runId, otherId),
    listRuns: (filter) => look().listRuns(filter),
    findRun: (id) => look().findRun(id),
    settled: (runId) => own().settled(runId),
    subscribe: (runId, listener) => own().subscribe(runId, listener),
    cancel: (runId) => own().cancel(runId),
    resume: (runId, budget) => own().resume(runId, budget),
    answer: (runId, questionId, answer) => own().answer(runId, questionId, answer),
    pause: (runId) => own().pause(runId),
    tell: (runId, data) => own().tell(runId, data),
    fork: (runId, request) => own().fork(runId, request),
    settleEffect: (runId, effectId, decision) => own().settleEffect(runId, effectId, decision),
    revert: (runId) => own().revert(runId),
    replay: (runId) => look().replay(runId),
    verify: (given) => fixed.integrity.verify(given),
    verifyFile: (file, given) => fixed.integrity.verifyFile(file, given),
    exportRun: (runId, given, write) => fixed.integrity.exportRun(runId, given, write),
    forget: (runId) => own().forget(runId),
    plan: (request) => own().plan(request),
    listApprovals: (filter) => look().listApprovals(filter),
    getApproval: (id) => look().getApproval(id),
    decide: (id, decision) => own().decide(id, decision),
    recover: () => own().recover(),
    gc: (request) => {
      if (!request.dry_run || owner !== null) return ownForUpkeep().gc(request);
      reader ??= openLook(fixed);
      if (reader === null) return ownForUpkeep().gc(request);
      return dryRun(reader.journal, { days: request.days ?? fixed.loaded.config.retention.days, now: Date.now() });
    },
    rebuild: () => ownForUpkeep().rebuild(),
    close: async () => {
      reader?.close();
      await owner?.close();
    },
  };
}

function fix(options: ServiceOptions): Fixed {
  const { system, folder } = options;
  const loaded = loadConfig(system, options.workspace, options.model === undefined ? {} : { model: options.model });
  const folders = userFolders(system);
  const tools = createToolRegistry();
  const names = [...tools.keys(), giveUp.name];
  const dataDir = workspaceDataFolder(folders.data, options.workspace);
  const journalFile = join(dataDir, "journal.db");
  const workers = new Map(loadBuiltinWorkers(names).map((worker) => [worker.name, worker]));
  return {
    loaded,
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
    workspace: createWorkspace({ root: options.workspace, bosunHome: folders.data, closed: [folders.config] }),
    workers,
    offers: new Map(toolOffers(tools, names).map((offer) => [offer.name, offer])),
    tools,
    catalogue: (journal) =>
      createModelCatalogue({
        config: loaded.config,
        env: system.env,
        origins: loaded.origins,
        folder,
        matchesSoFar: (runId, rule) => countRule(journal, runId, rule),
      }),
  };
}

interface OpenedLook {
  readonly look: ReturnType<typeof createLook>;
  readonly journal: JournalReader;
  readonly close: () => void;
}

function openLook(fixed: Fixed): OpenedLook | null {
  if (!existsSync(fixed.journalFile)) return null;
  const opened = openJournalReader(fixed.journalFile);
  if (opened === null) return null;
  const { reader, close } = opened;
  const { activities } = activitiesOf(fixed, reader);
  const look = createLook({ journal: reader, activities, workflows: WORKFLOWS, integrity: fixed.integrity });
  return { look, journal: reader, close };
}

function openOwner(fixed: Fixed, notices: string[], alone: () => boolean): Service {
  const { dataDir, journalFile, loaded } = fixed;
  makePrivateFolder(dataDir);
  const lock = takeOwnerLock(dataDir);
  try {
    const key = openSigningKey(fixed.home, () => (signerOf(journalFile) === null ? null : journalFile));
    const opened = createSqliteJournal({ file: journalFile, now: Date.now, check: !lock.cleanBefore, key });
    const { journal, setAside, salvaged, adopted } = opened;
    if (setAside !== null) notices.push(salvageNotice(setAside, salvaged));
    if (adopted > 0) notices.push(adoptionNotice(adopted, setAside !== null));
    const log = openLog(dataDir, loaded.config.log.level);
    if (setAside !== null) log.error({ file: setAside, ...salvaged }, "corrupt journal set aside");
    const { activities, states, catalogue } = activitiesOf(fixed, journal);
    const engine = createEmbeddedEngine({
      journal,
      activities,
      workflows: WORKFLOWS,
      now: Date.now,
      newRunId: () => newRunId(Date.now()),
      maxRuns: loaded.config.run.maxConcurrentRuns,
      pools: { [MODEL_POOL]: loaded.config.models.maxConcurrentCalls },
      onParked: (runId) => states.drop(runId),
    });
    engine.subscribe((note) => {
      if (note.type !== "event") return;
      logEvent(log, note.event);
      // The receipts of an ended run are in the journal: what marked its change sets as applied is of no use any more.
      if (note.event.kind === "run-ended" && journal.approvals({ run_id: note.event.run_id }).length > 0)
        for (const { change_set_id: id } of appliedChanges(journal, note.event.run_id).filter((set) => set.own))
          forgetApplied({ dataDir, changeSetId: id });
    });
    const upkeep = createUpkeep({
      journal,
      dataDir,
      days: loaded.config.retention.days,
      now: Date.now,
      alone,
      tell: (summary) => log.info(summary, "upkeep done"),
      fail: (error) => log.error({ err: error }, "upkeep failed"),
    });
    upkeep.schedule();
    return createLocalService({
      engine,
      journal,
      look: createLook({ journal, activities, workflows: WORKFLOWS, integrity: fixed.integrity }),
      upkeep,
      closing: (sound) => upkeep.stop(sound),
      notices,
      workers: () => [...fixed.workers.keys()],
      maxSteps: () => loaded.config.run.maxSteps,
      checkFile: (path) => fixed.workspace.forListing(path).path,
      checkSchema: (schema) => assertReplySchema(schema as Json),
      checkModel: (model) => checkModel(catalogue, model),
      checkReply: (text, schema) => checkReply(text, schema),
      forget: (runId) => ({
        run_id: runId,
        ...forgetPayloads({ file: journalFile, run_id: runId, key, now: Date.now, epoch: journal.epoch }),
      }),
      release: () => {
        lock.release();
        log.flush();
      },
    });
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Fingerprint of the key that it is signed with, null when it is not. What cannot be read is looked at when it is opened. */
function signerOf(file: string): string | null {
  try {
    const opened = existsSync(file) ? openRows(file) : null;
    try {
      return opened?.rows.tip()?.key ?? null;
    } finally {
      opened?.close();
    }
  } catch {
    return null;
  }
}

function noModel(): BosunError {
  return new BosunError("model_unavailable", `no model is configured. ${HOW_TO_SET}`, { retryable: false });
}

/** The full name of a model that was asked for. @throws BosunError model_unavailable when there is none */
function checkModel(catalogue: ModelCatalogue, model: string | null): string | null {
  const name = model === null ? null : catalogue.fullName(model);
  const wanted = name ?? catalogue.models("small")[0];
  if (wanted === undefined) throw noModel();
  catalogue.model(wanted);
  return name;
}

function activitiesOf(
  fixed: Fixed,
  journal: Journal | JournalReader,
): { activities: readonly AnyActivity[]; states: RunStates; catalogue: ModelCatalogue } {
  const { config } = fixed.loaded;
  const { workspace, workers, tools, offers, dataDir } = fixed;
  const catalogue = fixed.catalogue(journal);
  const states = createRunStates({ workspace, journal });
  const results = config.cache.tools ? createResultCache({ workspace, now: Date.now }) : NO_RESULT_CACHE;
  const activities = [
    ...createConfigureActivities({
      workers,
      offers,
      planSchemas: { plan: TASK_PLAN.schema, replan: TASK_REPLAN.schema },
      limits: () => ({
        max_parallel_steps: config.run.maxParallelSteps,
        max_steps: config.run.maxSteps,
        max_revisions: config.run.maxRevisions,
        max_turns: config.run.maxTurns,
        max_completion_tokens: config.models.maxCompletionTokens,
        ask_below: config.routing.askBelow,
      }),
      models: (override) => {
        if (override !== null) return { small: [override], medium: [override], large: [override] };
        const found = { small: catalogue.models("small"), medium: catalogue.models("medium"), large: catalogue.models("large") };
        if (found.small.length === 0) throw noModel();
        return found;
      },
    }),
    createAskModel({
      journal,
      model: (name) => catalogue.model(name),
      price: (name, tokens) => catalogue.price(name, tokens),
      checkReply: (text, schema) => checkReply(text, schema),
    }),
    ...createToolActivities({ tools, workers, workspace, states, results }),
    ...createChangeActivities({
      workspace,
      states,
      journal,
      dataDir,
      now: Date.now,
      deadlineSeconds: (kind) => deadlineSecondsOf(config, kind),
    }),
  ];
  return { activities, states, catalogue };
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
      ...settingsProbes({
        loadConfig: () => loadConfig(system, workspace),
        catalogue: ({ config, origins }) => createModelCatalogue({ config, env: system.env, origins, folder: currentFolder }),
        workers: () => loadBuiltinWorkers([...createToolRegistry().keys(), giveUp.name]),
      }),
      keyProbe({
        platform: system.platform,
        home,
        signed: () => {
          const file = join(dataDir, "journal.db");
          const key = signerOf(file);
          return key === null ? null : { file, key };
        },
      }),
      ...data.probes,
    ]);
  } finally {
    data.close();
  }
}
