/**
 * The embedded engine: all runs of one process on one loop. A turn of the loop commits what was asked and answered since the last
 * one in a single transaction, then hands each run at most one outcome; the run's function answers in microtasks, so the next
 * turn finds it quiet. Runs that only wait are dropped from memory and driven again from the journal when something comes.
 */
import type { Kept, Outcome } from "../../shared/durable.ts";
import { BosunError, errorValue, toErrorValue } from "../../shared/errors.ts";
import type { ErrorValue } from "../../shared/errors.ts";
import type { Caps, NewEvent, RunEvent } from "../../shared/events.ts";
import { callPath } from "../journal/fold-run.ts";
import type { Append, Journal } from "../journal/port.ts";
import type { AnyActivity } from "./activity.ts";
import { CallRunner } from "./call-runner.ts";
import { createCodec } from "./codec.ts";
import type { Codec } from "./codec.ts";
import { DeadlineTimer } from "./deadline-timer.ts";
import { abortCalls, beginHold } from "./live-run.ts";
import { RestWaiters } from "./rest-waiters.ts";
import type { LiveRun } from "./live-run.ts";
import { openCallsOf } from "./recover-call.ts";
import { replayRun } from "./replay-run.ts";
import type { Divergence, Engine, EngineNote, ReplayResult, StartOptions } from "./port.ts";
import { describeCommand, isDelivery, RunInstance } from "./run-instance.ts";
import type { AnyDurableFunction } from "./run-instance.ts";

export interface WorkflowDefinition {
  readonly name: string;
  readonly version: number;
  readonly fn: AnyDurableFunction;
}

export interface EngineOptions {
  readonly journal: Journal;
  readonly activities: readonly AnyActivity[];
  readonly workflows: readonly WorkflowDefinition[];
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly newRunId: () => string;
  /** Called when a run leaves memory: whatever others hold for it can go. */
  readonly onParked?: (runId: string) => void;
}

export function createEmbeddedEngine(options: EngineOptions): Engine {
  return new EmbeddedEngine(options);
}

interface Queued extends Append {
  readonly durable: boolean;
}

class EmbeddedEngine implements Engine {
  broken: ErrorValue | null = null;
  readonly #journal: Journal;
  readonly #activities: ReadonlyMap<string, AnyActivity>;
  readonly #workflows: ReadonlyMap<string, WorkflowDefinition>;
  readonly #codec: Codec;
  readonly #options: EngineOptions;
  readonly #live = new Map<string, LiveRun>();
  readonly #active = new Set<LiveRun>();
  readonly #listeners = new Set<(note: EngineNote) => void>();
  readonly #rests = new RestWaiters();
  readonly #calls: CallRunner;
  readonly #deadlines: DeadlineTimer;
  #queue: Queued[] = [];
  #scheduled = false;
  #closing = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#journal = options.journal;
    this.#activities = new Map(options.activities.map((activity) => [activity.name, activity]));
    this.#workflows = new Map(options.workflows.map((workflow) => [workflow.name, workflow]));
    this.#codec = createCodec(options.journal.blobs, options.journal.blobs);
    this.#calls = new CallRunner({
      codec: this.#codec,
      blobs: options.journal.blobs,
      activities: this.#activities,
      stopped: () => this.#stopped(),
      closing: () => this.#closing,
      enqueue: (runId, event, { durable }) => this.#enqueue(runId, event, { durable }),
      delta: (runId, path, text) => this.#notify({ type: "delta", run_id: runId, path, text }),
      hold: (live, error) => this.#hold(live, error),
    });
    this.#deadlines = new DeadlineTimer(options.now, () => this.#expireOverdue());
    this.#armTimer();
  }

  start(options: StartOptions): string {
    this.#assertOpen();
    const runId = this.#options.newRunId();
    const workflow = this.#workflow(options.workflow);
    const input = this.#codec.payload(this.#codec.encode(options.input), { apart: true });
    this.#enqueue(
      runId,
      {
        kind: "run-started",
        path: "",
        data: {
          workflow: workflow.name,
          version: workflow.version,
          flags: [],
          session_id: options.session_id,
          parent: options.parent ?? null,
          input,
          ...(options.budget === undefined ? {} : { budget: options.budget }),
        },
      },
      { durable: true },
    );
    this.#flush();
    this.#assertOpen();
    return runId;
  }

  signal(runId: string, name: string, payload: unknown): void {
    this.#assertOpen();
    this.#flush();
    const fold = this.#journal.run(runId);
    if (fold.ended !== null) throw new BosunError("conflict", `run ${runId} has ended`);
    if (fold.cancelling) throw new BosunError("conflict", `run ${runId} is being cancelled`);
    const wait = this.#journal.openWait(runId, name);
    if (wait === null && this.#wasSettled(runId, name)) throw new BosunError("conflict", `${name} was answered already`);
    if (wait !== null && wait.deadline !== null && this.#options.now() >= wait.deadline) {
      this.#expire(runId, wait.path, name);
      throw new BosunError(
        "approval_expired",
        `${name} expired at ${new Date(wait.deadline).toISOString()}: \`bosun resume ${runId}\` asks again`,
      );
    }
    this.#enqueue(
      runId,
      { kind: "signal-received", path: "", data: { name, payload: this.#codec.payload(this.#codec.encode(payload), { apart: false }) } },
      { durable: true },
    );
    this.#flush();
    this.#assertOpen();
  }

  cancel(runId: string, by: string): void {
    this.#assertOpen();
    this.#flush();
    const fold = this.#journal.run(runId);
    const live = this.#live.get(runId);
    if (fold.ended !== null || live?.ending === true)
      throw new BosunError("conflict", `run ${runId} has ended: ${fold.ended?.status ?? "just now"}`);
    if (fold.cancelling) return;
    if (live !== undefined) live.cancelling = true;
    this.#enqueue(runId, { kind: "cancel-requested", path: "", data: { by } }, { durable: true });
    this.#flush();
    this.#assertOpen();
    if (live !== undefined) this.#stopDriving(live);
  }

  resume(runId: string, by: string, budget?: Caps): void {
    this.#assertOpen();
    this.#flush();
    const fold = this.#journal.run(runId);
    if (fold.ended !== null) throw new BosunError("conflict", `run ${runId} has ended: ${fold.ended.status}`);
    const holds = fold.held !== null || Object.values(fold.waits).some((wait) => wait.about.for === "hold");
    if (holds || budget !== undefined) {
      this.#enqueue(
        runId,
        { kind: "resume-requested", path: "", data: { by, ...(budget === undefined ? {} : { budget }) } },
        { durable: true },
      );
      this.#flush();
      this.#assertOpen();
    } else if (!this.#live.has(runId)) {
      this.#wake(runId);
    }
  }

  recover(): readonly string[] {
    this.#assertOpen();
    const unfinished = this.#journal.unfinished().filter((runId) => !this.#live.has(runId) && this.#journal.run(runId).held === null);
    for (const runId of unfinished)
      this.#enqueue(runId, { kind: "run-recovered", path: "", data: { epoch: this.#journal.epoch } }, { durable: false });
    this.#flush();
    for (const runId of unfinished) this.#wake(runId);
    this.#expireOverdue();
    return unfinished;
  }

  async replay(runId: string): Promise<ReplayResult> {
    this.#flush();
    return replayRun({
      runId,
      journal: this.#journal,
      activities: this.#activities,
      fn: this.#workflow(this.#journal.run(runId).workflow).fn,
    });
  }

  keep<T>(value: T): Kept<T> {
    return this.#codec.keep(value);
  }

  async settled(runId: string): Promise<void> {
    if (this.broken !== null) throw new BosunError(this.broken.code, this.broken.message);
    if (!this.#live.has(runId) && !this.#queue.some((queued) => queued.run_id === runId) && !this.#sleeps(runId)) return;
    await this.#rests.wait(runId);
  }

  subscribe(listener: (note: EngineNote) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#deadlines.stop();
    for (const live of this.#live.values()) abortCalls(live);
    await this.#calls.effectsDone();
    if (this.broken === null) this.#flush();
    this.#journal.close();
    this.#rests.rejectAll(new BosunError("internal", "Bosun was closed; the run goes on when it is taken up again"));
  }

  /** From here on nothing begins for this run; what it has under way comes home. */
  #stopDriving(live: LiveRun): void {
    if (live.history !== null) this.#settleOpen(live, live.history);
    live.instance.stop();
    live.deliveries.length = 0;
    abortCalls(live);
    this.#active.add(live);
    this.#schedule();
  }

  // ---- the loop

  #schedule(): void {
    if (this.#scheduled || this.#closing || this.broken !== null) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#tick();
    });
  }

  #tick(): void {
    if (this.#stopped()) return;
    this.#flush();
    // What could not be written must not look as if it had been waited for: nothing is parked, nothing handed over.
    if (this.#stopped()) return;
    // A run's next command may come in the microtasks after this; it is looked at again in the next turn.
    for (const live of this.#active) {
      try {
        const event = live.deliveries.shift();
        if (event === undefined) this.#quiet(live);
        else live.instance.deliver(event);
      } catch (error) {
        // A payload that is gone, or a fault of ours: this run stops, the others go on.
        this.#hold(live, toErrorValue(error));
      }
    }
    if (this.#active.size > 0 || this.#queue.length > 0) this.#schedule();
  }

  #stopped(): boolean {
    return this.#closing || this.broken !== null;
  }

  /** Nothing is left to hand over: finish what an earlier life left, or let the run go. */
  #quiet(live: LiveRun): void {
    if (live.history !== null) {
      this.#finishHistory(live, live.history);
      return;
    }
    this.#active.delete(live);
    if (live.inFlight.size > 0 || live.ending) return;
    if (live.cancelling)
      this.#end(live, {
        kind: "run-ended",
        path: "",
        data: { status: "cancelled", error: this.#codec.keepError(errorValue("cancelled", "cancelled by a person")) },
      });
    else if (live.outcome !== null) this.#end(live, this.#endEvent(live.outcome));
    else if (live.holding !== null) this.#end(live, { kind: "run-held", path: "", data: { error: this.#codec.keepError(live.holding) } });
    else this.#park(live);
  }

  #finishHistory(live: LiveRun, history: readonly RunEvent[]): void {
    live.history = null;
    if (live.cancelling || live.outcome !== null) this.#settleOpen(live, history);
    if (live.instance.stopped || live.ending) return;
    const missing = live.instance.missing;
    if (missing !== null) {
      this.#hold(
        live,
        divergedError({ seq: missing.seq, expected: describeCommand(missing), actual: "the supervisor did not ask for it" }),
      );
      return;
    }
    for (const call of openCallsOf(history)) this.#calls.recover(live, call);
  }

  #flush(): void {
    if (this.#queue.length === 0 || this.broken !== null) return;
    const batch = this.#queue;
    this.#queue = [];
    let events: readonly RunEvent[];
    try {
      events = this.#journal.commit(
        batch,
        batch.some((queued) => queued.durable),
      );
    } catch (error) {
      this.#break(toErrorValue(error));
      return;
    }
    const asleep = new Set<string>();
    for (const event of events) {
      const live = this.#live.get(event.run_id);
      if (live === undefined) asleep.add(event.run_id);
      else this.#committed(live, event);
    }
    for (const runId of asleep) this.#wakeAfter(runId, events);
    if (events.some((event) => event.kind === "wait-started")) this.#armTimer();
    for (const event of events) this.#notify({ type: "event", event });
  }

  #committed(live: LiveRun, event: RunEvent): void {
    if (event.kind === "run-ended" || event.kind === "run-held") {
      this.#forget(live);
      return;
    }
    if (event.kind === "call-started") this.#calls.begin(live, event.path, 1);
    if (event.kind === "attempt-started") this.#calls.begin(live, callPath(event.path), event.data.attempt);
    if (event.kind === "call-completed" || event.kind === "call-failed") live.inFlight.delete(event.path);
    if (isDelivery(event)) live.deliveries.push(event);
    this.#active.add(live);
    this.#schedule();
  }

  #wakeAfter(runId: string, events: readonly RunEvent[]): void {
    const ended = events.some((event) => event.run_id === runId && (event.kind === "run-ended" || event.kind === "run-held"));
    if (ended) this.#resolveSettled(runId);
    else if (events.some((event) => event.run_id === runId && isDelivery(event))) this.#wake(runId);
  }

  #wake(runId: string): void {
    if (this.#stopped() || this.#live.has(runId)) return;
    try {
      this.#bringToLife(runId);
    } catch (error) {
      this.#live.delete(runId);
      this.#enqueue(runId, { kind: "run-held", path: "", data: { error: this.#codec.keepError(toErrorValue(error)) } }, { durable: true });
    }
  }

  #bringToLife(runId: string): void {
    const history = this.#journal.events(runId);
    const fold = this.#journal.run(runId);
    if (fold.ended !== null || fold.held !== null) return;
    const live: LiveRun = {
      runId,
      instance: this.#instance(runId, this.#workflow(fold.workflow).fn, history),
      deliveries: history.filter(isDelivery),
      inFlight: new Map(),
      history: history.length > 1 ? history : null,
      cancelling: fold.cancelling,
      outcome: null,
      holding: null,
      ending: false,
    };
    this.#live.set(runId, live);
    this.#active.add(live);
    if (fold.cancelling) this.#settleOpen(live, history);
    this.#schedule();
  }

  /** A run that is over is not driven again: what an earlier life left open is settled, then it ends. */
  #settleOpen(live: LiveRun, history: readonly RunEvent[]): void {
    live.deliveries.length = 0;
    live.history = null;
    live.instance.stop();
    for (const call of openCallsOf(history)) this.#calls.settleCancelled(live, call);
  }

  #instance(runId: string, fn: AnyDurableFunction, recorded: readonly RunEvent[]): RunInstance {
    return new RunInstance({
      runId,
      fn,
      activities: this.#activities,
      codec: this.#codec,
      recorded,
      hooks: {
        emit: (event) =>
          this.#enqueue(runId, event, {
            durable: event.kind === "call-started" && (event.data.kind === "paid" || event.data.kind === "effect"),
          }),
        ended: (outcome) => this.#functionEnded(runId, outcome),
        failed: (failure) => {
          const live = this.#live.get(runId);
          if (live === undefined) return;
          this.#hold(live, "divergence" in failure ? divergedError(failure.divergence) : failure.error);
        },
      },
    });
  }

  /** The run is over when its function is: what it still has under way is stopped, and awaited before the last event. */
  #functionEnded(runId: string, outcome: Outcome<unknown>): void {
    const live = this.#live.get(runId);
    if (live === undefined) return;
    live.outcome = outcome;
    abortCalls(live);
  }

  #endEvent(outcome: Outcome<unknown>): NewEvent {
    return outcome.ok
      ? {
          kind: "run-ended",
          path: "",
          data: { status: "completed", result: this.#codec.payload(this.#codec.encode(outcome.value), { apart: true }) },
        }
      : { kind: "run-ended", path: "", data: { status: "failed", error: this.#codec.keepError(outcome.error) } };
  }

  #end(live: LiveRun, event: NewEvent): void {
    live.ending = true;
    this.#enqueue(live.runId, event, { durable: true });
  }

  #hold(live: LiveRun, error: ErrorValue): void {
    beginHold(live, error);
    this.#active.add(live);
    this.#schedule();
  }

  #park(live: LiveRun): void {
    try {
      this.#journal.park(live.runId);
    } catch (error) {
      this.#break(toErrorValue(error));
      return;
    }
    this.#forget(live);
  }

  #forget(live: LiveRun): void {
    this.#live.delete(live.runId);
    this.#active.delete(live);
    this.#options.onParked?.(live.runId);
    this.#resolveSettled(live.runId);
  }

  // ---- deadlines

  #armTimer(): void {
    this.#deadlines.arm(this.#closing ? null : this.#journal.nextDeadline());
  }

  #expireOverdue(): void {
    if (this.#stopped()) return;
    this.#flush();
    for (const wait of this.#journal.overdue(this.#options.now())) this.#expire(wait.run_id, wait.path, wait.name);
    this.#armTimer();
  }

  #expire(runId: string, path: string, name: string): void {
    this.#enqueue(runId, { kind: "wait-expired", path, data: { name } }, { durable: true });
    this.#flush();
  }

  #sleeps(runId: string): boolean {
    return this.#journal.openWaits(runId).some((wait) => wait.name === "timer");
  }

  #wasSettled(runId: string, name: string): boolean {
    return this.#journal
      .events(runId)
      .some((event) => (event.kind === "signal-received" || event.kind === "wait-expired") && event.data.name === name);
  }

  // ---- small things

  #enqueue(runId: string, event: NewEvent, options: { durable: boolean }): void {
    this.#queue.push({ run_id: runId, event, durable: options.durable });
    this.#schedule();
  }

  #workflow(name: string): WorkflowDefinition {
    const workflow = this.#workflows.get(name);
    if (workflow === undefined) throw new BosunError("internal", `this Bosun has no workflow ${name}`);
    return workflow;
  }

  /** A listener that fails has only itself to blame: what it is told of has happened. */
  #notify(note: EngineNote): void {
    for (const listener of this.#listeners) {
      try {
        listener(note);
      } catch {
        this.#listeners.delete(listener);
      }
    }
  }

  #resolveSettled(runId: string): void {
    if (this.#live.has(runId) || this.#sleeps(runId)) return;
    this.#rests.resolve(runId);
  }

  /** The journal refuses: nothing may happen any more that it could not tell of. */
  #break(error: ErrorValue): void {
    this.broken = error;
    this.#deadlines.stop();
    for (const live of this.#live.values()) abortCalls(live);
    this.#rests.rejectAll(new BosunError(error.code, error.message));
  }

  #assertOpen(): void {
    if (this.broken !== null) throw new BosunError(this.broken.code, this.broken.message);
    if (this.#closing) throw new BosunError("internal", "Bosun is closing");
  }
}

function divergedError(divergence: Divergence): ErrorValue {
  return errorValue(
    "internal",
    `this version of Bosun would do something else than the journal has at event ${divergence.seq}: expected ${divergence.expected}; got ${divergence.actual}. Nothing was done; finish the run with the version that began it, or cancel it`,
  );
}
