/**
 * The language of durable functions: what a supervisor may say to an engine. Plain JSON in and out, activities by name, no
 * closure crosses the port, so the same supervisor runs on the embedded engine and on a distributed one.
 */
import type { ErrorCode, ErrorValue } from "./errors.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** What an expected failure is: a value, not an exception. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ErrorValue };

/** The name of a payload that is kept apart from the events: SHA-256 of its JSON, lower-case hex. */
export interface Ref {
  readonly $kept: string;
}

/**
 * A value stored once, under the SHA-256 of its JSON. In the journal only `{"$kept": hash}` appears; engine and activities
 * hand the value itself around.
 */
export interface Kept<T> extends Ref {
  readonly value: T;
}

/**
 * An append-only list stored as a chain of nodes, each the hash of the one before with the items added. In the journal only
 * `{"$chain": head}` appears, so a conversation that grows by a turn costs that turn and not its whole length again.
 */
export interface Chain<T> {
  readonly $chain: string;
  readonly items: readonly T[];
}

/** What a span stands for in the trace. */
export interface SpanMark {
  readonly kind: "step";
  readonly name: string;
  readonly worker: string;
}

/** An error as the journal has it: what was said may quote content, so it is kept apart. `message` names a text. */
export interface ErrorRecord {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly message: Ref;
}

/** What a wait is for. `hold` is opened again by a person's resume and shows `error` meanwhile; `question` names a {@link Question}. */
export type Wait =
  | { readonly for: "approval"; readonly approval_id: string }
  | { readonly for: "answer"; readonly question_id: string; readonly question: Ref }
  | { readonly for: "hold"; readonly error: ErrorRecord }
  | { readonly for: "timer" };

export interface Question {
  readonly text: string;
  readonly options: readonly QuestionOption[];
}

export interface QuestionOption {
  readonly value: string;
  readonly label: string;
}

/** How a wait for a signal ended. */
export type Signalled<T> = { readonly kind: "received"; readonly payload: T } | { readonly kind: "expired" };

/** Activities by name: `{ask_model: {input; output}}`. Inputs and outputs are JSON apart from `Kept` and `Chain`. */
export type ActivityTypes = Record<string, { readonly input: unknown; readonly output: unknown }>;

/**
 * The context of a durable function. Every method that waits is recorded under a path that is unique in the run; on replay and
 * recovery the recorded outcome is delivered in journal order. Nothing else may influence the function: no clock, no random
 * number, no I/O. It owns no resource and puts no meaning in `finally`, for a parked run is simply dropped.
 */
export interface DurableContext<A extends ActivityTypes> {
  readonly runId: string;
  /** Path of this branch, `""` for the run itself. */
  readonly path: string;
  /** Runs an activity. Path: `<branch>/<name>:<n>`, n counted from 0 per branch and name. `name` defaults to the activity's. */
  call<N extends keyof A & string>(activity: N, input: A[N]["input"], name?: string): Promise<Outcome<A[N]["output"]>>;
  /**
   * Waits for the one signal of this name, also when it came before anyone waited.
   * @param deadline epoch milliseconds; null waits for ever.
   */
  signal<T>(name: string, deadline: number | null, about: Wait): Promise<Signalled<T>>;
  /** Waits until the run's clock is at least `ms` milliseconds further. */
  sleep(ms: number): Promise<void>;
  /** Stops this branch with an error that a person sees, until the person resumes the run. */
  hold(error: ErrorValue): Promise<void>;
  /** What the task was told while under way, in order: all that was delivered so far. */
  events(): readonly unknown[];
  /** Was the run started with this numbered change of behaviour? */
  flag(number: number): boolean;
  /** Epoch milliseconds of the event delivered last. */
  now(): number;
  /** An id unique in all runs, derived from run, path and a counter: 16 lower-case hex digits. */
  id(): string;
  /** Runs `fn` under `<path>/<name>`. Two sibling branches of one name are an error. Leaves no event. */
  branch<T>(name: string, fn: (ctx: DurableContext<A>) => Promise<T>): Promise<T>;
  /** A branch whose start and end are recorded: a span of the trace, `error` when the outcome is not ok. */
  span<T>(name: string, mark: SpanMark, fn: (ctx: DurableContext<A>) => Promise<Outcome<T>>): Promise<Outcome<T>>;
  /** Records a fact that others read from the journal (a plan, an approval asked for). */
  record(kind: RecordKind, data: object): void;
  keep<T>(value: T): Kept<T>;
  /** A chain of these items, after `before` if given. */
  chain<T>(items: readonly T[], before?: Chain<T>): Chain<T>;
}

/** The facts a durable function may record; noun-verb, as all event kinds are. */
export type RecordKind = "plan-adopted" | "step-skipped" | "step-cancelled" | "approval-requested" | "approval-voided";

export type DurableFunction<A extends ActivityTypes, I, O> = (ctx: DurableContext<A>, input: I) => Promise<Outcome<O>>;
