/** The composition root: with `composition/` the only place where a port meets the technology behind it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { quickChecks } from "./composition/checks.ts";
import { type ServiceOptions, fix } from "./composition/fixed.ts";
import { type OpenedLook, openLook } from "./composition/look.ts";
import { openOwner } from "./composition/owner.ts";
import { policyDeskOf } from "./composition/policy.ts";
import { createLiveConfig } from "./config/live-config.ts";
import { loadConfig, configFiles } from "./config/load-config.ts";
import { userFolders, workspaceDataFolder } from "./config/paths.ts";
import { socketPath } from "./daemon/endpoint.ts";
import { serveDaemon } from "./daemon/serve-daemon.ts";
import { isOwned } from "./journal/owner-lock.ts";
import { type HttpOptions, serveMcpHttp } from "./mcp/serve-http.ts";
import { serveMcp } from "./mcp/serve-mcp.ts";
import type { Caller } from "./models/catalogues.ts";
import { callerOf, handedOver } from "./models/handed-over.ts";
import { readPageAssets } from "./page/page-assets.ts";
import { createPageDesk, type PageDesk } from "./page/page-desk.ts";
import { explainFolder, makePrivateFolder } from "./private-folder.ts";
import { routeTask, type RouteParts } from "./routing/route-task.ts";
import { createSqliteRouteCache } from "./routing/sqlite-route-cache.ts";
import type { Lender, Service } from "./service.ts";
import type { OwnerService } from "./service/local-service.ts";
import { createLook } from "./service/look.ts";
import { dryRun } from "./service/upkeep.ts";
import { withApprovals } from "./service/verify-approvals.ts";
import { openLog } from "./telemetry/log.ts";

/** What does the work is one bundle, entered here. */
export { examineHere } from "./composition/checks.ts";

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
