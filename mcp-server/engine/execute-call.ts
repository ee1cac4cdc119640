/** Runs one attempt of an activity and says in events how it went. */
import { setTimeout as delay } from "node:timers/promises";
import { BosunError, errorValue, toErrorValue } from "../../shared/errors.ts";
import type { ErrorValue } from "../../shared/errors.ts";
import type { Admission, NewEvent } from "../../shared/events.ts";
import { NO_USAGE, settleAtReservation } from "../../shared/usage.ts";
import type { Usage } from "../../shared/usage.ts";
import type { BlobStore } from "../journal/blobs.ts";
import type { ActivityContext, AnyActivity, AttemptAt, Probe } from "./activity.ts";
import type { Codec } from "./codec.ts";
import { HALT } from "./live-run.ts";
import type { Urgency } from "./outbox.ts";
import type { TraceOrigin } from "../../shared/trace-context.ts";
import { traceparentOf } from "../telemetry/trace-ids.ts";

/** One attempt, as its activity sees it. */
export interface Attempted extends AttemptAt {
  readonly activity: AnyActivity;
  readonly input: unknown;
  readonly signal: AbortSignal;
  readonly codec: Codec;
  readonly blobs: BlobStore;
  assertOwner(): void;
  /** Text that streams in. */
  delta(text: string): void;
  /** The trace that its run is part of, if it is not one of its own. */
  origin(): TraceOrigin | undefined;
  /** What it was let in with, as the journal has it; null when it was not. */
  admission(): Admission | null;
}

export interface CallRun extends Attempted {
  /** Waits until the call is let in and has its place; what gives that free again. */
  enter(): Promise<() => void>;
  emit(event: NewEvent, urgency: Urgency): void;
  /** Between attempts, or before the first: nothing is under way. */
  idle(idle: boolean): void;
  /** It will be made again by whoever resumes the run; nothing more comes from here. */
  left(): void;
  /** An effect that cannot tell whether it happened: it has no outcome until its probe or a person says so. */
  uncertain(error: ErrorValue): void;
}

/** Emits `call-completed`, `call-failed`, or `attempt-ended` and later `attempt-started` for the next try. Never rejects. */
export async function executeCall(call: CallRun): Promise<void> {
  const { activity, path, attempt } = call;
  // Until it has its place nothing has been spent.
  const told: Told = activity.kind === "paid" ? { usage: NO_USAGE } : {};
  let begun = false;
  let leave: () => void = () => undefined;
  try {
    leave = await call.enter();
    call.signal.throwIfAborted();
    begun = true;
    delete told.usage;
    if (activity.kind === "effect") call.assertOwner();
    const running: Promise<unknown> = activity.run(call.input, contextOf(call, told));
    // The place is taken as long as it really runs, also when nobody waits for it any more.
    void running.then(leave, leave);
    leave = () => undefined;
    const output = await (activity.kind === "effect" ? running : Promise.race([running, aborted(call.signal)]));
    call.emit(completed(call, output, told), urgencyOf(activity));
  } catch (thrown) {
    leave();
    const stopped = call.signal.aborted && (activity.kind !== "effect" || !begun);
    const halted = stopped && call.signal.reason === HALT;
    const error = stopped ? errorValue("cancelled", "the run was cancelled") : toErrorValue(thrown);
    if (activity.kind === "effect" && error.code === "uncertain_effect") {
      call.uncertain(error);
      return;
    }
    const usage = told.usage ?? reservedUsage(call);
    const spent = { ...(usage === undefined ? {} : { usage }), ...(told.note === undefined ? {} : { note: told.note }) };
    const wait = error.code === "cancelled" ? null : (activity.retryDelayMs?.(error, call, { input: call.input, thrown }) ?? null);
    if (wait === null && !halted) {
      call.emit({ kind: "call-failed", path, data: { attempt, error: call.codec.keepError(error), ...spent } }, urgencyOf(activity));
      return;
    }
    call.emit(
      {
        kind: "attempt-ended",
        path: `${path}/attempt:${attempt}`,
        data: halted
          ? { attempt, reason: "cancelled", error: null, ...spent }
          : { attempt, reason: "failed", error: call.codec.keepError(error), ...spent },
      },
      urgencyOf(activity),
    );
    if (wait === null) call.left();
    else await tryAgain(call, wait);
  }
}

/** A receipt is wanted at once: until it is written the effect is in doubt. */
function urgencyOf({ kind }: AnyActivity): Urgency {
  if (kind === "effect") return "at_once";
  return kind === "paid" ? "soon" : "later";
}

/** Rejects when the signal is raised: a call that only reads or pays and does not listen is not waited for. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(new BosunError("cancelled", "the run was cancelled"));
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
}

async function tryAgain(call: CallRun, waitMs: number): Promise<void> {
  const { path, attempt } = call;
  call.idle(true);
  try {
    await delay(waitMs, undefined, { signal: call.signal });
    call.emit(attemptStarted(call, attempt + 1), "at_once");
  } catch {
    if (call.signal.reason === HALT) {
      call.left();
      return;
    }
    call.emit(
      { kind: "call-failed", path, data: { attempt, error: call.codec.keepError(errorValue("cancelled", "the run was cancelled")) } },
      "at_once",
    );
  }
}

/** The next attempt of a call, let in if that can be at once. */
export function attemptStarted(call: { runId: string; activity: AnyActivity; path: string; input: unknown }, attempt: number): NewEvent {
  const { runId, path, activity, input } = call;
  return {
    kind: "attempt-started",
    path: `${path}/attempt:${attempt}`,
    data: { attempt, ...activity.admit?.(input, { runId, path, attempt }) },
  };
}

/** The outcome of an effect that a person says has happened. @throws BosunError conflict when the activity has no receipt for that */
export async function assumeCall(call: Attempted): Promise<NewEvent> {
  const { activity, input } = call;
  if (activity.assume === undefined)
    throw new BosunError("conflict", `${activity.name} cannot be taken as done: say that it did not happen, or give it up`, {
      retryable: false,
    });
  return completed(call, await activity.assume(input, contextOf(call, {})), {});
}

/** Asks the activity what became of an effect whose receipt is missing. */
export async function probeCall(
  call: Attempted,
): Promise<{ readonly event: NewEvent } | { readonly notStarted: true } | { readonly uncertain: ErrorValue }> {
  const { activity, path, attempt } = call;
  const uncertain = (why: string) => ({
    uncertain: errorValue(
      "uncertain_effect",
      `${activity.name} was cut short and it cannot be told whether it happened: ${why}. Look, then say with \`bosun settle ${call.runId}\` what is true; \`bosun resume ${call.runId}\` checks again`,
    ),
  });
  if (activity.probe === undefined) return uncertain("nothing can check it");
  let found: Probe<unknown>;
  try {
    found = await activity.probe(call.input, contextOf(call, {}));
  } catch (error) {
    return uncertain(toErrorValue(error).message);
  }
  if (found.state === "not_started") return { notStarted: true };
  if (found.state === "uncertain") return uncertain(found.why);
  if (found.state === "failed")
    return { event: { kind: "call-failed", path, data: { attempt, error: call.codec.keepError(found.error) } } };
  return { event: completed(call, found.output, {}) };
}

function completed(call: Attempted, output: unknown, told: Told): NewEvent {
  const result = call.codec.payload(call.codec.encode(output));
  const usage = told.usage ?? undefined;
  return {
    kind: "call-completed",
    path: call.path,
    data: {
      attempt: call.attempt,
      result,
      ...(usage === undefined ? {} : { usage }),
      ...(told.note === undefined ? {} : { note: told.note }),
    },
  };
}

/** What an attempt that told nothing of its usage is settled at. */
function reservedUsage(call: CallRun): Usage | undefined {
  const admission = call.admission();
  return admission === null ? undefined : settleAtReservation(admission.reserve);
}

/** What an activity told on its way. */
interface Told {
  /** Null: something was sent, and what it cost is not known yet. */
  usage?: Usage | null;
  note?: string;
}

function contextOf(call: Attempted, told: Told): ActivityContext {
  return {
    runId: call.runId,
    path: call.path,
    attempt: call.attempt,
    signal: call.signal,
    blobs: call.blobs,
    get traceparent() {
      return traceparentOf(call.runId, call.path, call.origin());
    },
    assertOwner: () => call.assertOwner(),
    get admission() {
      return call.admission();
    },
    keep: (value) => call.codec.keep(value),
    chain: (items, before) => call.codec.chain(items, before),
    settle: (usage) => (told.usage = usage),
    note: (text) => (told.note = text),
    delta: (text) => call.delta(text),
  };
}
