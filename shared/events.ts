/**
 * Events of the journal. The format is for ever: kinds and fields are added, never changed. What people, models and files say is never
 * in an event but in payloads named by hash, which can be forgotten without breaking the chain; events hold structure: ids, paths,
 * names of workers, tools and models, the one argument that names a tool call, numbers and hashes. Every event of a run is
 * `{seq, time, epoch, kind, path, cause, data}`, numbered from 1 without gaps and chained by hash.
 */
import type { TraceOrigin } from "./trace-context.ts";
import type { ErrorRecord, Json, Ref, SpanMark, Wait } from "./durable.ts";
import type { PlanStep } from "./plan.ts";
import type { ModelChoice } from "./model.ts";
import type { Reservation, Usage } from "./usage.ts";
import type { Risk } from "./change.ts";
import type { PolicyNote } from "./policy.ts";

/**
 * `read` and `idempotent` are simply run again after a crash; `paid` is settled at its reservation and tried once more;
 * `effect` is never repeated before its probe or a person said that it did not happen.
 */
export type ActivityKind = "read" | "idempotent" | "paid" | "effect";

/** A JSON value in the event, with references for what it quotes, or the hash of the blob that holds it when it is large. */
export type Payload = { readonly inline: Json } | { readonly ref: string };

export interface ApprovalRequest {
  readonly approval_id: string;
  /** The class: what kind of thing is permitted. */
  readonly kind: "write" | "delete" | "revert";
  readonly title: string;
  readonly risk: Risk;
  readonly reasons: readonly string[];
  readonly files: readonly string[];
  /** SHA-256 that binds the decision to exactly this content. */
  readonly digest: string;
  readonly change_set_id: string;
  readonly worker: string;
  /** Epoch milliseconds. */
  readonly expires_at: number;
  /** SHA-256 of how the files will be: what was applied can be held against it. Left out by older versions. */
  readonly post_state?: string;
  /** Left out when no rule had a say. With `allow` or `deny` in it nobody is asked: the request is decided with it. */
  readonly policy?: PolicyNote;
}

/** What says of a decision that a person made it, by where it was made: a terminal, a browser that Bosun itself opened, the editor. */
export const ASSURANCE_OF = { cli: "terminal", page: "browser", vscode: "editor" } as const;
export type DecisionChannel = keyof typeof ASSURANCE_OF;

/** A change set as the person wanted it: a part of it, or with their own version of a file. */
export interface AmendedChanges {
  /** Binds to exactly this content, as {@link ApprovalRequest.digest} does. */
  readonly digest: string;
  readonly post_state: string;
  /** Names the changes that are to be applied, */
  readonly changes: Ref;
  /** their unified diff, */
  readonly diff: Ref;
  /** and what the worker hears of it. */
  readonly told: Ref;
}

/** A person's decision, the payload of the signal `approval:<id>`; or, by a request's `policy`, that of a rule. */
export interface ApprovalDecision {
  readonly decision: "approve" | "reject";
  readonly digest: string;
  /** Names a text. */
  readonly reason: Ref | null;
  /** Where it was made, and what says that a person made it. */
  readonly channel: DecisionChannel | "policy";
  readonly assurance: (typeof ASSURANCE_OF)[DecisionChannel] | "rule";
  /** Of the channel `policy`: the rule in one line. */
  readonly rule?: string;
  /** Approved so, not as it was put up. */
  readonly amended?: AmendedChanges;
}

/** Caps of a run; what is left out is not capped. */
export interface Caps {
  readonly usd?: number;
  /** Prompt and completion together. */
  readonly tokens?: number;
  /** Active time: seconds during which at least one call was under way. Waiting for a person, a pause or a dead process is free. */
  readonly seconds?: number;
}

export const PRIORITIES = ["low", "normal", "high"] as const;
/** Which run is begun, and whose calls are made, first. No class waits for ever: see `FairQueue`. */
export type Priority = (typeof PRIORITIES)[number];

/** What a fork took over from its parent. */
export interface ForkOrigin {
  /** Events 2..copied were taken over: what they cost was charged to the parent, what they applied was applied by it. */
  readonly copied: number;
}

/** What a person says of an effect that cannot tell whether it happened: take it as done, do it again, or let it count as failed. */
export type EffectDecision = "happened" | "not_happened" | "give_up";

/** What an attempt of a paid call is let in with: what is set aside for it, and for a model call which model it is. */
export interface Admission {
  readonly reserve: Reservation;
  readonly choice?: ModelChoice;
}

/** A call in a trace: which kind of span it is, and its name. */
export interface CallLabel {
  readonly kind: "model" | "tool" | "memory" | "internal";
  /** `provider:model`, or the tool's name. */
  readonly name: string;
  /** The purpose of a model call, or the argument that matters of a tool call. */
  readonly note?: string;
  readonly worker?: string;
}

/** A step without its words. */
export type StepShape = Pick<PlanStep, "id" | "worker" | "depends_on" | "when">;

/** What is said in the steps, by step id. */
export type StepTexts = Readonly<Record<string, Pick<PlanStep, "goal" | "expects">>>;

/** Who made a plan: the caller, a model, the caller by naming the worker, or the local classifier that was sure of one. */
export type PlanSource = "caller" | "model" | "worker" | "classifier";

export interface EventData {
  "run-started": {
    readonly workflow: string;
    readonly version: number;
    /** Numbered changes of supervisor behaviour that this run was started with. */
    readonly flags: readonly number[];
    readonly session_id: string | null;
    readonly parent: { readonly run_id: string; readonly seq: number; readonly head: string } | null;
    readonly input: Payload;
    readonly budget?: Caps;
    /** Left out: normal. */
    readonly priority?: Priority;
    /** Somebody else's work asked for the run. */
    readonly trace?: TraceOrigin;
    /** Of a fork only. */
    readonly fork?: ForkOrigin;
  };
  "call-started": {
    readonly activity: string;
    readonly version: number;
    readonly kind: ActivityKind;
    readonly input_hash: string;
    readonly input: Payload;
    /** How the call is called in a trace. */
    readonly label: CallLabel;
    readonly reserve?: Reservation;
    readonly choice?: ModelChoice;
  };
  "attempt-started": { readonly attempt: number; readonly reserve?: Reservation; readonly choice?: ModelChoice };
  /** An attempt that began without a reservation, for it had to wait for one, has it now; only then is anything sent. */
  "attempt-admitted": { readonly attempt: number } & Admission;
  "attempt-ended": {
    readonly attempt: number;
    readonly reason: "lost" | "failed" | "cancelled";
    readonly error: ErrorRecord | null;
    readonly usage?: Usage;
    readonly note?: string;
  };
  /** `note` is what the activity wrote down for itself, such as which rule of a script answered. */
  "call-completed": { readonly attempt: number; readonly result: Payload; readonly usage?: Usage; readonly note?: string };
  "call-failed": { readonly attempt: number; readonly error: ErrorRecord; readonly usage?: Usage; readonly note?: string };
  "wait-started": { readonly name: string; readonly deadline: number | null; readonly about: Wait };
  "wait-expired": { readonly name: string };
  "signal-received": { readonly name: string; readonly payload: Payload };
  "span-opened": SpanMark;
  "span-closed": { readonly error: ErrorRecord | null };
  "plan-adopted": {
    readonly revision: number;
    readonly confidence: number | null;
    readonly complexity: number | null;
    readonly source: PlanSource;
    readonly keep: readonly string[];
    readonly steps: readonly StepShape[];
    /** Names a {@link StepTexts}. */
    readonly texts: Ref;
  };
  "step-skipped": { readonly step: string; readonly why: string };
  "step-cancelled": { readonly step: string; readonly why: string };
  "approval-requested": ApprovalRequest;
  /** Nobody is asked any more: the step that asked was dropped. */
  "approval-voided": { readonly approval_id: string };
  "cancel-requested": { readonly by: string };
  /** Nothing new begins until a resume; what is under way comes home, deadlines run on. */
  "pause-requested": { readonly by: string };
  /** Something the task is told while it is under way. */
  "event-received": { readonly payload: Payload };
  /** At the path of an effect's call: its probe cannot tell whether it happened. A person decides, or a later probe. */
  "effect-uncertain": { readonly attempt: number; readonly error: ErrorRecord };
  /** At the same path. The outcome (`call-completed`, `call-failed`, or a new attempt) follows it. */
  "effect-decided": { readonly attempt: number; readonly decision: EffectDecision; readonly by: string };
  /** Opens every hold and ends a pause. `budget` raises caps; what it leaves out stays. */
  "resume-requested": { readonly by: string; readonly budget?: Caps };
  /** The engine stopped the run (a divergence, an effect that is uncertain); a resume tries again. */
  "run-held": { readonly error: ErrorRecord };
  "run-recovered": { readonly epoch: number };
  "run-ended":
    | { readonly status: "completed"; readonly result: Payload }
    | { readonly status: "failed"; readonly error: ErrorRecord }
    | { readonly status: "cancelled"; readonly error: ErrorRecord };
}

export type EventKind = keyof EventData;

export type RunEvent = {
  [K in EventKind]: {
    readonly run_id: string;
    readonly seq: number;
    /** Epoch milliseconds; never earlier than that of the event before. */
    readonly time: number;
    /** Owner's epoch under which it was written. */
    readonly epoch: number;
    readonly kind: K;
    readonly path: string;
    /** For what the supervisor asked or recorded: `seq` of the event it answers; null for all else. */
    readonly cause: number | null;
    readonly data: EventData[K];
  };
}[EventKind];

export type EventOf<K extends EventKind> = Extract<RunEvent, { kind: K }>;

/** An event on its way into the journal: sequence, time, epoch and hash are given by the journal. */
export type NewEvent = {
  [K in EventKind]: { readonly kind: K; readonly path: string; readonly cause?: number; readonly data: EventData[K] };
}[EventKind];
