/** What a recorded run is made from: a fake world, and what the person does. */
import { gate, turns } from "../support/bare-engine.ts";
import type { Gate } from "../support/bare-engine.ts";
import { plan, textOf } from "../support/fake-crew.ts";
import type { Bench, FakeReply, FakeWorld, PlanTuple } from "../support/fake-crew.ts";
import type { TaskInput } from "../../mcp-server/supervisor/make-plan.ts";

export interface Scenario {
  /** A function where the fakes wait for each other: a new world for each recording. */
  readonly world: FakeWorld | (() => FakeWorld);
  /** Default: `task`. A revert is of a run that the fake world knows nothing about. */
  readonly workflow?: "task" | "plan" | "revert";
  readonly input?: Partial<TaskInput>;
  /** What the person does while the run waits; called until the run has ended. */
  act?(at: Bench, runId: string, clock: Clock): void | Promise<void>;
}

/** The run's clock: the real one, and what was skipped. */
export interface Clock {
  skip(ms: number): void;
}

export type Scenarios = Readonly<Record<string, Scenario>>;

export type Request = Parameters<FakeWorld["model"]>[0];

export const giveUp = { tool_calls: [{ name: "give_up", arguments: { reason: "it cannot be done so" } }] };
export const write = { tool_calls: [{ name: "write_file", arguments: { path: "a.txt", content: "x" } }] };
export const two = reads("a", "b");

/** One turn that reads these files. */
export function reads(...paths: readonly string[]): { tool_calls: { name: string; arguments: unknown }[] } {
  return { tool_calls: paths.map((path) => ({ name: "read_file", arguments: { path } })) };
}

export function replan(keep: readonly string[], ...steps: PlanTuple[]): { json: unknown } {
  return { json: { ...(plan(...steps).json as object), keep } };
}

/** Id of the step that a worker is asked about, from its goal: fakes must not remember anything. */
export function stepOf(request: Request): string {
  const packet = request.transcript.items[1];
  return /goal of (\S+)/u.exec(packet === undefined ? "" : textOf(packet))?.[1] ?? "";
}

/** A model from one reply, or one function, for each purpose. What is left out gives a short text. */
export function crew(
  replies: Partial<Record<Request["purpose"], FakeReply | ((request: Request) => FakeReply | Promise<FakeReply>)>>,
): Pick<FakeWorld, "model"> {
  return {
    model: (request) => {
      const reply = replies[request.purpose] ?? { content: `report of ${request.worker ?? request.purpose}` };
      return typeof reply === "function" ? reply(request) : reply;
    },
  };
}

/** A worker's replies turn by turn; then it reports. */
export function inTurn(...replies: readonly FakeReply[]): (request: Request) => FakeReply {
  return (request) => replies[request.turn - 1] ?? { content: `report of ${stepOf(request)}` };
}

/** Decides about every open approval. @param reason of a rejection; null for none */
export function decide(decision: "approve" | "reject", reason: string | null = "not like this"): NonNullable<Scenario["act"]> {
  return (at, runId) => {
    for (const { request } of at.journal.approvals({ run_id: runId, open: true })) {
      at.engine.signal(runId, `approval:${request.approval_id}`, {
        decision,
        digest: request.digest,
        reason: decision === "reject" && reason !== null ? at.engine.keep(reason) : null,
        channel: "cli",
        assurance: "terminal",
      });
    }
  };
}

/** Answers every open question. */
export function answer(text: string): NonNullable<Scenario["act"]> {
  return (at, runId) => {
    for (const wait of Object.values(at.journal.run(runId).waits)) {
      if (wait.about.for === "answer") at.engine.signal(runId, wait.name, at.engine.keep(text));
    }
  };
}

/** Resumes whatever is held. */
export const resume: NonNullable<Scenario["act"]> = (at, runId) => at.engine.resume(runId, "person");

/** Points that a run passes, for fakes that wait for each other: no clock decides what comes first. */
export interface Points {
  pass(name: string): void;
  /** Resolves once the point was passed and all that follows from it without more ado has happened. */
  passed(name: string): Promise<void>;
}

export function points(): Points {
  const gates = new Map<string, Gate<unknown>>();
  const gateOf = (name: string): Gate<unknown> => {
    const made = gates.get(name) ?? gate();
    gates.set(name, made);
    return made;
  };
  return {
    pass: (name) => gateOf(name).open(undefined),
    passed: async (name) => {
      await gateOf(name).passed;
      await turns(50);
    },
  };
}
