/** Activities: everything a durable function may ask of the world, by name. The engine records what they were asked and what they gave back. */
import type { Chain, Kept } from "../../shared/durable.ts";
import type { ErrorValue } from "../../shared/errors.ts";
import type { ActivityKind, CallLabel } from "../../shared/events.ts";
import type { Reservation, Usage } from "../../shared/usage.ts";
import type { BlobStore } from "../journal/blobs.ts";

export interface ActivityContext {
  readonly runId: string;
  readonly path: string;
  /** 1 for the first try. */
  readonly attempt: number;
  /** Aborted when the run is cancelled; an effect may finish what it began. */
  readonly signal: AbortSignal;
  readonly blobs: BlobStore;
  /** W3C trace context of this call's span. */
  readonly traceparent: string;
  /** For effects, right before what cannot be taken back. @throws BosunError conflict when another process took the run over */
  assertOwner(): void;
  keep<T>(value: T): Kept<T>;
  chain<T>(items: readonly T[], before?: Chain<T>): Chain<T>;
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
  /** Upper bound of what one attempt may use. Paid activities only. */
  reserve?(input: I): Reservation;
  /** Milliseconds to wait before attempt `failed + 1`, null for no further attempt. `thrown` is what `run` threw. */
  retryDelayMs?(error: ErrorValue, failed: number, thrown: unknown): number | null;
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
