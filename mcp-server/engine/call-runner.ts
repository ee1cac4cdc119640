/** Runs the calls of live runs, and recovers those that an earlier owner left open. Their outcomes go back as events. */
import type { ErrorValue } from "../../shared/errors.ts";
import { BosunError, errorValue, toErrorValue } from "../../shared/errors.ts";
import type { ErrorRecord } from "../../shared/durable.ts";
import type { Admission, NewEvent } from "../../shared/events.ts";
import type { BlobStore } from "../journal/blobs.ts";
import type { RunFold } from "../journal/fold-run.ts";
import type { AnyActivity } from "./activity.ts";
import type { Codec } from "./codec.ts";
import { aborted, assumeCall, attemptStarted, executeCall, probeCall } from "./execute-call.ts";
import type { CallRun } from "./execute-call.ts";
import { HALT } from "./live-run.ts";
import type { InFlight, LiveRun } from "./live-run.ts";
import type { Urgency } from "./outbox.ts";
import { Pool } from "./pool.ts";
import { attemptLost, cancelledCall, recoverPaid } from "./recover-call.ts";
import type { OpenCall } from "./recover-call.ts";

export interface CallHost {
  readonly codec: Codec;
  readonly blobs: BlobStore;
  readonly activities: ReadonlyMap<string, AnyActivity>;
  /** How many calls of a pool run at once, by its name. */
  readonly pools: Readonly<Record<string, number>>;
  /** True once nothing new may begin: the engine closes or broke. */
  readonly stopped: () => boolean;
  /** True while the engine closes: only effects may still be told of. */
  readonly closing: () => boolean;
  /** @throws BosunError conflict when another process took over; the engine has stopped then. */
  readonly assertOwner: () => void;
  readonly fold: (runId: string) => RunFold;
  readonly stage: (runId: string, event: NewEvent, urgency: Urgency) => void;
  readonly delta: (runId: string, path: string, text: string) => void;
  readonly hold: (live: LiveRun, error: ErrorValue) => void;
  /** Something that was under way is not any more, without an event. */
  readonly quiet: (live: LiveRun) => void;
}

interface Attempt {
  readonly activity: AnyActivity;
  readonly path: string;
  readonly input: unknown;
  readonly attempt: number;
}

export class CallRunner {
  readonly #host: CallHost;
  readonly #effects = new Set<Promise<void>>();
  readonly #pools: ReadonlyMap<string, Pool>;
  /** Who waits for an admission to be written, by run and attempt. */
  readonly #admissions = new Map<string, () => void>();

  constructor(host: CallHost) {
    this.#host = host;
    this.#pools = new Map(Object.entries(host.pools).map(([name, size]) => [name, new Pool(size)]));
  }

  /** Runs an attempt whose start is in the journal. */
  begin(live: LiveRun, path: string, attempt: number): void {
    const asked = live.instance.calls.get(path);
    if (asked !== undefined) this.#execute(live, { ...asked, path, attempt });
  }

  /** What becomes of a call that has no outcome, by its kind. */
  recover(live: LiveRun, call: OpenCall): void {
    const asked = live.instance.calls.get(call.path);
    if (asked === undefined) return;
    const attempt = { ...asked, path: call.path, attempt: call.attempt };
    const { stage, codec } = this.#host;
    if (call.kind === "paid")
      for (const event of recoverPaid(call, { ...asked, runId: live.runId, codec })) stage(live.runId, event, "at_once");
    else if (!call.underWay) stage(live.runId, attemptStarted({ ...attempt, runId: live.runId }, call.attempt + 1), "at_once");
    else if (call.kind === "effect") this.#probe(live, attempt);
    else this.#execute(live, attempt);
  }

  /** Closes an open call of a run that is cancelled and not driven again. */
  settleCancelled(live: LiveRun, call: OpenCall): void {
    const attempt = this.#attemptOf(call);
    if (call.kind === "effect" && call.underWay && attempt !== null) this.#probe(live, attempt);
    else this.#host.stage(live.runId, cancelledCall(call, this.#host.codec), "at_once");
  }

  /** Of a run that is paused: what was under way when its owner died is not any more; it is made again when the run is resumed. */
  settlePaused(live: LiveRun, call: OpenCall): void {
    if (!call.underWay) return;
    const attempt = this.#attemptOf(call);
    if (call.kind === "effect" && attempt !== null) this.#probe(live, attempt);
    else this.#host.stage(live.runId, attemptLost(call), "at_once");
  }

  /** The outcome of an effect that a person says has happened. @throws BosunError conflict when it has no receipt for that */
  async assume(runId: string, call: OpenCall): Promise<NewEvent> {
    const attempt = this.#attemptOf(call);
    if (attempt === null) throw new BosunError("conflict", `this Bosun has no activity ${call.activity}`);
    const { codec, blobs, assertOwner } = this.#host;
    const { signal } = new AbortController();
    const effect = {
      delta: () => undefined,
      origin: () => this.#host.fold(runId).trace,
      admission: () => null,
      admit: () => Promise.reject(new Error("an effect needs no admission")),
    };
    return assumeCall({ ...attempt, runId, signal, codec, blobs, assertOwner, ...effect });
  }

  /** Resolves when no effect is under way any more. */
  async effectsDone(): Promise<void> {
    await Promise.allSettled(this.#effects);
  }

  #attemptOf(call: OpenCall): Attempt | null {
    const activity = this.#host.activities.get(call.activity);
    return activity === undefined ? null : { activity, path: call.path, input: this.#host.codec.decode(call.input), attempt: call.attempt };
  }

  #execute(live: LiveRun, attempt: Attempt): void {
    if (this.#host.stopped()) return;
    const call = this.#track(live, attempt);
    // Its intent was on the way when the run was told to stop.
    const flight = live.inFlight.get(attempt.path);
    if (flight !== undefined && !(flight.effect && live.outcome !== null)) this.#stopIdle(live, flight);
    const done = executeCall(call).catch((error: unknown) => {
      this.#host.stage(live.runId, failedCall(attempt, this.#host.codec.keepError(toErrorValue(error))), "at_once");
    });
    this.#remember(attempt.activity, done);
  }

  #probe(live: LiveRun, attempt: Attempt): void {
    const { codec, stage } = this.#host;
    const { path, attempt: number } = attempt;
    const call = this.#track(live, attempt);
    const flight = live.inFlight.get(path);
    const probed = probeCall(call).then((found) => {
      const open = this.#host.fold(live.runId).open[path];
      // A person said meanwhile what is true.
      if (open?.attempt !== number || !open.under_way) {
        if (live.inFlight.get(path) === flight) this.#leave(live, path);
        return;
      }
      if ("event" in found) {
        stage(live.runId, found.event, "at_once");
      } else if (live.cancelling || live.outcome !== null) {
        const error = "uncertain" in found ? found.uncertain : errorValue("cancelled", "the run ended before it began");
        stage(live.runId, failedCall(attempt, codec.keepError(error)), "at_once");
      } else if ("uncertain" in found) {
        this.#uncertain(live, attempt, found.uncertain);
      } else {
        // It did not happen: it begins anew, behind a commit that only the owner of the folder can make.
        stage(live.runId, attemptLost({ path, attempt: number, reserve: null }), "at_once");
        if (live.paused) this.#leave(live, path);
        else stage(live.runId, attemptStarted({ ...attempt, runId: live.runId }, number + 1), "at_once");
      }
    });
    this.#remember(attempt.activity, probed);
  }

  /** It has no outcome until a later probe or a person says so; the run's other branches go on. */
  #uncertain(live: LiveRun, { path, attempt }: Attempt, error: ErrorValue): void {
    const { codec, fold, stage } = this.#host;
    if (fold(live.runId).uncertain[path]?.attempt !== attempt)
      stage(live.runId, { kind: "effect-uncertain", path, data: { attempt, error: codec.keepError(error) } }, "at_once");
    this.#leave(live, path);
  }

  #leave(live: LiveRun, path: string): void {
    live.inFlight.delete(path);
    this.#host.quiet(live);
  }

  /** What has not begun, or waits for its next attempt, does not begin in a run that comes to rest. */
  #stopIdle(live: LiveRun, { controller }: InFlight): void {
    if (live.cancelling || live.outcome !== null) controller.abort();
    else if (live.paused || live.holding !== null || this.#host.closing()) controller.abort(HALT);
  }

  #track(live: LiveRun, attempt: Attempt): CallRun {
    const flight: InFlight = { controller: new AbortController(), effect: attempt.activity.kind === "effect", idle: false };
    live.inFlight.set(attempt.path, flight);
    return this.#callRun(live, attempt, flight);
  }

  #callRun(live: LiveRun, at: Attempt, flight: InFlight): CallRun {
    const { activity, path, input, attempt } = at;
    const { codec, blobs, closing, assertOwner, stage, delta } = this.#host;
    const { signal } = flight.controller;
    const pool = activity.pool === undefined ? undefined : this.#pools.get(activity.pool);
    return {
      runId: live.runId,
      path,
      activity,
      input,
      attempt,
      signal,
      codec,
      blobs,
      assertOwner,
      origin: () => this.#host.fold(live.runId).trace,
      enter: async () => {
        flight.idle = true;
        await this.#letIn(live, at, signal);
        const leave = await pool?.enter({ priority: live.priority, key: live.runId, signal });
        flight.idle = false;
        return leave ?? (() => undefined);
      },
      idle: (idle) => {
        flight.idle = idle;
        if (idle) this.#stopIdle(live, flight);
      },
      left: () => this.#leave(live, path),
      delta: (text) => delta(live.runId, path, text),
      admission: () => this.#host.fold(live.runId).open[path]?.admission ?? null,
      // What is cut short by closing is told by nobody: the next owner finds it open and recovers it.
      emit: (event, urgency) => {
        if (flight.effect || !closing()) stage(live.runId, event, urgency);
      },
      uncertain: (error) => this.#uncertain(live, at, error),
    };
  }

  /** A command with what its first attempt is let in with, if that can be at once. */
  admitted(live: LiveRun, event: NewEvent): NewEvent {
    const asked = event.kind === "call-started" ? live.instance.calls.get(event.path) : undefined;
    if (event.kind !== "call-started" || asked?.activity.admit === undefined) return event;
    const admission = asked.activity.admit(asked.input, { runId: live.runId, path: event.path, attempt: 1 });
    return admission === null ? event : { ...event, data: { ...event.data, ...admission } };
  }

  /** That an attempt was let in is on the medium. */
  admittedWritten(runId: string, path: string): void {
    const key = `${runId} ${path}`;
    this.#admissions.get(key)?.();
    this.#admissions.delete(key);
  }

  /** What it is let in with is on the medium before it takes a place: one that waits for it must not keep others from settling. */
  async #letIn(live: LiveRun, { activity, input, path, attempt }: Attempt, signal: AbortSignal): Promise<void> {
    if (activity.admitLater === undefined || this.#host.fold(live.runId).open[path]?.admission !== null) return;
    const asked: Promise<Admission> = activity.admitLater(input, { runId: live.runId, path, attempt }, signal);
    const admission = await Promise.race([asked, aborted(signal)]);
    signal.throwIfAborted();
    const where = `${path}/attempt:${attempt}`;
    const written = new Promise<void>((resolve) => this.#admissions.set(`${live.runId} ${where}`, resolve));
    this.#host.stage(live.runId, { kind: "attempt-admitted", path: where, data: { attempt, ...admission } }, "at_once");
    await written;
  }

  #remember(activity: AnyActivity, done: Promise<void>): void {
    if (activity.kind !== "effect") return;
    this.#effects.add(done);
    void done.finally(() => this.#effects.delete(done));
  }
}

function failedCall({ path, attempt }: Attempt, error: ErrorRecord): NewEvent {
  return { kind: "call-failed", path, data: { attempt, error } };
}
