/** The service of a workspace whose daemon runs: what only looks reads the journal beside it, all else is the daemon's to do. */
import { resolve } from "node:path";
import type { ErrorValue } from "../../shared/errors.ts";
import type { ForgetReport, GcSummary, PlanReport, RunRequest, Service } from "../service.ts";
import type { Route } from "../../shared/routing.ts";
import type { RunView } from "../../shared/run-view.ts";
import type { ControlClient } from "./control-client.ts";

export interface RemoteOptions {
  /** Reads the workspace's journal; must never be asked to drive anything. */
  readonly local: Service;
  readonly client: ControlClient;
  /** `provider:model` for all tiers of what is started here. */
  readonly model?: string;
  /** Folder from which the caller's relative paths start; the daemon has one of its own. */
  readonly folder: string;
}

export function createRemoteService({ local, client, model, folder }: RemoteOptions): Service {
  const absolute = (name: string): string =>
    name.startsWith("scripted:") ? `scripted:${resolve(folder, name.slice("scripted:".length))}` : name;
  const withModel = (request: RunRequest): RunRequest & { readonly model?: string } => {
    const wanted = request.model ?? model;
    return wanted === undefined ? request : { ...request, model: absolute(wanted) };
  };
  /** As it goes over the wire: what is JSON here is checked there. */
  const wire = (request: RunRequest): never => withModel(request) as never;
  return {
    ...local,
    get notices() {
      return local.notices;
    },
    owned: true,
    lasting: true,
    get broken(): ErrorValue | null {
      return client.lost;
    },
    findModels: async () => (await client.call("models.find", {})) as boolean,
    startRun: async (request) => (await client.call("runs.start", wire(request))) as string,
    plan: async (request) => (await client.call("runs.plan", wire(request))) as PlanReport,
    settled: async (runId) => (await client.call("runs.settled", { run_id: runId })) as RunView,
    subscribe: (runId, listener) => client.subscribe(runId, listener),
    cancel: async (runId) => void (await client.call("runs.cancel", { run_id: runId })),
    pause: async (runId) => void (await client.call("runs.pause", { run_id: runId })),
    resume: async (runId, budget) =>
      void (await client.call("runs.resume", { run_id: runId, ...(budget === undefined ? {} : { budget }) })),
    tell: async (runId, data) => void (await client.call("runs.tell", { run_id: runId, data: data as never })),
    fork: async (runId, request) =>
      (await client.call("runs.fork", {
        run_id: runId,
        ...request,
        ...(request.model === undefined ? {} : { model: absolute(request.model) }),
      })) as string,
    settleEffect: async (runId, effectId, decision) =>
      void (await client.call("effects.settle", { run_id: runId, effect_id: effectId, decision })),
    answer: async (runId, questionId, answer) =>
      void (await client.call("runs.answer", { run_id: runId, question_id: questionId, answer })),
    revert: async (runId) => (await client.call("runs.revert", { run_id: runId })) as string,
    forget: async (runId) => (await client.call("runs.forget", { run_id: runId })) as ForgetReport,
    route: async (task, asked) => (await client.call("tasks.route", { task, model: asked === null ? null : absolute(asked) })) as Route,
    decide: async (approvalId, decision) => void (await client.call("approvals.decide", { approval_id: approvalId, ...decision })),
    // The daemon took them up when it began.
    recover: () => Promise.resolve([]),
    gc: async (request) => (request.dry_run ? local.gc(request) : ((await client.call("upkeep.gc", { ...request })) as GcSummary)),
    rebuild: async () => (await client.call("upkeep.rebuild", {})) as { readonly runs: number },
    close: async () => {
      client.close();
      await local.close();
    },
  };
}
