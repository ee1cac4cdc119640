/** The looking half of the service: needs no lock and no engine, so it works beside a process that owns the data folder. */
import { BosunError } from "../../shared/errors.ts";
import { replayRun } from "../engine/replay-run.ts";
import type { AnyActivity } from "../engine/activity.ts";
import type { AnyDurableFunction } from "../engine/run-instance.ts";
import { missingPayload } from "../journal/payload-refs.ts";
import type { JournalReader, UsageSum } from "../journal/port.ts";
import type { ReadOthers } from "../journal/read-others.ts";
import type { ApprovalDetail } from "../../shared/reports.ts";
import type { ReplayReport, Service } from "../service.ts";
import { otlpTraceOf, type TracedRun } from "../telemetry/otlp-trace.ts";
import { divisibleFiles } from "../changes/amend.ts";
import { auditOf } from "./audit.ts";
import { compareRuns } from "./compare-runs.ts";
import type { RunToCompare } from "./compare-runs.ts";
import { outcomesOf } from "./outcomes.ts";
import { proposalsOf } from "./change-sets.ts";
import type { Integrity } from "./integrity.ts";
import { approvalViewOf, runViewOf } from "./run-view.ts";
import { usageOfJournal, usageReport } from "./usage.ts";
import { orRemoved, REMOVED } from "./words.ts";

export type Look = Pick<
  Service,
  "getRun" | "exportTrace" | "compare" | "listRuns" | "usage" | "findRun" | "listApprovals" | "getApproval" | "audit" | "replay"
> &
  Integrity;

const DEFAULT_LIMIT = 20;

export interface LookParts {
  readonly journal: JournalReader;
  readonly activities: readonly AnyActivity[];
  readonly workflows: readonly { readonly name: string; readonly fn: AnyDurableFunction }[];
  readonly integrity: Integrity;
  /** Reads the journals of the user's other workspaces. */
  readonly readOthers: <T>(read: (journal: JournalReader) => T) => ReadOthers<T>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export function createLook({ journal, activities, workflows, integrity, readOthers, now }: LookParts): Look {
  return {
    ...integrity,
    getRun: (runId, include = []) => runViewOf(journal, journal.run(runId), include),
    exportTrace: (runId, version) => {
      const { trace, ...run } = runViewOf(journal, journal.run(runId), ["trace"]);
      if (trace === undefined) throw new BosunError("internal", `run ${runId} has no trace`);
      return otlpTraceOf({ ...run, trace, ...origins(journal, runId) }, version);
    },
    compare: (runId, otherId) => {
      if (otherId !== null) return compareRuns(toCompare(journal, runId), toCompare(journal, otherId));
      const { parent } = journal.run(runId);
      if (parent === null)
        throw new BosunError("invalid_input", `run ${runId} was not started from another one: name the run to compare it with`);
      return compareRuns(toCompare(journal, parent.run_id), toCompare(journal, runId));
    },
    listRuns: (filter = {}) => journal.runs({ limit: DEFAULT_LIMIT, ...filter }).map((fold) => runViewOf(journal, fold, [])),
    usage: (request) => {
      const sums = (from: JournalReader): readonly UsageSum[] => usageOfJournal(from, request, now());
      const others = request.all ? readOthers(sums) : { read: [], leftOut: [] };
      return usageReport([sums(journal), ...others.read], request, others.leftOut);
    },
    findRun: (idOrPrefix) => {
      const found = journal.runsWithPrefix(idOrPrefix, 10);
      if (found.includes(idOrPrefix)) return idOrPrefix;
      if (found.length > 1) throw new BosunError("invalid_input", `${idOrPrefix} is the beginning of several runs: ${found.join(", ")}`);
      const [only] = found;
      if (only === undefined || idOrPrefix === "") throw new BosunError("not_found", `no run ${idOrPrefix}: \`bosun runs\` lists them`);
      return only;
    },
    listApprovals: (filter = {}) => journal.approvals({ ...filter, open: true }).map(approvalViewOf),
    getApproval: (approvalId): ApprovalDetail => {
      const row = journal.approval(approvalId);
      if (row === null) throw new BosunError("not_found", `no approval ${approvalId}: \`bosun approvals\` lists what is open`);
      const proposal = proposalsOf(journal, journal.events(row.run_id)).find((each) => each.change_set_id === row.request.change_set_id);
      const divisible = proposal === undefined ? [] : orRemoved(() => divisibleFiles(proposal.changes.value, journal.blobs), []);
      return { approval: approvalViewOf(row), diff: proposal?.diff.value ?? REMOVED, digest: row.request.digest, divisible };
    },
    audit: (filter = {}) => auditOf(journal, filter.run_id ?? null),
    replay: async (runId): Promise<ReplayReport> => {
      const name = journal.run(runId).workflow;
      const workflow = workflows.find((each) => each.name === name);
      if (workflow === undefined) throw new BosunError("internal", `this Bosun has no workflow ${name}`);
      const table = new Map(activities.map((activity) => [activity.name, activity]));
      const result = await replayRun({ runId, journal, activities: table, fn: workflow.fn }).catch((error: unknown) => error as Error);
      if (result instanceof Error || !result.ok) throwIfRemoved(journal, runId);
      if (result instanceof Error) throw result;
      return result.ok ? { ok: true, events: result.events } : { ok: false, events: result.events, divergence: result.divergence };
    },
  };
}

function toCompare(journal: JournalReader, runId: string): RunToCompare {
  const { trace, changes, ...view } = runViewOf(journal, journal.run(runId), ["trace", "changes"]);
  if (trace === undefined || changes === undefined) throw new BosunError("internal", `run ${runId} cannot be looked at`);
  return { view: { ...view, trace, changes }, outcomes: outcomesOf(journal.blobs, journal.events(runId)) };
}

/** A run without its payloads cannot be driven again, which is no divergence. @throws BosunError not_found */
function throwIfRemoved(journal: JournalReader, runId: string): void {
  const { blobs } = journal;
  const missing = missingPayload(journal.events(runId), (hash) => (blobs.has(hash) ? blobs.get(hash) : null));
  if (missing === null) return;
  const removal = journal.removal(runId);
  if (removal === "forgotten") throw forgotten(runId, "replayed");
  if (removal === "lost")
    throw new BosunError(
      "not_found",
      `run ${runId} is not replayable: payload ${missing.slice(0, 12)} was lost when the journal was corrupt`,
    );
  throw new BosunError(
    "not_found",
    `run ${runId} is not replayable: payload removed (${missing.slice(0, 12)}). \`bosun verify ${runId}\` says whether it was forgotten`,
  );
}

/** @param what cannot be done with it any more: `replayed` */
export function forgotten(runId: string, what: string): BosunError {
  return new BosunError("not_found", `run ${runId} was forgotten; it cannot be ${what}`);
}

/** The traces that a run, and the one it came from, are part of, as far as they are not their own. */
function origins(journal: JournalReader, runId: string): Pick<TracedRun, "origin" | "parentOrigin"> {
  const { trace, parent } = journal.run(runId);
  const known = parent !== null && journal.runsWithPrefix(parent.run_id, 1).length > 0;
  const parentTrace = known ? journal.run(parent.run_id).trace : undefined;
  return { ...(trace === undefined ? {} : { origin: trace }), ...(parentTrace === undefined ? {} : { parentOrigin: parentTrace }) };
}
