/** What each method of the control protocol asks of the service. */
import type * as z from "zod";
import { CONTROL_METHODS, type ControlMethod, type ControlParams } from "../../shared/control.ts";
import { BosunError } from "../../shared/errors.ts";
import type { Service } from "../service.ts";

/** Methods that concern the connection or the daemon itself are left out. */
export type ServiceMethod = Exclude<
  ControlMethod,
  | "environment.set"
  | "page.open"
  | "models.lend"
  | "events.subscribe"
  | "events.unsubscribe"
  | "runs.subscribe"
  | "runs.unsubscribe"
  | "daemon.status"
  | "daemon.stop"
>;

const ACTS: { readonly [M in ServiceMethod]: (service: Service, params: ControlParams<M>) => Promise<unknown> } = {
  "models.find": (service) => service.findModels(),
  "runs.list": async (service, filter) => service.listRuns(filter),
  "runs.get": async (service, { run_id, include }) => service.getRun(run_id, include),
  "runs.find": async (service, { prefix }) => service.findRun(prefix),
  "runs.compare": async (service, { run_id, other_id }) => service.compare(run_id, other_id),
  "questions.list": async (service) =>
    service.listRuns({ status: "waiting_answer", limit: 1_000 }).map(({ run_id, task, question }) => ({ run_id, task, question })),
  "approvals.list": async (service, filter) => service.listApprovals(filter),
  "approvals.get": async (service, { approval_id }) => service.getApproval(approval_id),
  "usage.get": async (service, request) => service.usage(request),
  "workers.list": async (service) => service.workers(),
  "workers.new": async (service, request) => service.newWorker(request),
  "runs.start": (service, request) => service.startRun(request),
  "runs.plan": (service, request) => service.plan(request),
  "runs.settled": (service, { run_id }) => service.settled(run_id),
  "runs.cancel": (service, { run_id }) => service.cancel(run_id),
  "runs.pause": (service, { run_id }) => service.pause(run_id),
  "runs.resume": (service, { run_id, budget }) => service.resume(run_id, budget),
  "runs.tell": (service, { run_id, data }) => service.tell(run_id, data),
  "runs.answer": (service, { run_id, question_id, answer }) => service.answer(run_id, question_id, answer),
  "runs.revert": (service, { run_id }) => service.revert(run_id),
  "runs.forget": (service, { run_id }) => service.forget(run_id),
  "runs.fork": (service, { run_id, ...request }) => service.fork(run_id, request),
  "effects.settle": (service, { run_id, effect_id, decision }) => service.settleEffect(run_id, effect_id, decision),
  "approvals.decide": (service, { approval_id, ...decision }) => service.decide(approval_id, decision),
  "tasks.route": (service, { task, model }) => service.route(task, model),
  "upkeep.gc": (service, request) => service.gc(request),
  "upkeep.rebuild": (service) => service.rebuild(),
};

export function isServiceMethod(method: string): method is ServiceMethod {
  return Object.hasOwn(ACTS, method);
}

/** @throws BosunError invalid_input when the parameters do not fit, and what the service throws */
export async function dispatch(service: Service, method: ServiceMethod, params: unknown): Promise<unknown> {
  const act = ACTS[method] as (service: Service, params: unknown) => Promise<unknown>;
  const result = await act(service, readParams(method, params));
  // Who asked looks into the journal next: what was done must be there. Looking writes what is still on its way.
  service.listRuns({ limit: 1 });
  return result ?? null;
}

/** @throws BosunError invalid_input */
export function readParams<M extends ControlMethod>(method: M, params: unknown): ControlParams<M> {
  const parsed = (CONTROL_METHODS[method] as z.ZodType).safeParse(params ?? {});
  if (parsed.success) return parsed.data as ControlParams<M>;
  const issues = parsed.error.issues.slice(0, 5).map((issue) => `${issue.path.join(".") || "params"}: ${issue.message}`);
  throw new BosunError("invalid_input", `${method}: ${issues.join("; ")}`);
}
