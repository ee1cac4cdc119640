/**
 * The service of a workspace as the command line has it: what only looks reads the journal beside the daemon, what drives a run is the
 * daemon's to do, and one is started for that. What only touches a run goes to the daemon where one runs.
 */
import { resolve } from "node:path";
import type { ControlMethod, ControlParams } from "../../shared/control.ts";
import type { ControlResult } from "../../shared/control-results.ts";
import type { ErrorValue } from "../../shared/errors.ts";
import type { RunRequest, Service } from "../service.ts";
import type { ControlClient } from "../../client/control-client.ts";

export interface RemoteOptions {
  /** Reads the workspace's journal, and does by itself what needs no daemon. */
  readonly local: Service;
  /** Null: no daemon runs so far. */
  readonly running: ControlClient | null;
  /** Starts one. @throws BosunError when none comes up */
  readonly start: () => Promise<ControlClient>;
  /** `provider:model` for all tiers of what is started here. */
  readonly model?: string;
  /** Folder from which the caller's relative paths start; the daemon has one of its own. */
  readonly folder: string;
}

export function createRemoteService({ local, running, start, model, folder }: RemoteOptions): Service {
  let client = running;
  let starting: Promise<ControlClient> | null = null;
  const driver = async (): Promise<ControlClient> => {
    if (client !== null) return client;
    starting ??= start();
    client = await starting;
    return client;
  };
  const absolute = (name: string): string =>
    name.startsWith("scripted:") ? `scripted:${resolve(folder, name.slice("scripted:".length))}` : name;
  const withModel = (request: RunRequest): RunRequest & { readonly model?: string } => {
    const wanted = request.model ?? model;
    return wanted === undefined ? request : { ...request, model: absolute(wanted) };
  };
  /** As it goes over the wire: what is JSON here is checked there. */
  const wire = (request: RunRequest): never => withModel(request) as never;
  const ask = async <M extends ControlMethod>(method: M, params: ControlParams<M>): Promise<ControlResult<M>> =>
    (await driver()).call(method, params);
  return {
    ...local,
    get notices() {
      return local.notices;
    },
    get owned() {
      return client !== null || local.owned;
    },
    lasting: true,
    get broken(): ErrorValue | null {
      return client?.lost ?? local.broken;
    },
    // What only touches a run, or none, needs no daemon.
    cancel: async (runId) => (client === null ? local.cancel(runId) : void (await client.call("runs.cancel", { run_id: runId }))),
    pause: async (runId) => (client === null ? local.pause(runId) : void (await client.call("runs.pause", { run_id: runId }))),
    tell: async (runId, data) =>
      client === null ? local.tell(runId, data) : void (await client.call("runs.tell", { run_id: runId, data: data as never })),
    plan: async (request) => (client === null ? local.plan(request) : client.call("runs.plan", wire(request))),
    route: async (task, asked) =>
      client === null ? local.route(task, asked) : client.call("tasks.route", { task, model: asked === null ? null : absolute(asked) }),
    forget: async (runId) => (client === null ? local.forget(runId) : client.call("runs.forget", { run_id: runId })),
    gc: async (request) => (client === null || request.dry_run ? local.gc(request) : client.call("upkeep.gc", { ...request })),
    rebuild: async () => (client === null ? local.rebuild() : client.call("upkeep.rebuild", {})),
    // What drives one does.
    findModels: async () => ask("models.find", {}),
    startRun: async (request) => ask("runs.start", wire(request)),
    settled: async (runId) => ask("runs.settled", { run_id: runId }),
    subscribe: (runId, listener) => {
      if (client !== null) return client.subscribe(runId, listener);
      let off: (() => void) | null = null;
      let over = false;
      // That none comes up is told where the run is waited for.
      driver().then(
        (reached) => {
          if (!over) off = reached.subscribe(runId, listener);
        },
        () => undefined,
      );
      return () => {
        over = true;
        off?.();
      };
    },
    resume: async (runId, budget) => void (await ask("runs.resume", { run_id: runId, ...(budget === undefined ? {} : { budget }) })),
    fork: async (runId, { model: wanted, ...request }) =>
      ask("runs.fork", { run_id: runId, ...request, ...(wanted === undefined ? {} : { model: absolute(wanted) }) }),
    settleEffect: async (runId, effectId, decision) => void (await ask("effects.settle", { run_id: runId, effect_id: effectId, decision })),
    answer: async (runId, questionId, answer) => void (await ask("runs.answer", { run_id: runId, question_id: questionId, answer })),
    revert: async (runId) => ask("runs.revert", { run_id: runId }),
    decide: async (approvalId, decision) => void (await ask("approvals.decide", { ...decision, approval_id: approvalId, channel: "cli" })),
    // The daemon took them up when it began.
    recover: () => Promise.resolve([]),
    close: async () => {
      client?.close();
      await local.close();
    },
  };
}
