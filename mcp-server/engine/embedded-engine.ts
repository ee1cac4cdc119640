/**
 * The embedded engine: all runs of one process on one loop. A turn of the loop commits what was asked and answered since the last
 * one in a single transaction, then hands each run at most one outcome; the run's function answers in microtasks, so the next
 * turn finds it quiet. Runs that only wait are dropped from memory and driven again from the journal when something comes.
 */
import type { Kept, Outcome } from "../../shared/durable.ts";
import { BosunError, errorValue, toErrorValue } from "../../shared/errors.ts";
import type { ErrorValue } from "../../shared/errors.ts";
import type { ActivityKind, Caps, EffectDecision, NewEvent, RunEvent } from "../../shared/events.ts";
import { callPath, isActive } from "../journal/fold-run.ts";
import type { RunFold } from "../journal/fold-run.ts";
import type { Journal } from "../journal/port.ts";
import { activeMsLeft } from "./active-time.ts";
import type { AnyActivity } from "./activity.ts";
import { CallRunner } from "./call-runner.ts";
import { createCodec } from "./codec.ts";
import type { Codec } from "./codec.ts";
import { afterRealTime, DeadlineTimer, MAX_TIMEOUT_MS } from "./deadline-timer.ts";
import type { After } from "./deadline-timer.ts";
import { forkEvents } from "./fork-run.ts";
import { abortCalls, beginHold, haltCalls } from "./live-run.ts";
import type { LiveRun } from "./live-run.ts";
import { Listeners } from "./listeners.ts";
import { Outbox } from "./outbox.ts";
import { RestWaiters } from "./rest-waiters.ts";
import { decisionEvents, openCallsOf } from "./recover-call.ts";
import type { OpenCall } from "./recover-call.ts";
import { replayRun } from "./replay-run.ts";
import type { Divergence, Engine, EngineNote, ForkOptions, ReplayResult, StartOptions } from "./port.ts";
import { describeCommand, isDelivery, RunInstance } from "./run-instance.ts";
import type { AnyDurableFunction } from "./run-instance.ts";
import { WaitingRuns } from "./waiting-runs.ts";
import { Workflows } from "./workflows.ts";
import type { WorkflowDefinition } from "./workflows.ts";

export interface EngineOptions {
  readonly journal: Journal;
  readonly activities: readonly AnyActivity[];
  readonly workflows: readonly WorkflowDefinition[];
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Timers of deadlines and of caps on active time; they go with `now`. Default: the process's own. */
  readonly after?: After;
  readonly newRunId: () => string;
  /** Most runs at work at once; those that wait for a person or a timer do not count, and what was begun is never held back. Default: no limit. */
  readonly maxRuns?: number;
  /** Most calls at once of activities that name a pool. */
  readonly pools?: Readonly<Record<string, number>>;
  /** Called when a run leaves memory: whatever others hold for it can go. */
  readonly onParked?: (runId: string) => void;
}

export function createEmbeddedEngine(options: EngineOptions): Engine {
  return new EmbeddedEngine(options);
}

class EmbeddedEngine implements Engine {
  broken: ErrorValue | null = null;
  readonly #journal: Journal;
  readonly #activities: ReadonlyMap<string, AnyActivity>;
  readonly #workflows: Workflows;
  readonly #codec: Codec;
  readonly #options: EngineOptions;
  readonly #after: After;
  readonly #live = new Map<string, LiveRun>();
  readonly #active = new Set<LiveRun>();
  readonly #waiting = new WaitingRuns();
  readonly #listeners = new Listeners();
  readonly #rests = new RestWaiters();
  readonly #calls: CallRunner;
  readonly #deadlines: DeadlineTimer;
  readonly #outbox: Outbox;
  #scheduled = false;
  #closing = false;
  /** Nothing is under way any more, and the journal is closed. */
  #ended = false;
  #closed: Promise<void> | null = null;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#after = options.after ?? afterRealTime;
    this.#journal = options.journal;
    this.#activities = new Map(options.activities.map((activity) => [activity.name, activity]));
    this.#workflows = new Workflows(options.workflows);
    this.#codec = createCodec(options.journal.blobs, options.journal.blobs);
    this.#outbox = new Outbox({
      journal: options.journal,
      staged: (event) => this.#staged(event),
      written: (events) => this.#written(events),
      failed: (error) => this.#break(error),
      turn: () => this.#schedule(),
    });
    this.#calls = new CallRunner({
      codec: this.#codec,
      blobs: options.journal.blobs,
      activities: this.#activities,
      pools: options.pools ?? {},
      stopped: () => this.#stopped(),
      closing: () => this.#closing,
      assertOwner: () => this.#assertOwner(),
      fold: (runId) => this.#journal.run(runId),
      stage: (runId, event, urgency) => this.#outbox.stage(runId, event, urgency),
      delta: (runId, path, text) => this.#listeners.tell({ type: "delta", run_id: runId, path, text }),
      hold: (live, error) => this.#hold(live, error),
      quiet: (live) => {
        this.#active.add(live);
        this.#schedule();
      },
    });
    this.#deadlines = new DeadlineTimer({ now: options.now, after: this.#after }, () => this.#expireOverdue());
    this.#armTimer();
  }

  start(options: StartOptions): string {
    this.#assertOpen();
    const runId = options.run_id ?? this.#options.newRunId();
    const workflow = this.#workflows.named(options.workflow);
    const input = this.#codec.payload(this.#codec.encode(options.input), { apart: true });
    this.#put(runId, {
      kind: "run-started",
      path: "",
      data: {
        workflow: workflow.name,
        version: workflow.version,
        flags: workflow.flags ?? [],
        session_id: options.session_id,
        parent: options.parent ?? null,
        input,
        ...(options.budget === undefined ? {} : { budget: options.budget }),
        ...(options.priority === undefined ? {} : { priority: options.priority }),
        ...(options.trace === undefined ? {} : { trace: options.trace }),
      },
    });
    return runId;
  }

  signal(runId: string, name: string, payload: unknown): void {
    this.#assertOpen();
    const fold = this.#openFold(runId);
    const wait = Object.entries(fold.waits).find(([, open]) => open.name === name);
    if (wait === undefined && this.#wasSettled(runId, name)) throw new BosunError("conflict", `${name} was answered already`);
    const [path, deadline] = wait === undefined ? ["", null] : [wait[0], wait[1].deadline];
    if (deadline !== null && this.#options.now() >= deadline) {
      this.#expire(runId, path, name);
      throw new BosunError(
        "approval_expired",
        `${name} expired at ${new Date(deadline).toISOString()}: \`bosun resume ${runId}\` asks again`,
      );
    }
    this.#put(runId, {
      kind: "signal-received",
      path: "",
      data: { name, payload: this.#codec.payload(this.#codec.encode(payload), { apart: false }) },
    });
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
    this.#waiting.remove(runId);
    this.#put(runId, { kind: "cancel-requested", path: "", data: { by } });
    if (live !== undefined) this.#stopDriving(live);
  }

  pause(runId: string, by: string): void {
    this.#assertOpen();
    const fold = this.#openFold(runId);
    const live = this.#live.get(runId);
    if (live?.ending === true) throw new BosunError("conflict", `run ${runId} has ended just now`);
    if (fold.paused) return;
    this.#waiting.remove(runId);
    if (live !== undefined) live.paused = true;
    this.#put(runId, { kind: "pause-requested", path: "", data: { by } });
    // What an owner that died left under way is not any more.
    if (live === undefined && isActive(this.#journal.run(runId))) this.#wake(runId);
    if (live === undefined) return;
    haltCalls(live, "idle");
    this.#active.add(live);
    this.#schedule();
  }

  event(runId: string, payload: unknown): void {
    this.#assertOpen();
    this.#openFold(runId);
    this.#put(runId, {
      kind: "event-received",
      path: "",
      data: { payload: this.#codec.payload(this.#codec.encode(payload), { apart: false }) },
    });
  }

  async decideEffect(runId: string, path: string, decision: EffectDecision, by: string): Promise<void> {
    this.#assertOpen();
    const find = (): { readonly attempt: number } => {
      const found = this.#openFold(runId).uncertain[path];
      if (found === undefined) throw new BosunError("conflict", `nothing is uncertain at ${path} of run ${runId}`, { retryable: false });
      return found;
    };
    find();
    const call = openCallsOf(this.#journal.events(runId)).find((open) => open.path === path);
    if (call === undefined) throw new BosunError("internal", `${path} of run ${runId} is uncertain and not open`);
    const receipt = decision === "happened" ? await this.#calls.assume(runId, call) : null;
    this.#assertOpen();
    const { attempt } = find();
    const events = decisionEvents({ call, attempt, decision, by, receipt }, this.#codec);
    this.#outbox.stageAll(
      events.map((event) => ({ run_id: runId, event })),
      "at_once",
    );
    this.#flush();
    this.#assertOpen();
    if (decision !== "not_happened") return;
    const live = this.#live.get(runId);
    if (live === undefined) this.#wake(runId);
    // One that is over, or on its way to a hold, begins nothing more.
    else if (live.history === null && !live.paused && live.outcome === null && live.holding === null)
      this.#calls.recover(live, { ...call, underWay: false });
  }

  resume(runId: string, by: string, budget?: Caps): void {
    this.#assertOpen();
    this.#flush();
    const fold = this.#journal.run(runId);
    if (fold.ended !== null) throw new BosunError("conflict", `run ${runId} has ended: ${fold.ended.status}`);
    const live = this.#live.get(runId);
    const stopping = live !== undefined && (live.paused || live.holding !== null);
    const holds = fold.held !== null || fold.paused || Object.values(fold.waits).some((wait) => wait.about.for === "hold");
    if (stopping || holds || budget !== undefined) {
      // What was halted on the way to the pause or the hold begins anew, when it has come to rest.
      if (stopping) live.wakeAgain = true;
      this.#put(runId, { kind: "resume-requested", path: "", data: { by, ...(budget === undefined ? {} : { budget }) } });
    } else if (live === undefined && !this.#waiting.has(runId)) {
      this.#stir(runId);
    }
  }

  async fork(runId: string, options: ForkOptions): Promise<string> {
    this.#assertOpen();
    this.#flush();
    const forkId = options.run_id ?? this.#options.newRunId();
    const parent = this.#journal.events(runId);
    const workflow = this.#workflows.ofRun(parent);
    const time = this.#options.now();
    const events = await forkEvents({
      forkId,
      time,
      parent,
      headAt: this.#journal.hashAt(runId, options.at),
      budget: this.#journal.run(runId).budget,
      options,
      fn: workflow.fn,
      activities: this.#activities,
      codec: this.#codec,
    });
    this.#assertOpen();
    // Upkeep may have removed the parent meanwhile, with what the fork would name.
    this.#journal.run(runId);
    this.#outbox.stageAll(
      events.map((event) => ({ run_id: forkId, event, time })),
      "at_once",
    );
    this.#flush();
    this.#assertOpen();
    return forkId;
  }

  recover(): readonly string[] {
    this.#assertOpen();
    const unfinished = this.#journal.unfinished().filter((runId) => !this.#live.has(runId) && !this.#waiting.has(runId));
    const taken: string[] = [];
    for (const runId of unfinished) {
      const fold = this.#journal.run(runId);
      if (fold.held !== null) continue;
      // Nothing of it was under way: it waits for its turn as it did.
      if (!fold.begun && !fold.cancelling) {
        if (fold.paused) continue;
        this.#waiting.add(fold);
      } else this.#outbox.stage(runId, { kind: "run-recovered", path: "", data: { epoch: this.#journal.epoch } }, "later");
      taken.push(runId);
    }
    this.#flush();
    for (const runId of taken) if (!this.#waiting.has(runId)) this.#wake(runId);
    this.#admit();
    this.#expireOverdue();
    return taken;
  }

  async replay(runId: string): Promise<ReplayResult> {
    this.#flush();
    return replayRun({
      runId,
      journal: this.#journal,
      activities: this.#activities,
      fn: this.#workflows.named(this.#journal.run(runId).workflow).fn,
    });
  }

  keep<T>(value: T): Kept<T> {
    return this.#codec.keep(value);
  }

  async settled(runId: string): Promise<void> {
    if (this.broken !== null) throw new BosunError(this.broken.code, this.broken.message);
    if (this.#ended) throw wasClosed();
    if (!this.#underWay(runId) && !this.#sleeps(runId)) return;
    await this.#rests.wait(runId);
  }

  flush(): void {
    this.#flush();
  }

  subscribe(listener: (note: EngineNote) => void): () => void {
    return this.#listeners.add(listener);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing = true;
    this.#deadlines.stop();
    for (const live of this.#live.values()) {
      // Nobody cancelled it: an effect that waits for its place or for another try is made again by the next owner.
      haltCalls(live, "idle");
      abortCalls(live);
      disarmLimit(live);
    }
    await this.#calls.effectsDone();
    this.#flush();
    this.#outbox.close();
    this.#journal.close();
    this.#rests.rejectAll(wasClosed());
    this.#ended = true;
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
    if (this.#outbox.due && (this.#outbox.overdue || !this.#hasDeliveries())) this.#flush();
    // What could not be written must not look as if it had been waited for: nothing is parked, nothing handed over.
    if (this.#stopped()) return;
    // A run's next command may come in the microtasks after this; it is looked at again in the next turn.
    for (const live of this.#active) {
      try {
        const event = live.paused ? undefined : live.deliveries.shift();
        if (event === undefined) this.#quiet(live);
        else live.instance.deliver(event);
      } catch (error) {
        // A payload that is gone, or a fault of ours: this run stops, the others go on.
        this.#hold(live, toErrorValue(error));
      }
      if (this.#stopped()) return;
    }
    if (this.#active.size > 0 || this.#outbox.due) this.#schedule();
  }

  /** Outcomes that wait to be handed over may bring more to be written with what is due. */
  #hasDeliveries(): boolean {
    for (const live of this.#active) if (!live.paused && live.deliveries.length > 0) return true;
    return false;
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
    const over = live.cancelling || live.outcome !== null;
    if ((over || live.holding !== null) && this.#beginsMore(live)) return;
    if (over && this.#settlesLeft(live)) return;
    if (live.cancelling)
      this.#end(live, {
        kind: "run-ended",
        path: "",
        data: { status: "cancelled", error: this.#codec.keepError(errorValue("cancelled", "cancelled by a person")) },
      });
    else if (live.outcome !== null) this.#end(live, this.#endEvent(live.outcome));
    else if (live.holding !== null && !live.wakeAgain)
      this.#end(live, { kind: "run-held", path: "", data: { error: this.#codec.keepError(live.holding) } });
    else this.#park(live);
  }

  #finishHistory(live: LiveRun, history: readonly RunEvent[]): void {
    live.history = null;
    if (live.paused) {
      for (const call of this.#leftOpen(live, history)) this.#calls.settlePaused(live, call);
      return;
    }
    const missing = live.instance.missing;
    // Also when it has returned: what it did not ask for this time may have been done.
    if (missing !== null && !live.cancelling && !live.instance.stopped) {
      this.#hold(
        live,
        divergedError({ seq: missing.seq, expected: describeCommand(missing), actual: "the supervisor did not ask for it" }),
      );
      return;
    }
    if (live.cancelling || live.outcome !== null) this.#settleOpen(live, history);
    if (live.instance.stopped || live.ending) return;
    for (const call of this.#leftOpen(live, history)) this.#calls.recover(live, call);
  }

  /** Calls that an earlier life left without an outcome, as they stand now: a person may have said meanwhile what became of one. */
  #leftOpen(live: LiveRun, history: readonly RunEvent[]): readonly OpenCall[] {
    const left = openCallsOf(history);
    if (left.length === 0 || this.#journal.run(live.runId).seq === history.length) return left;
    const paths = new Set(left.map(({ path }) => path));
    return openCallsOf(this.#journal.events(live.runId)).filter(({ path }) => paths.has(path));
  }

  #flush(): void {
    if (this.broken === null) this.#outbox.flush();
  }

  /** Appends what somebody asks for from outside; it is on the medium before it is said to be done. */
  #put(runId: string, event: NewEvent): void {
    this.#outbox.stage(runId, event, "at_once");
    this.#flush();
    this.#assertOpen();
  }

  /** It has its place in the journal: whatever has no side effect follows from it at once. */
  #staged(event: RunEvent): void {
    const live = this.#live.get(event.run_id);
    if (live === undefined) return;
    if (event.kind === "call-started" && !isHeld(event.data.kind)) this.#calls.begin(live, event.path, 1);
    if (event.kind === "call-completed" || event.kind === "call-failed") live.inFlight.delete(event.path);
    if (isDelivery(event)) live.deliveries.push(event);
    this.#armLimit(live);
    this.#active.add(live);
    this.#schedule();
  }

  /** It is on the medium: what costs or changes something may begin, and the world may know. */
  #written(events: readonly RunEvent[]): void {
    const asleep = new Map<string, RunEvent[]>();
    for (const event of events) {
      const live = this.#live.get(event.run_id);
      if (live === undefined) asleep.set(event.run_id, [...(asleep.get(event.run_id) ?? []), event]);
      else if (event.kind === "run-ended" || event.kind === "run-held") this.#forget(live);
      else if (event.kind === "attempt-admitted") this.#calls.admittedWritten(event.run_id, event.path);
      else if (event.kind === "attempt-started") this.#calls.begin(live, callPath(event.path), event.data.attempt);
      else if (event.kind === "call-started" && isHeld(event.data.kind)) this.#calls.begin(live, event.path, 1);
    }
    for (const [runId, its] of asleep) this.#writtenAsleep(runId, its);
    if (events.some((event) => event.kind === "wait-started")) this.#armTimer();
    for (const event of events) this.#listeners.tell({ type: "event", event });
  }

  #writtenAsleep(runId: string, events: readonly RunEvent[]): void {
    const ended = events.some((event) => event.kind === "run-ended" || event.kind === "run-held");
    if (ended) {
      this.#resolveSettled(runId);
    } else if (events[0]?.kind === "run-started") {
      this.#waiting.add(this.#journal.run(runId));
      this.#admit();
    } else if (events.some((event) => isDelivery(event) && event.kind !== "event-received") && !this.#waiting.has(runId)) {
      this.#stir(runId);
    } else if (events.some((event) => event.kind === "pause-requested")) {
      this.#resolveSettled(runId);
    }
  }

  // ---- who is at work

  /** Something came for a run that is not in memory. One that has not begun waits for its turn, unless it is paused. */
  #stir(runId: string): void {
    const fold = this.#journal.run(runId);
    if (fold.begun || fold.cancelling) {
      this.#wake(runId);
    } else if (!fold.paused) {
      this.#waiting.add(fold);
      this.#admit();
    }
  }

  /** Begins what waits for its turn, as far as there is room. */
  #admit(): void {
    const max = this.#options.maxRuns ?? Infinity;
    while (this.#live.size < max && !this.#stopped()) {
      const runId = this.#waiting.next();
      if (runId === undefined) return;
      this.#wake(runId);
    }
  }

  #underWay(runId: string): boolean {
    return this.#live.has(runId) || this.#waiting.has(runId) || this.#outbox.has(runId);
  }

  #wake(runId: string): void {
    if (this.#stopped() || this.#live.has(runId)) return;
    try {
      this.#bringToLife(runId);
    } catch (error) {
      this.#live.delete(runId);
      this.#outbox.stage(runId, { kind: "run-held", path: "", data: { error: this.#codec.keepError(toErrorValue(error)) } }, "at_once");
    }
  }

  #bringToLife(runId: string): void {
    const history = this.#journal.events(runId);
    const fold = this.#journal.run(runId);
    if (fold.ended !== null || fold.held !== null) return;
    const live: LiveRun = {
      runId,
      priority: fold.priority,
      instance: this.#instance(runId, this.#workflows.ofRun(history).fn, history),
      deliveries: history.filter(isDelivery),
      inFlight: new Map(),
      history: history.length > 1 ? history : null,
      cancelling: fold.cancelling,
      paused: fold.paused,
      wakeAgain: false,
      outcome: null,
      holding: null,
      ending: false,
      limit: null,
    };
    this.#waiting.remove(runId);
    this.#live.set(runId, live);
    this.#armLimit(live);
    this.#active.add(live);
    if (fold.cancelling) this.#settleOpen(live, history);
    // Before anything begins that would have to be halted, and paid for, at once.
    else if (!fold.paused && activeMsLeft(fold, this.#options.now()) === 0) this.#outOfTime(live);
    this.#schedule();
  }

  /** A run that is over is not driven again: what an earlier life left open is settled, then it ends. */
  #settleOpen(live: LiveRun, history: readonly RunEvent[]): void {
    live.deliveries.length = 0;
    live.history = null;
    live.instance.stop();
    for (const call of this.#leftOpen(live, history)) this.#calls.settleCancelled(live, call);
  }

  /** What it asked for last may be on its way into the journal. It begins with the commit, to be stopped at once, and comes home before the end. */
  #beginsMore(live: LiveRun): boolean {
    if (!this.#outbox.has(live.runId) || Object.keys(this.#journal.run(live.runId).open).length === 0) return false;
    this.#flush();
    return this.#stopped() || this.#active.has(live) || live.inFlight.size > 0;
  }

  /** Calls that a pause halted, or that nobody is sure of, have no outcome yet; the run ends after it. False when there are none. */
  #settlesLeft(live: LiveRun): boolean {
    if (Object.keys(this.#journal.run(live.runId).open).length === 0) return false;
    this.#settleOpen(live, this.#journal.events(live.runId));
    return true;
  }

  #instance(runId: string, fn: AnyDurableFunction, recorded: readonly RunEvent[]): RunInstance {
    return new RunInstance({
      runId,
      fn,
      activities: this.#activities,
      codec: this.#codec,
      recorded,
      hooks: {
        emit: (event) => this.#emit(runId, event),
        ended: (outcome) => this.#functionEnded(runId, outcome),
        failed: (failure) => {
          const live = this.#live.get(runId);
          if (live === undefined) return;
          this.#hold(live, "divergence" in failure ? divergedError(failure.divergence) : failure.error);
        },
      },
    });
  }

  #emit(runId: string, event: NewEvent): void {
    const live = this.#live.get(runId);
    const urgency = event.kind === "call-started" && isHeld(event.data.kind) ? "at_once" : "later";
    this.#outbox.stage(runId, live === undefined ? event : this.#calls.admitted(live, event), urgency);
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
    this.#outbox.stage(live.runId, event, "at_once");
  }

  #hold(live: LiveRun, error: ErrorValue): void {
    beginHold(live, error);
    this.#active.add(live);
    this.#schedule();
  }

  #park(live: LiveRun): void {
    this.#flush();
    // Whoever was told may have asked for something.
    if (this.#stopped() || this.#active.has(live) || live.inFlight.size > 0) return;
    try {
      this.#journal.park(live.runId);
    } catch (error) {
      this.#break(toErrorValue(error));
      return;
    }
    this.#forget(live);
  }

  #forget(live: LiveRun): void {
    disarmLimit(live);
    this.#live.delete(live.runId);
    this.#active.delete(live);
    this.#options.onParked?.(live.runId);
    if (live.wakeAgain) this.#wake(live.runId);
    this.#resolveSettled(live.runId);
    this.#admit();
  }

  // ---- time

  /** A run with a cap on its active time stops when that is used up; what only reads or pays is made again once the cap is raised. */
  #armLimit(live: LiveRun): void {
    const left = activeMsLeft(this.#journal.run(live.runId), this.#options.now());
    disarmLimit(live);
    if (left === null || live.ending || live.holding !== null || live.paused) return;
    live.limit = this.#after(Math.min(left, MAX_TIMEOUT_MS), () => this.#outOfTime(live));
  }

  #outOfTime(live: LiveRun): void {
    if (this.#stopped() || live.ending || live.holding !== null || live.outcome !== null || live.cancelling) return;
    const fold = this.#journal.run(live.runId);
    if (activeMsLeft(fold, this.#options.now()) !== 0) {
      this.#armLimit(live);
      return;
    }
    haltCalls(live, "all");
    this.#hold(
      live,
      errorValue(
        "budget_exceeded",
        `the run has used its ${fold.budget.seconds} seconds of active time. \`bosun resume ${live.runId} --budget-seconds N\` raises them`,
      ),
    );
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

  /** Once: whoever is told of one deadline may run into the next before the timer does. */
  #expire(runId: string, path: string, name: string): void {
    if (this.#journal.run(runId).waits[path] === undefined) return;
    this.#outbox.stage(runId, { kind: "wait-expired", path, data: { name } }, "at_once");
    this.#flush();
  }

  #sleeps(runId: string): boolean {
    const { paused, held, waits } = this.#journal.run(runId);
    return !paused && held === null && Object.values(waits).some((wait) => wait.name === "timer");
  }

  #wasSettled(runId: string, name: string): boolean {
    return this.#journal
      .events(runId)
      .some((event) => (event.kind === "signal-received" || event.kind === "wait-expired") && event.data.name === name);
  }

  // ---- small things

  /** The run as it stands on the medium. @throws BosunError not_found, conflict when it has ended or is being cancelled */
  #openFold(runId: string): RunFold {
    this.#flush();
    const fold = this.#journal.run(runId);
    if (fold.ended !== null) throw new BosunError("conflict", `run ${runId} has ended`);
    if (fold.cancelling) throw new BosunError("conflict", `run ${runId} is being cancelled`);
    return fold;
  }

  #assertOwner(): void {
    try {
      this.#journal.assertOwner();
    } catch (error) {
      this.#break(toErrorValue(error));
      throw error;
    }
  }

  #resolveSettled(runId: string): void {
    if (this.#underWay(runId) || this.#sleeps(runId)) return;
    this.#rests.resolve(runId);
  }

  /** The journal refuses: nothing may happen any more that it could not tell of. */
  #break(error: ErrorValue): void {
    if (this.broken !== null) return;
    this.broken = error;
    this.#deadlines.stop();
    this.#outbox.close();
    for (const live of this.#live.values()) {
      disarmLimit(live);
      abortCalls(live);
    }
    this.#rests.rejectAll(new BosunError(error.code, error.message));
  }

  #assertOpen(): void {
    if (this.broken !== null) throw new BosunError(this.broken.code, this.broken.message);
    if (this.#closing) throw new BosunError("internal", "Bosun is closing");
  }
}

function wasClosed(): BosunError {
  return new BosunError("internal", "Bosun was closed; the run goes on when it is taken up again");
}

/** Its intent is on the medium before it begins. */
function isHeld(kind: ActivityKind): boolean {
  return kind === "paid" || kind === "effect";
}

function disarmLimit(live: LiveRun): void {
  live.limit?.();
  live.limit = null;
}

function divergedError(divergence: Divergence): ErrorValue {
  return errorValue(
    "internal",
    `this version of Bosun would do something else than the journal has at event ${divergence.seq}: expected ${divergence.expected}; got ${divergence.actual}. Nothing was done; finish the run with the version that began it, or cancel it`,
  );
}
