/** Activities: everything a durable function may ask of the world, by name. The engine records what they were asked and what they gave back. */
import type { Chain, Kept } from "../../shared/durable.ts";
import type { ErrorValue } from "../../shared/errors.ts";
import type { ActivityKind, Admission, CallLabel } from "../../shared/events.ts";
import type { Usage } from "../../shared/usage.ts";
import type { BlobStore } from "../journal/blobs.ts";

/** One attempt of a call, by its place in a run. */
export interface AttemptAt {
  readonly runId: string;
  readonly path: string;
  /** 1 for the first try. */
  readonly attempt: number;
}

export interface ActivityContext extends AttemptAt {
  /** Aborted when the run is cancelled; an effect may finish what it began. */
  readonly signal: AbortSignal;
  readonly blobs: BlobStore;
  /** W3C trace context of this call's span. */
  readonly traceparent: string;
  /** For effects, right before what cannot be taken back. @throws BosunError conflict when another process took the run over */
  assertOwner(): void;
  keep<T>(value: T): Kept<T>;
  chain<T>(items: readonly T[], before?: Chain<T>): Chain<T>;
  /** What this attempt was let in with; null for what needs no admission. */
  readonly admission: Admission | null;
  /** Settles the reservation of a paid call, also before throwing. Null takes that back: from here on it may cost anything. */
  settle(usage: Usage | null): void;
  /** Written into the outcome's event, for the activity's own later reading. */
  note(text: string): void;
  /** Text that streams in; shown live, not recorded. */
  delta(text: string): void;
}

/** What a probe found about an effect whose receipt is missing. */
export type Probe<O> =
  | { readonly state: "done"; readonly output: O }
  | { readonly state: "failed"; readonly error: ErrorValue }
  | { readonly state: "not_started" }
  | { readonly state: "uncertain"; readonly why: string };

export interface Activity<I, O> {
  readonly name: string;
  /** Raised when the meaning of input or output changes; part of a record's identity. */
  readonly version: number;
  readonly kind: ActivityKind;
  /** Name of the {@link EngineOptions.pools} that bounds how many run at once; left out: no bound. */
  readonly pool?: string;
  /** Its result counts for the run it was made in: a fork takes it over only when an effect or a decision followed from it. */
  readonly ownRun?: boolean;
  label(input: I): CallLabel;
  /**
   * Paid activities only: what an attempt is let in with, asked as it is written down, so that what it sets aside counts from there on.
   * Null when that must wait: then {@link admitLater} is asked, before the attempt takes a place in its pool.
   */
  admit?(input: I, at: AttemptAt): Admission | null;
  /** Waits for what {@link admit} could not give at once. What it resolves with is written down in the same turn. @throws BosunError budget_exceeded and others */
  admitLater?(input: I, at: AttemptAt, signal: AbortSignal): Promise<Admission>;
  /** Milliseconds to wait before the next attempt, null for no further attempt. `at` is the attempt that failed, `thrown` what `run` threw. */
  retryDelayMs?(error: ErrorValue, at: AttemptAt, failed: { readonly input: I; readonly thrown: unknown }): number | null;
  /** @throws BosunError for a failure that the supervisor shall see as a value */
  run(input: I, ctx: ActivityContext): Promise<O>;
  /** Effects only: settles what a crash left open. */
  probe?(input: I, ctx: ActivityContext): Promise<Probe<O>>;
  /** Effects only: the receipt when a person says that it happened. Left out: such a word is refused. */
  assume?(input: I, ctx: ActivityContext): O | Promise<O>;
}

/** Erases the types of an activity, so that all of them fit one table. */
// oxlint-disable-next-line typescript/no-explicit-any -- a table of activities of different types; names and versions are checked on every record
export type AnyActivity = Activity<any, any>;
