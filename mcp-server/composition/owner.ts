/** The service of the process that owns the data folder: lock, journal, engine, ledger, caches. */
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Json } from "../../shared/durable.ts";
import type { RunEvent } from "../../shared/events.ts";
import { MODEL_POOL } from "../activities/ask-model.ts";
import { appliedChanges } from "../activities/changes.ts";
import type { Ledger } from "../budget/ledger.ts";
import { reconcile } from "../budget/reconcile.ts";
import { addSpendings, type Spending } from "../budget/scopes.ts";
import { createSqliteLedger } from "../budget/sqlite-ledger.ts";
import { forgetApplied } from "../changes/manifest.ts";
import { createEmbeddedEngine } from "../engine/embedded-engine.ts";
import { takeOwnerLock } from "../journal/owner-lock.ts";
import type { Journal } from "../journal/port.ts";
import { readOthers } from "../journal/read-others.ts";
import { openSigningKey } from "../journal/signing-key.ts";
import { forgetPayloads } from "../journal/sqlite-forget.ts";
import { createSqliteJournal } from "../journal/sqlite-journal.ts";
import { openRows } from "../journal/sqlite-rows.ts";
import type { ModelCatalogue } from "../models/catalogue.ts";
import type { Caller } from "../models/catalogues.ts";
import { HEALTH_FILE, keepHealthFile } from "../models/health-file.ts";
import { assertReplySchema, checkReply } from "../models/reply-schema.ts";
import { createSqliteAnswerCache } from "../models/sqlite-answer-cache.ts";
import { makePrivateFolder } from "../private-folder.ts";
import { createLocalService, type OwnerService } from "../service/local-service.ts";
import { createLook } from "../service/look.ts";
import { newRunId } from "../service/run-ids.ts";
import { adoptionNotice, salvageNotice } from "../service/salvage-notice.ts";
import { createUpkeep } from "../service/upkeep.ts";
import { spentOn } from "../service/usage.ts";
import { logEvent, openLog } from "../telemetry/log.ts";
import { activitiesOf } from "./activities.ts";
import type { Fixed } from "./fixed.ts";
import { WORKFLOWS, lookParts } from "./look.ts";

export function openOwner(fixed: Fixed, notices: string[], alone: () => boolean): (caller: Caller) => OwnerService {
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
export function signerOf(file: string): string | null {
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
