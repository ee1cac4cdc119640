/** The service in this process: engine and journal behind the port that all faces share. */
import { isDeepStrictEqual } from "node:util";
import type { Config } from "../../shared/config.ts";
import { type ApprovalDecision, ASSURANCE_OF, type Caps } from "../../shared/events.ts";
import { BosunError } from "../../shared/errors.ts";
import type { RunView } from "../../shared/run-view.ts";
import { parseTraceparent } from "../../shared/trace-context.ts";
import { givenStepsSchema } from "../../shared/plan.ts";
import type { PlanStep } from "../../shared/plan.ts";
import { createCodec } from "../engine/codec.ts";
import type { Engine } from "../engine/port.ts";
import type { Journal } from "../journal/port.ts";
import type { Caller } from "../models/catalogues.ts";
import { statusOf } from "../journal/fold-run.ts";
import type { RunFold } from "../journal/fold-run.ts";
import type { PlanReport } from "../../shared/reports.ts";
import type { EventBatch } from "../../shared/run-note.ts";
import type { Follow, PolicyDesk, RunRequest, Service, Upkeep } from "../service.ts";
import { checkPlan } from "../supervisor/check-plan.ts";
import type { TaskInput } from "../supervisor/make-plan.ts";
import { amendedBy } from "./amended-by.ts";
import { appliedChanges } from "../activities/changes.ts";
import { followEvents } from "./follow-events.ts";
import { forkOptionsOf } from "./fork.ts";
import type { ForkParts } from "./fork.ts";
import { approvalViewOf } from "./run-view.ts";
import { forgotten } from "./look.ts";
import type { Look } from "./look.ts";
import { runIdOfKey } from "./run-ids.ts";
import { createWords, orRemoved } from "./words.ts";

export interface LocalServiceParts {
  readonly engine: Engine;
  readonly journal: Journal;
  readonly look: Look;
  /** Names of the workers there are. */
  readonly workers: () => readonly string[];
  readonly maxSteps: () => number;
  /** Caps of every run, null for none: a request can only lower them, a person's resume raises them. */
  readonly caps: () => Config["budget"]["run"];
  /** Workspace-relative canonical path of a file that was named. @throws BosunError invalid_input, policy_denied */
  readonly checkFile: (path: string) => string;
  /** @throws BosunError invalid_input when the schema cannot be used */
  readonly checkSchema: (schema: unknown) => void;
  readonly checkReply: ForkParts["checkReply"];
  /** Canonical root of the workspace. */
  readonly root: string;
  /** The full name of the model asked for, null when none was. @throws BosunError model_unavailable when there is none to use */
  readonly checkModel: (model: string | null, caller: Caller) => string | null;
  readonly findModels: (caller: Caller) => Promise<boolean>;
  readonly newRunId: () => string;
  /** The run is driven with the caller's models from now on. */
  readonly belongs: (runId: string, caller: Caller) => void;
  readonly forget: Service["forget"];
  readonly notices: readonly string[];
  readonly upkeep: Upkeep;
  /** Called first when the service is closed. @param sound the engine could go on to the end */
  readonly closing: (sound: boolean) => void;
  readonly release: () => void | Promise<void>;
}

const MAX_TASK = 100_000;

/** What needs no owner is left out. */
export type OwnerService = Omit<Service, "route" | "workers" | "newWorker" | "importWorkers" | keyof PolicyDesk> & {
  /** See {@link followEvents}. */
  follow(after: number | null, listener: (batch: EventBatch) => void | Promise<void>): Follow;
};

/** The service as each caller has it: what they begin or resume is driven with their models. */
export function createLocalService(parts: LocalServiceParts): (caller: Caller) => OwnerService {
  const made = new WeakMap<Caller, OwnerService>();
  return (caller) => {
    const service = made.get(caller) ?? serviceOf(parts, caller);
    made.set(caller, service);
    return service;
  };
}

function serviceOf(parts: LocalServiceParts, caller: Caller): OwnerService {
  const { engine, journal, look } = parts;
  const words = createWords(journal.blobs);
  const codec = createCodec(journal.blobs, null);

  const checkWorker = (worker: string): void => {
    if (!parts.workers().includes(worker))
      throw new BosunError("invalid_input", `there is no worker ${JSON.stringify(worker)}; there are: ${parts.workers().join(", ")}`);
  };
  const checkModel = (model: string): string => parts.checkModel(model, caller) ?? model;
  const newRun = (runId = parts.newRunId()): string => {
    parts.belongs(runId, caller);
    return runId;
  };
  /** The run that the key stands for, if it was begun. @throws BosunError conflict when it is another task's */
  const begunWith = (runId: string, input: unknown): boolean => {
    if (!journal.runsWithPrefix(runId, 1).includes(runId)) return false;
    const before = orRemoved(() => codec.decode(journal.run(runId).input), null);
    if (before !== null && !isDeepStrictEqual(before, input))
      throw new BosunError("conflict", `this idempotency key stands for another task, that of run ${runId}: use a new key`);
    return true;
  };

  const startTask = (workflow: "task" | "plan", request: RunRequest): string => {
    const input = { ...taskInput(parts, request), model: parts.checkModel(request.model ?? null, caller) };
    const keyed = request.idempotency_key === undefined ? undefined : runIdOfKey(request.idempotency_key);
    if (keyed !== undefined) {
      // What is only staged is not found.
      engine.flush();
      if (begunWith(keyed, input)) return keyed;
    }
    const trace = parseTraceparent(request.traceparent);
    return engine.start({
      run_id: newRun(keyed),
      ...(trace === null ? {} : { trace }),
      workflow,
      session_id: request.session_id ?? null,
      input,
      ...budgetWithin(parts.caps(), request.budget),
      ...(request.priority === undefined ? {} : { priority: request.priority }),
    });
  };

  // Nobody is shown what is not on the medium yet.
  const service: OwnerService = {
    ...flushedFirst(look, engine),
    ...parts.upkeep,
    notices: parts.notices,
    owned: true,
    lasting: false,
    get broken() {
      return engine.broken;
    },
    findModels: () => parts.findModels(caller),
    startRun: async (request) => startTask("task", request),
    settled: async (runId) => {
      await engine.settled(runId);
      return service.getRun(runId);
    },
    subscribe: (runId, listener) =>
      engine.subscribe((note) => {
        if (note.type === "delta") {
          if (runId === null || note.run_id === runId) listener(note);
        } else if (runId === null || note.event.run_id === runId) {
          listener({ ...note, words: words.of(note.event) });
        }
      }),
    follow: (after, listener) => {
      engine.flush();
      const onWritten = (look: () => void): (() => void) => engine.subscribe((note) => void (note.type === "event" && look()));
      return followEvents({ journal, words, onWritten }, after, listener);
    },
    cancel: async (runId) => engine.cancel(runId, "person"),
    resume: async (runId, budget) => {
      if (budget !== undefined) refuseLower(journal.run(runId).budget, budget);
      parts.belongs(runId, caller);
      engine.resume(runId, "person", budget);
    },
    answer: async (runId, questionId, answer) => {
      if (answer.trim() === "") throw new BosunError("invalid_input", "the answer is empty");
      const waiting = Object.values(journal.run(runId).waits).some(
        ({ about }) => about.for === "answer" && about.question_id === questionId,
      );
      if (!waiting) throw new BosunError("not_found", `run ${runId} has no open question ${questionId}`);
      engine.signal(runId, `answer:${questionId}`, engine.keep(answer));
    },
    pause: async (runId) => engine.pause(runId, "person"),
    tell: async (runId, data) => {
      if (JSON.stringify(data).length > MAX_TASK)
        throw new BosunError(
          "invalid_input",
          `what is told has more than ${MAX_TASK} characters: put long material into a file and name it`,
        );
      if (typeof data === "string" && data.trim() === "") throw new BosunError("invalid_input", "there is nothing to tell");
      engine.event(runId, engine.keep(data));
    },
    fork: async (runId, request) => {
      if (journal.removal(runId) === "forgotten") throw forgotten(runId, "forked");
      const options = forkOptionsOf({ ...parts, checkTask, checkWorker, checkModel }, runId, request);
      return engine.fork(runId, { ...options, run_id: newRun() });
    },
    settleEffect: (runId, effectId, decision) => engine.decideEffect(runId, effectId, decision, "person"),
    revert: async (runId) => {
      const fold = journal.run(runId);
      if (fold.ended === null) throw new BosunError("conflict", `run ${runId} has not ended (${statusOf(fold)}): cancel it first`);
      if (journal.removal(runId) === "forgotten") throw forgotten(runId, "reverted");
      if (!appliedChanges(journal, runId).some((set) => set.own))
        throw new BosunError("conflict", `run ${runId} changed nothing on the disk`);
      const again = journal
        .children(runId)
        .find((child) => child.workflow === "revert" && (child.ended === null || appliedChanges(journal, child.run_id).length > 0));
      if (again !== undefined)
        throw new BosunError("conflict", `run ${runId} ${again.ended === null ? "is being" : "was"} put back by run ${again.run_id}`);
      // Nothing of what was said in the run: this one stays when that is forgotten.
      const task = `Put back what ${runId} changed`;
      return engine.start({
        run_id: newRun(),
        workflow: "revert",
        session_id: fold.session_id,
        input: { run_id: runId, task },
        parent: { run_id: runId, seq: fold.seq, head: journal.head(runId) },
      });
    },
    plan: (request) => planOnly(parts, () => startTask("plan", request)),
    decide: async (approvalId, { decision, digest, reason, channel = "cli", ...choice }) => {
      const row = journal.approval(approvalId);
      if (row === null) throw new BosunError("not_found", `no approval ${approvalId}: \`bosun approvals\` lists what is open`);
      if (row.status === "expired")
        throw new BosunError(
          "approval_expired",
          `${approvalId} expired at ${approvalViewOf(row).expires_at}: \`bosun resume ${row.run_id}\` asks again`,
        );
      if (row.status !== "open") throw new BosunError("conflict", `${approvalId} was decided already: ${row.status}`);
      if (row.request.digest !== digest)
        throw new BosunError("conflict", `${approvalId} is about other content than what was shown: look again`);
      const amended = decision === "approve" ? amendedBy(parts, row, choice, reason ?? null) : null;
      const payload: ApprovalDecision = {
        decision,
        digest,
        reason: reason === undefined ? null : engine.keep(reason),
        channel,
        assurance: ASSURANCE_OF[channel],
        ...(amended === null ? {} : { amended }),
      };
      engine.signal(row.run_id, `approval:${approvalId}`, payload);
    },
    forget: async (runId) => {
      engine.flush();
      return parts.forget(runId);
    },
    recover: async () => engine.recover(),
    close: async () => {
      parts.closing(engine.broken === null);
      await engine.close();
      await parts.release();
    },
  };
  return service;
}

function flushedFirst(look: Look, engine: Engine): Look {
  const first =
    <A extends readonly unknown[], R>(read: (...args: A) => R) =>
    (...args: A): R => {
      engine.flush();
      return read(...args);
    };
  return {
    getRun: first(look.getRun),
    exportTrace: first(look.exportTrace),
    compare: first(look.compare),
    listRuns: first(look.listRuns),
    usage: first(look.usage),
    findRun: first(look.findRun),
    listApprovals: first(look.listApprovals),
    getApproval: first(look.getApproval),
    audit: first(look.audit),
    replay: first(look.replay),
    verify: first(look.verify),
    verifyFile: look.verifyFile,
    exportRun: first(look.exportRun),
  };
}

/** The lower of what is configured and what is asked for. */
function budgetWithin(caps: Config["budget"]["run"], asked: Caps = {}): { readonly budget?: Caps } {
  const budget: Caps = Object.fromEntries(
    (["usd", "tokens", "seconds"] as const).flatMap((unit) => {
      const given = [caps[unit], asked[unit]].filter((cap) => cap !== null && cap !== undefined);
      return given.length === 0 ? [] : [[unit, Math.min(...given)]];
    }),
  );
  return Object.keys(budget).length === 0 ? {} : { budget };
}

/** A resume may raise a cap, not lower it: what is set aside already could not be taken back. */
function refuseLower(caps: RunFold["budget"], wanted: Caps): void {
  for (const unit of ["usd", "tokens", "seconds"] as const) {
    const [now, next] = [caps[unit], wanted[unit]];
    if (next === undefined) continue;
    if (!(next > 0)) throw new BosunError("invalid_input", `the budget in ${unit} must be a positive number`);
    if (now !== null && next <= now)
      throw new BosunError("invalid_input", `the run's budget is ${now} ${unit} already: a resume can only raise it`);
  }
}

function checkTask(task: string): void {
  if (task.trim() === "") throw new BosunError("invalid_input", "the task is empty: say what shall be done");
  if (task.length > MAX_TASK)
    throw new BosunError(
      "invalid_input",
      `the task has ${task.length} characters, at most ${MAX_TASK} are allowed: put long material into a file and name it`,
    );
  if (task.includes("\0")) throw new BosunError("invalid_input", "the task contains a NUL character");
}

function taskInput(parts: LocalServiceParts, request: RunRequest): Omit<TaskInput, "model"> {
  const task = request.task;
  checkTask(task);
  if (request.worker !== undefined && !parts.workers().includes(request.worker))
    throw new BosunError("invalid_input", `there is no worker ${JSON.stringify(request.worker)}; there are: ${parts.workers().join(", ")}`);
  if (request.worker !== undefined && request.steps !== undefined)
    throw new BosunError("invalid_input", "give either a worker or steps, not both");
  if (request.output_schema !== undefined) parts.checkSchema(request.output_schema);
  for (const [name, cap] of Object.entries(request.budget ?? {}))
    if (!(cap > 0)) throw new BosunError("invalid_input", `the budget in ${name} must be a positive number`);
  return {
    task,
    worker: request.worker ?? null,
    files: (request.files ?? []).map((file) => parts.checkFile(file)),
    context: request.context ?? null,
    steps: request.steps === undefined ? null : givenSteps(parts, request.steps),
    output_schema: request.output_schema ?? null,
  };
}

function givenSteps(parts: LocalServiceParts, steps: unknown): readonly PlanStep[] {
  const parsed = givenStepsSchema.safeParse(steps);
  if (!parsed.success)
    throw new BosunError(
      "invalid_input",
      `the steps do not fit: ${parsed.error.issues
        .slice(0, 5)
        .map((issue) => `${issue.path.join(".") || "steps"}: ${issue.message}`)
        .join("; ")}`,
    );
  const problems = checkPlan(parsed.data, { workers: parts.workers(), maxSteps: parts.maxSteps(), earlier: [], mayBeEmpty: false });
  if (problems.length > 0) throw new BosunError("invalid_input", `the plan cannot be carried out: ${problems.slice(0, 5).join("; ")}`);
  return parsed.data;
}

async function planOnly({ engine, journal, look }: LocalServiceParts, start: () => string): ReturnType<Service["plan"]> {
  const runId = start();
  await engine.settled(runId);
  const view = look.getRun(runId, ["plan"]);
  if (view.question !== null) {
    engine.cancel(runId, "plan");
    await engine.settled(runId);
    throw new BosunError("invalid_input", `the planner asks first: ${view.question.text} Say it in the task`);
  }
  if (view.status !== "completed") {
    if (journal.run(runId).ended === null) {
      engine.cancel(runId, "plan");
      await engine.settled(runId);
    }
    throw new BosunError(view.error?.code ?? "internal", view.error?.message ?? `planning ended ${view.status}`);
  }
  const plan = view.plan ?? null;
  const adopted = journal.events(runId).find((event) => event.kind === "plan-adopted");
  if (plan === null || adopted === undefined) throw new BosunError("internal", "planning ended without a plan");
  const { confidence, complexity } = adopted.data;
  return { plan, estimate: withoutActual(view.estimate), confidence, complexity };
}

/** Nothing of the plan was done. */
function withoutActual(estimate: RunView["estimate"]): PlanReport["estimate"] {
  if (estimate === null) return null;
  const { actual: _, ...reckoned } = estimate;
  return reckoned;
}
