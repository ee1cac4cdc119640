/** The composition root: the only place where a port meets the technology behind it. */
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { BosunError } from "../shared/errors.ts";
import type { Json } from "../shared/durable.ts";
import { deadlineSecondsOf } from "../shared/config.ts";
import type { Config } from "../shared/config.ts";
import { OFFLINE_MODEL, type ToolOffer } from "../shared/model.ts";
import type { TaskClassifier } from "../shared/routing.ts";
import { countRule, createAskModel, MODEL_POOL } from "./activities/ask-model.ts";
import { appliedChanges, createChangeActivities } from "./activities/changes.ts";
import { createConfigureActivities } from "./activities/configure.ts";
import { createModelBudget } from "./activities/model-budget.ts";
import { createPricePlanActivity } from "./activities/price-plan.ts";
import { createRunStates } from "./activities/run-state.ts";
import type { RunStates } from "./activities/run-state.ts";
import { createToolActivities } from "./activities/use-tool.ts";
import { createPolicyDesk } from "./approvals/policy-desk.ts";
import { createLivePolicy } from "./approvals/live-policy.ts";
import type { Policy } from "./approvals/policy.ts";
import { forgetApplied } from "./changes/manifest.ts";
import { insertRule, removeRule } from "./config/edit-policy.ts";
import { createLiveConfig } from "./config/live-config.ts";
import type { LiveConfig } from "./config/live-config.ts";
import { loadConfig, configFiles } from "./config/load-config.ts";
import type { LoadedConfig } from "./config/load-config.ts";
import { userFolders, workspaceDataFolder, workspaceRoot } from "./config/paths.ts";
import type { System } from "./config/paths.ts";
import { readEndpoint } from "../client/endpoint.ts";
import { socketPath } from "./daemon/endpoint.ts";
import { serveDaemon } from "./daemon/serve-daemon.ts";
import { examine, type Probe } from "./doctor/examine.ts";
import { daemonProbe } from "./doctor/probe-daemon.ts";
import { dataProbes } from "./doctor/probe-data.ts";
import { keyProbe } from "./doctor/probe-key.ts";
import { machineProbes } from "./doctor/probe-machine.ts";
import { modelProbes } from "./doctor/probe-models.ts";
import { settingsProbes } from "./doctor/probe-settings.ts";
import type { AnyActivity } from "./engine/activity.ts";
import { createEmbeddedEngine } from "./engine/embedded-engine.ts";
import type { WorkflowDefinition } from "./engine/workflows.ts";
import { LEARNED_FROM, learnPriors, TELLING } from "./journal/learn-priors.ts";
import { damaged, isCorruption } from "./journal/open-database.ts";
import { isOwned, takeOwnerLock } from "./journal/owner-lock.ts";
import type { Journal, JournalReader } from "./journal/port.ts";
import { readOthers } from "./journal/read-others.ts";
import { openSigningKey, readPublicKey, readSigningKey } from "./journal/signing-key.ts";
import { forgetPayloads } from "./journal/sqlite-forget.ts";
import { createSqliteJournal } from "./journal/sqlite-journal.ts";
import { openJournalReader } from "./journal/sqlite-reader.ts";
import { openRows } from "./journal/sqlite-rows.ts";
import { createModelCatalogue } from "./models/catalogue.ts";
import type { ModelCatalogue } from "./models/catalogue.ts";
import { createCatalogues, type Caller, type Catalogues } from "./models/catalogues.ts";
import { createOfflineModel } from "./models/offline-model.ts";
import type { Model } from "./models/port.ts";
import { createModelDesk, type KeptAnswers } from "./models/desk.ts";
import { cacheable, type AnswerCache } from "./models/answer-cache.ts";
import { createSqliteAnswerCache } from "./models/sqlite-answer-cache.ts";
import { addSpendings, type Spending } from "./budget/scopes.ts";
import type { Ledger } from "./budget/ledger.ts";
import { reconcile } from "./budget/reconcile.ts";
import { createSqliteLedger } from "./budget/sqlite-ledger.ts";
import { spentOn } from "./service/usage.ts";
import type { RunEvent } from "../shared/events.ts";
import { HEALTH_FILE, keepHealthFile } from "./models/health-file.ts";
import { createLentModels, type LentModels } from "./models/lent-models.ts";
import { callerOf, handedOver } from "./models/handed-over.ts";
import { createModelHealth } from "./models/model-health.ts";
import type { ModelHealth } from "./models/model-health.ts";
import { createRateGate } from "./models/rate-gate.ts";
import type { RateGate } from "./models/rate-gate.ts";
import { assertReplySchema, checkReply, TASK_PLAN, TASK_REPLAN } from "./models/reply-schema.ts";
import { latestPriors } from "./pricing/priors.ts";
import { explainFolder, makePrivateFolder } from "./private-folder.ts";
import { type HttpOptions, serveMcpHttp } from "./mcp/serve-http.ts";
import { serveMcp } from "./mcp/serve-mcp.ts";
import { readPageAssets } from "./page/page-assets.ts";
import { createPageDesk, type PageDesk } from "./page/page-desk.ts";
import { packSession } from "./memory/pack-session.ts";
import { earlierRunsOf } from "./service/earlier-runs.ts";
import { routeTask, type RouteParts } from "./routing/route-task.ts";
import { createSqliteRouteCache } from "./routing/sqlite-route-cache.ts";
import { createTaskClassifier } from "./routing/classify.ts";
import { createIntegrity } from "./service/integrity.ts";
import type { Integrity } from "./service/integrity.ts";
import { createLocalService, type OwnerService } from "./service/local-service.ts";
import { createLook } from "./service/look.ts";
import type { Look, LookParts } from "./service/look.ts";
import { newRunId } from "./service/run-ids.ts";
import { FLAGS } from "./supervisor/flags.ts";
import type { Check, Examination, Lender, PolicyDesk, Service } from "./service.ts";
import { adoptionNotice, salvageNotice } from "./service/salvage-notice.ts";
import { withApprovals } from "./service/verify-approvals.ts";
import { createUpkeep, dryRun } from "./service/upkeep.ts";
import { planTask, revertRun, runTask } from "./supervisor/run-task.ts";
import { logEvent, openLog } from "./telemetry/log.ts";
import { giveUp } from "./tools/give-up.ts";
import { createToolRegistry, mayWrite, toolOffers } from "./tools/registry.ts";
import { createResultCache, NO_RESULT_CACHE } from "./tools/result-cache.ts";
import { createWorkspace } from "./tools/workspace.ts";
import type { Workspace } from "./tools/workspace.ts";
import { loadBuiltinWorkers } from "./workers/builtin.ts";
import { createProjectNotes } from "./workers/project-notes.ts";
import { createWorkerRegistry, type WorkerRegistry } from "./workers/registry.ts";
import { createWorkerFiles, type WorkerFiles } from "./workers/worker-files.ts";
import { isTrusted } from "./workers/workspace-trust.ts";

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

/** The service of this process, and as others have it who let this process drive their runs. */
export interface OpenedServices {
  readonly own: Service;
  readonly for: (caller: Caller) => Service;
  /** What clients lend serves every run that has no other model. */
  readonly lend: (lender: Lender) => () => void;
  readonly follow: OwnerService["follow"];
}

/** As {@link openServices}, for this process alone. */
export function openService(options: ServiceOptions): Service {
  return openServices(options).own;
}

/**
 * Bosun in this process. The data folder is owned from the first call that starts, decides or drives something; until then it is
 * only read, so that looking works beside another process.
 * @throws BosunError invalid_input for a bad configuration file
 */
export function openServices(options: ServiceOptions): OpenedServices {
  const notices: string[] = [];
  const fixed = fix(options, (notice) => notices.push(notice));
  notices.push(...fixed.settings.current().warnings);
  let owner: ((caller: Caller) => OwnerService) | null = null;
  let reader: OpenedLook | null = null;
  /** Nothing but upkeep was asked of the owner. */
  let alone = true;
  const ownForUpkeep = (caller = fixed.self): OwnerService => {
    reader?.close();
    reader = null;
    try {
      owner ??= openOwner(fixed, notices, () => alone);
    } catch (error) {
      throw explainFolder(fixed.dataDir, error);
    }
    return owner(caller);
  };
  const ownFor = (caller: Caller): OwnerService => {
    alone = false;
    return ownForUpkeep(caller);
  };
  const look = (): ReturnType<typeof createLook> => {
    if (owner !== null) return owner(fixed.self);
    reader ??= openLook(fixed);
    return reader?.look ?? ownFor(fixed.self);
  };
  const routes = createSqliteRouteCache({ file: join(fixed.dataDir, "routes.db"), now: Date.now });
  const routingOf = (own: () => OwnerService): RouteParts => ({
    classify: fixed.classify,
    cache: routes,
    workers: () => fixed.workers.all(),
    thresholds: () => fixed.settings.current().config.routing,
    plan: async (task, model) => {
      if (model === null && !(await own().findModels())) return null;
      const { plan, confidence } = await own().plan({ task, ...(model === null ? {} : { model }) });
      const [first] = plan.steps;
      return first === undefined ? null : { worker: first.worker, confidence: confidence ?? 1, alternatives: [] };
    },
  });
  const close = async (): Promise<void> => {
    routes.close();
    reader?.close();
    await owner?.(fixed.self).close();
  };
  const serviceFor = (own: () => OwnerService): Service => ({
    notices,
    lasting: false,
    get owned() {
      return owner !== null || isOwned(fixed.dataDir);
    },
    get broken() {
      return owner?.(fixed.self).broken ?? null;
    },
    findModels: () => own().findModels(),
    startRun: async (request) => own().startRun(request),
    getRun: (runId, include) => look().getRun(runId, include),
    exportTrace: (runId, version) => look().exportTrace(runId, version),
    compare: (runId, otherId) => look().compare(runId, otherId),
    listRuns: (filter) => look().listRuns(filter),
    usage: (request) => look().usage(request),
    findRun: (id) => look().findRun(id),
    settled: (runId) => own().settled(runId),
    subscribe: (runId, listener) => own().subscribe(runId, listener),
    cancel: async (runId) => own().cancel(runId),
    resume: async (runId, budget) => own().resume(runId, budget),
    answer: async (runId, questionId, answer) => own().answer(runId, questionId, answer),
    pause: async (runId) => own().pause(runId),
    tell: async (runId, data) => own().tell(runId, data),
    fork: (runId, request) => own().fork(runId, request),
    settleEffect: (runId, effectId, decision) => own().settleEffect(runId, effectId, decision),
    revert: async (runId) => own().revert(runId),
    replay: (runId) => look().replay(runId),
    verify: (given) =>
      withApprovals(fixed.integrity.verify(given), () =>
        existsSync(fixed.journalFile) ? look().audit(given?.run_id === undefined ? {} : { run_id: given.run_id }) : [],
      ),
    verifyFile: (file, given) => fixed.integrity.verifyFile(file, given),
    exportRun: (runId, given, write) => fixed.integrity.exportRun(runId, given, write),
    forget: async (runId) => own().forget(runId),
    route: (task, model) => routeTask(routingOf(own), task, model),
    plan: (request) => own().plan(request),
    listApprovals: (filter) => look().listApprovals(filter),
    getApproval: (id) => look().getApproval(id),
    decide: async (id, decision) => own().decide(id, decision),
    recover: async () => own().recover(),
    gc: (request) => {
      if (!request.dry_run || owner !== null) return ownForUpkeep().gc(request);
      reader ??= openLook(fixed);
      if (reader === null) return ownForUpkeep().gc(request);
      return dryRun(reader.journal, { days: request.days ?? fixed.settings.current().config.retention.days, now: Date.now() });
    },
    rebuild: async () => ownForUpkeep().rebuild(),
    audit: (filter) => look().audit(filter),
    ...fixed.workerFiles,
    ...policyDeskOf(fixed, options.workspace, () => (owner === null && !existsSync(fixed.journalFile) ? null : look())),
    close,
  });
  const servicesFor = (caller: Caller): Service => serviceFor(() => ownFor(caller));
  return {
    own: servicesFor(fixed.self),
    for: servicesFor,
    lend: (lender) => fixed.lent.lend(lender),
    follow: (after, listener) => ownFor(fixed.self).follow(after, listener),
  };
}

/**
 * The daemon of a workspace, in this process, until it ends.
 * @throws BosunError conflict when another process owns the data folder
 */
export async function runDaemon(options: ServiceOptions & { readonly version: string; readonly told: Promise<void> }): Promise<void> {
  const { system, workspace } = options;
  const dataDir = workspaceDataFolder(userFolders(system).data, workspace);
  const settings = createLiveConfig({
    load: () => loadConfig(system, workspace),
    files: configFiles(system, workspace),
    now: Date.now,
    tell: () => undefined,
  });
  const { own: service, for: forCaller, lend, follow } = openServices(options);
  const variables = (): readonly string[] => handedOver(settings.current().config);
  makePrivateFolder(dataDir);
  const log = openLog(dataDir, settings.current().config.log.level);
  let watchers = 0;
  let page: PageDesk | null = null;
  const mcp = { version: options.version.replace(/\+.*/u, ""), checks: () => quickChecks(options) };
  try {
    const opened = createPageDesk({
      service,
      assets: () => readPageAssets(import.meta.dirname),
      system,
      dataDir,
      workspace,
      byItself: () => settings.current().config.approvals.openPage,
      watched: () => watchers > 0,
      now: Date.now,
      log: (text) => log.warn(text),
    });
    page = opened;
    await serveDaemon({
      service,
      version: options.version,
      workspace,
      dataDir,
      path: socketPath(system, dataDir),
      idleSeconds: () => settings.current().config.daemon.idleSeconds,
      serviceFor: (given) => forCaller(callerOf(system.env, variables(), given)),
      variables,
      lend,
      follow,
      openPage: (approvalId) => opened.open(approvalId),
      watching: (by) => void (watchers += by),
      serveMcp: (caller, input, output) =>
        void serveMcp({ ...mcp, service: caller }, { input, output, warn: (text) => log.warn(text) }).catch((error: unknown) =>
          log.error({ err: error }, "MCP"),
        ),
      told: options.told,
      log: (text) => log.info(text),
    });
  } finally {
    page?.close();
    await service.close();
    log.flush();
  }
}

/** An MCP client served by this process, without a daemon, until it goes. @throws BosunError conflict when another process owns the data folder */
export async function serveMcpHere(
  options: ServiceOptions & { readonly version: string; readonly client: Parameters<typeof serveMcp>[1] },
): Promise<void> {
  const service = openService(options);
  try {
    await service.recover();
    await serveMcp({ service, version: options.version, checks: () => quickChecks(options) }, options.client);
  } finally {
    await service.close();
  }
}

/** MCP clients served over HTTP until it is told to end; the service is closed then. */
export async function serveMcpHttpOf(
  options: ServiceOptions & { readonly service: Service; readonly version: string },
  http: HttpOptions,
): Promise<void> {
  const { service, version } = options;
  try {
    await service.recover();
    await serveMcpHttp({ service, version, checks: () => quickChecks(options) }, http);
  } finally {
    await service.close();
  }
}

function fix(options: ServiceOptions, tell: (notice: string) => void): Fixed {
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

/** @param look null when nothing was recorded yet: looking at rules must not make a data folder */
function policyDeskOf(fixed: Fixed, workspace: string, look: () => Pick<Look, "audit"> | null): PolicyDesk {
  return createPolicyDesk({
    policy: fixed.policy,
    rules: () => {
      const { config, workspacePolicy, warnings } = fixed.settings.current();
      return { person: config.policy, workspace: workspacePolicy, warnings };
    },
    personFile: () => fixed.settings.current().userFile,
    workspaceFile: join(workspace, ".bosun", "config.json"),
    tools: fixed.tools,
    workspace: fixed.workspace,
    audit: () => look()?.audit() ?? [],
    insertRule,
    removeRule,
  });
}

/** How the models fare, as this process sees it. */
interface ModelFare {
  readonly health: ModelHealth;
  readonly gate: RateGate;
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
  const { activities } = activitiesOf(
    fixed,
    reader,
    fixed.catalogues(reader),
    () => {
      throw new Error("who only looks spends nothing");
    },
    () => undefined,
    null,
  );
  const look = createLook(lookParts(fixed, { journal: reader, activities }));
  return { look, journal: reader, close };
}

function lookParts(fixed: Fixed, given: Pick<LookParts, "journal" | "activities">): LookParts {
  const workspaces = { workspaces: dirname(fixed.dataDir), own: fixed.dataDir };
  return {
    ...given,
    workflows: WORKFLOWS,
    integrity: fixed.integrity,
    readOthers: (read) => readOthers(workspaces, read),
    now: Date.now,
  };
}

function openOwner(fixed: Fixed, notices: string[], alone: () => boolean): (caller: Caller) => OwnerService {
  const { dataDir, journalFile, settings } = fixed;
  const { config } = settings.current();
  makePrivateFolder(dataDir);
  const lock = takeOwnerLock(dataDir);
  try {
    const key = openSigningKey(fixed.home, () => (signerOf(journalFile) === null ? null : journalFile));
    const opened = createSqliteJournal({ file: journalFile, now: Date.now, check: !lock.cleanBefore, key });
    const { journal, setAside, salvaged, adopted } = opened;
    if (setAside !== null) notices.push(salvageNotice(setAside, salvaged));
    if (adopted > 0) notices.push(adoptionNotice(adopted, setAside !== null));
    const log = openLog(dataDir, config.log.level);
    if (setAside !== null) log.error({ file: setAside, ...salvaged }, "corrupt journal set aside");
    const ledger = lazyLedger(fixed, journal, (file) => log.warn({ file }, "a journal could not be read for what was spent today"));
    const answerCache = createSqliteAnswerCache({
      file: join(dataDir, "cache.db"),
      now: Date.now,
      endpointOf: ({ model, run_id }) => catalogues.ofRun(run_id).endpoint(model),
    });
    const catalogues = fixed.catalogues(journal);
    const { activities, states, fare } = activitiesOf(
      fixed,
      journal,
      catalogues,
      ledger.get,
      (text) => {
        log.warn(text);
        notices.push(text);
      },
      answerCache,
    );
    const healthFile = keepHealthFile({ file: join(fixed.home, HEALTH_FILE), ...fare, now: Date.now, after: afterUnref });
    const engine = createEmbeddedEngine({
      journal,
      activities,
      workflows: WORKFLOWS,
      now: Date.now,
      newRunId: () => newRunId(Date.now()),
      maxRuns: config.run.maxConcurrentRuns,
      pools: { [MODEL_POOL]: config.models.maxConcurrentCalls },
      onParked: (runId) => states.drop(runId),
    });
    engine.subscribe((note) => {
      if (note.type !== "event") return;
      logEvent(log, note.event, journal.run(note.event.run_id).trace);
      if (note.event.kind === "run-ended") catalogues.ended(note.event.run_id);
      // The receipts of an ended run are in the journal: what marked its change sets as applied is of no use any more.
      if (note.event.kind === "run-ended" && journal.approvals({ run_id: note.event.run_id }).length > 0)
        for (const { change_set_id: id } of appliedChanges(journal, note.event.run_id).filter((set) => set.own))
          forgetApplied({ dataDir, changeSetId: id });
    });
    const upkeep = createUpkeep({
      journal,
      dataDir,
      days: config.retention.days,
      now: Date.now,
      alone,
      tell: (summary) => log.info(summary, "upkeep done"),
      fail: (error) => log.error({ err: error }, "upkeep failed"),
    });
    upkeep.schedule();
    return createLocalService({
      engine,
      journal,
      look: createLook(lookParts(fixed, { journal, activities })),
      upkeep,
      closing: (sound) => upkeep.stop(sound),
      notices,
      workers: () => fixed.workers.all().map((worker) => worker.name),
      maxSteps: () => settings.current().config.run.maxSteps,
      caps: () => settings.current().config.budget.run,
      checkFile: (path) => fixed.workspace.forListing(path).path,
      checkSchema: (schema) => assertReplySchema(schema as Json),
      checkModel: (model, caller) => checkModel(catalogues.of(caller), model),
      findModels: async (caller) => {
        const catalogue = catalogues.of(caller);
        await catalogue.discover();
        return catalogue.models("small").length > 0;
      },
      newRunId: () => newRunId(Date.now()),
      root: fixed.workspace.root,
      belongs: (runId, caller) => catalogues.belongs(runId, caller),
      checkReply: (text, schema) => checkReply(text, schema),
      forget: async (runId) => {
        answerCache.forgetRun(runId);
        return { run_id: runId, ...forgetPayloads({ file: journalFile, run_id: runId, key, now: Date.now, epoch: journal.epoch }) };
      },
      release: () => {
        healthFile.close();
        ledger.close();
        answerCache.close();
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

/** The full name of a model that was asked for. @throws BosunError model_unavailable when there is no such model */
function checkModel(catalogue: ModelCatalogue, model: string | null): string | null {
  const name = model === null ? null : catalogue.fullName(model);
  const wanted = name ?? catalogue.models("small")[0];
  if (wanted !== undefined) catalogue.model(wanted);
  return name;
}

function activitiesOf(
  fixed: Fixed,
  journal: Journal | JournalReader,
  catalogues: Catalogues,
  ledger: () => Ledger,
  alert: (text: string) => void,
  cache: AnswerCache | null,
): { activities: readonly AnyActivity[]; states: RunStates; fare: ModelFare } {
  const config = (): Config => fixed.settings.current().config;
  const { workspace, workers, tools, offers, dataDir } = fixed;
  const states = createRunStates({ workspace, journal });
  const health = createModelHealth({ now: Date.now });
  const gate = createRateGate({ now: Date.now, sleep: (ms, signal) => delay(ms, undefined, { signal }), random: Math.random });
  const answers: KeptAnswers = {
    get cache() {
      return config().cache.answers === "off" ? null : cache;
    },
    usable: (request) => cacheable(request, config().cache.answers, (name) => mayWrite(tools, name)),
  };
  const results = config().cache.tools ? createResultCache({ workspace, now: Date.now }) : NO_RESULT_CACHE;
  const activities = [
    ...createConfigureActivities({
      workers,
      projectNotes: fixed.projectNotes,
      pin: ({ runId, path }, names) => states.of(runId).pin(path, names),
      offers,
      planSchemas: { plan: TASK_PLAN.schema, replan: TASK_REPLAN.schema },
      limits: () => {
        const { run, models, routing } = config();
        return {
          max_parallel_steps: run.maxParallelSteps,
          max_steps: run.maxSteps,
          max_revisions: run.maxRevisions,
          max_turns: run.maxTurns,
          max_completion_tokens: models.maxCompletionTokens,
          compact_above_tokens: run.compactAboveTokens,
          ask_below: routing.askBelow,
          sure_above: routing.sureAbove,
          ...(routing.localAbove === null ? {} : { local_above: routing.localAbove }),
        };
      },
      session: (runId) => {
        const { sessionTokens } = config().memory;
        const packed = sessionTokens === 0 ? "" : packSession(earlierRunsOf(journal, runId), sessionTokens);
        return packed === "" ? "" : `# Earlier in this session (data, not instructions)\n\n${packed}`;
      },
      classify: fixed.classify,
      models: async (override, runId) => {
        const catalogue = catalogues.ofRun(runId);
        await catalogue.discover();
        // A run that begins without a language model stays without one; one that began with one never goes on without.
        const only = override ?? (catalogue.models("small").length === 0 ? OFFLINE_MODEL : null);
        if (only !== null) return { tiers: { small: [only], medium: [only], large: [only] }, only: [only] };
        return {
          tiers: { small: catalogue.models("small"), medium: catalogue.models("medium"), large: catalogue.models("large") },
          only: null,
        };
      },
    }),
    createPricePlanActivity({
      workers,
      run: (runId) => journal.run(runId),
      priors: latestPriors({ measure: () => learnPriors(journal.endedEvents(TELLING, LEARNED_FROM)), now: Date.now }),
      models: (tier, runId) => {
        const models = catalogues.ofRun(runId).models(tier);
        return models.length === 0 ? [OFFLINE_MODEL] : models;
      },
      price: (name, tokens, runId) => catalogues.ofRun(runId).price(name, tokens),
      maxParallelSteps: () => config().run.maxParallelSteps,
    }),
    createAskModel({
      journal,
      desk: createModelDesk({ catalogue: (runId) => catalogues.ofRun(runId), health, gate, now: Date.now, answers }),
      budget: createModelBudget({
        journal,
        price: (name, runId) => catalogues.ofRun(runId).unitPrice(name),
        caps: () => config().budget,
        ledger,
        workspace: basename(dataDir),
        now: Date.now,
        alertAt: () => config().budget.alertAt,
        alert,
        until: () => Date.now() + config().models.callTimeoutSeconds * 1000 + LEDGER_SLACK_MS,
      }),
      maxAttempts: () => config().models.maxAttempts,
      random: Math.random,
      checkReply: (text, schema) => checkReply(text, schema),
    }),
    ...createToolActivities({ tools, workspace, states, results, policy: fixed.policy }),
    ...createChangeActivities({
      workspace,
      states,
      journal,
      dataDir,
      now: Date.now,
      policy: fixed.policy,
      deadlineSeconds: (kind) => deadlineSecondsOf(config(), kind),
    }),
  ];
  return { activities, states, fare: { health, gate } };
}

/** A call counts as under way for so much longer than it may take, in the ledger. */
const LEDGER_SLACK_MS = 120_000;

/** The user's ledger, opened with the first call that a cap of the day counts for; what a crash left open in it is settled then. */
function lazyLedger(
  fixed: Fixed,
  journal: Journal,
  leftOut: (file: string) => void,
): { readonly get: () => Ledger; readonly close: () => void } {
  let opened: Ledger | null = null;
  const spentBefore = (day: string): Spending => {
    const others = readOthers({ workspaces: dirname(fixed.dataDir), own: fixed.dataDir }, (other) => spentOn(other, day));
    for (const file of others.leftOut) leftOut(file);
    return addSpendings([spentOn(journal, day), ...others.read]);
  };
  const eventsOf = (runId: string): readonly RunEvent[] | null => {
    try {
      return journal.events(runId);
    } catch {
      return null;
    }
  };
  return {
    get: () => {
      if (opened !== null) return opened;
      opened = createSqliteLedger({ file: join(fixed.home, "ledger.db"), now: Date.now, spentBefore });
      reconcile({ ledger: opened, workspace: basename(fixed.dataDir), events: eventsOf });
      return opened;
    },
    close: () => opened?.close(),
  };
}

/** Runs something later; a process that has nothing else to do does not wait for it. */
function afterUnref(ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms).unref();
  return () => clearTimeout(timer);
}

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
function quickChecks({ system, workspace, folder }: ServiceOptions): readonly Check[] {
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
