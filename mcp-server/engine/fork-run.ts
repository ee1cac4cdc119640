/**
 * The first events of a fork. The parent's function is driven anew, in memory, with the outcomes that the parent has up to the fork point
 * and whatever was changed; what it asks on the way, and those outcomes, are the fork's own history, from which it goes on live.
 */
import { setImmediate as macrotask } from "node:timers/promises";
import { BosunError } from "../../shared/errors.ts";
import type { ApprovalDecision, Caps, EventOf, NewEvent, RunEvent } from "../../shared/events.ts";
import type { RunFold } from "../journal/fold-run.ts";
import type { AnyActivity } from "./activity.ts";
import type { Codec } from "./codec.ts";
import type { ForkOptions } from "./port.ts";
import { isDelivery, RunInstance } from "./run-instance.ts";
import type { AnyDurableFunction } from "./run-instance.ts";

export interface ForkSource {
  readonly forkId: string;
  /** Epoch milliseconds that all events of the beginning carry. */
  readonly time: number;
  readonly parent: readonly RunEvent[];
  /** Hash of the parent's event at the fork point. */
  readonly headAt: string;
  /** The parent's caps; the fork's, unless it is given others. */
  readonly budget: RunFold["budget"];
  readonly options: ForkOptions;
  readonly fn: AnyDurableFunction;
  readonly activities: ReadonlyMap<string, AnyActivity>;
  /** Keeps payloads, for the fork names them too. */
  readonly codec: Codec;
}

type Started = EventOf<"run-started">;
type Delivery = Extract<NewEvent, { kind: "call-completed" | "call-failed" | "wait-expired" | "signal-received" | "event-received" }>;

/** @throws BosunError invalid_input when nothing would be left to do, or a changed call or wait is not there */
export async function forkEvents(source: ForkSource): Promise<readonly NewEvent[]> {
  const { parent, options } = source;
  const first = parent[0];
  if (first?.kind !== "run-started") throw new BosunError("internal", "the run's journal does not begin with run-started");
  const kept = parent.filter((event) => event.seq <= options.at);
  const drive = new ForkDrive(source, first);
  await drive.begin();
  for (const event of deliveriesOf(kept, source.activities)) await drive.take(event);
  await drive.changeRest();
  return drive.end();
}

class ForkDrive {
  readonly #source: ForkSource;
  readonly #first: Started;
  readonly #events: NewEvent[] = [];
  readonly #instance: RunInstance;
  /** Activities that the fork has asked for, and signals that it waits for, by path. */
  readonly #asked = new Map<string, string>();
  readonly #waits = new Map<string, string>();
  /** Of the parent: path of the wait by the name of its signal, activity by path. */
  readonly #parentWaits = new Map<string, string>();
  readonly #parentCalls = new Map<string, string>();
  readonly #settled = new Set<string>();
  #over = false;
  #fault: string | null = null;

  constructor(source: ForkSource, first: Started) {
    this.#source = source;
    this.#first = first;
    for (const event of source.parent) {
      if (event.kind === "wait-started") this.#parentWaits.set(event.data.name, event.path);
      if (event.kind === "call-started") this.#parentCalls.set(event.path, event.data.activity);
    }
    this.#instance = new RunInstance({
      runId: source.forkId,
      fn: source.fn,
      activities: source.activities,
      codec: source.codec,
      recorded: [],
      hooks: {
        emit: (event) => this.#emit(event),
        ended: () => (this.#over = true),
        failed: (failure) => (this.#fault = "divergence" in failure ? failure.divergence.actual : failure.error.message),
      },
    });
  }

  async begin(): Promise<void> {
    await this.#deliver(this.#startEvent(0));
  }

  /** Hands an outcome of the parent over, if the fork has asked for it. */
  async take(event: RunEvent): Promise<void> {
    switch (event.kind) {
      case "call-completed":
      case "call-failed":
        if (this.#asked.get(event.path) !== this.#parentCalls.get(event.path)) return;
        await this.#deliver(this.#changed(event.path) ?? outcomeOf(event));
        break;
      case "wait-expired":
        if (this.#waits.has(event.path))
          await this.#deliver(
            this.#answered(event.path) ?? { kind: event.kind, path: event.path, data: { name: this.#nameAt(event.path) } },
          );
        break;
      case "signal-received": {
        const path = this.#parentWaits.get(event.data.name) ?? "";
        // Before anyone waits for it, it has the name that the parent knew it by.
        const name = this.#waits.get(path) ?? event.data.name;
        const payload = this.#answered(path)?.data.payload ?? event.data.payload;
        this.#settled.add(path);
        await this.#deliver({ kind: event.kind, path: "", data: { name, payload } });
        break;
      }
      case "event-received":
        await this.#deliver({ kind: event.kind, path: "", data: event.data });
        break;
      case "resume-requested":
        // Caps that a person raised were raised for the parent.
        await this.#resume(event.data.by);
        break;
      default:
        break;
    }
  }

  /** Changes at calls and waits that have no outcome so far; then what is stopped goes on. */
  async changeRest(): Promise<void> {
    const { answers = {}, signals = {} } = this.#source.options;
    for (const path of Object.keys(answers)) if (!this.#settled.has(path)) await this.#change(this.#changed(path), path);
    for (const path of Object.keys(signals)) if (!this.#settled.has(path)) await this.#change(this.#answered(path), path);
    if (!this.#over) await this.#resume("fork");
  }

  end(): readonly NewEvent[] {
    if (this.#fault !== null) throw new BosunError("internal", `the run cannot be forked: ${this.#fault}`);
    const { answers = {}, signals = {} } = this.#source.options;
    if (this.#over && Object.keys(answers).length + Object.keys(signals).length === 0)
      throw new BosunError(
        "invalid_input",
        `with all that run ${this.#first.run_id} did up to event ${this.#source.options.at} nothing is left to do: fork at an earlier point`,
      );
    return [this.#startEvent(this.#events.length), ...this.#events.slice(1)];
  }

  async #change(event: Delivery | null, path: string): Promise<void> {
    if (event === null || (!this.#asked.has(path) && !this.#waits.has(path)))
      throw new BosunError(
        "invalid_input",
        `nothing is asked at ${path} up to event ${this.#source.options.at}, so its answer cannot be changed`,
      );
    this.#settled.add(path);
    await this.#deliver(event);
  }

  async #resume(by: string): Promise<void> {
    const holds = this.#events.some(
      (event) => event.kind === "wait-started" && event.data.about.for === "hold" && !this.#settled.has(event.path),
    );
    if (!holds) return;
    for (const event of this.#events) if (event.kind === "wait-started" && event.data.about.for === "hold") this.#settled.add(event.path);
    await this.#deliver({ kind: "resume-requested", path: "", data: { by } });
  }

  #changed(path: string): EventOfNew<"call-completed"> | null {
    const { answers = {} } = this.#source.options;
    if (!Object.hasOwn(answers, path)) return null;
    const { codec } = this.#source;
    return { kind: "call-completed", path, data: { attempt: 1, result: codec.payload(codec.encode(answers[path])) } };
  }

  #answered(path: string): EventOfNew<"signal-received"> | null {
    const { signals = {} } = this.#source.options;
    if (!Object.hasOwn(signals, path)) return null;
    const { codec } = this.#source;
    const payload = codec.payload(codec.encode(signals[path]), { apart: false });
    return { kind: "signal-received", path: "", data: { name: this.#nameAt(path), payload } };
  }

  #nameAt(path: string): string {
    return this.#waits.get(path) ?? "";
  }

  #emit(event: NewEvent): void {
    if (event.kind === "call-started") this.#asked.set(event.path, event.data.activity);
    if (event.kind === "wait-started") this.#waits.set(event.path, event.data.name);
    this.#events.push(event);
  }

  async #deliver(event: NewEvent): Promise<void> {
    this.#events.push(event);
    if (event.path !== "") this.#settled.add(event.path);
    const { forkId, time } = this.#source;
    this.#instance.deliver({ ...event, run_id: forkId, seq: this.#events.length, time, epoch: 0, cause: null });
    await macrotask();
  }

  #startEvent(copied: number): NewEvent {
    const { codec, options, headAt, budget } = this.#source;
    const { data, run_id: runId } = this.#first;
    const priority = options.priority ?? data.priority;
    const { workflow, version, flags, session_id: sessionId } = data;
    return {
      kind: "run-started",
      path: "",
      data: {
        workflow,
        version,
        flags,
        session_id: sessionId,
        parent: { run_id: runId, seq: options.at, head: headAt },
        input: Object.hasOwn(options, "input") ? codec.payload(codec.encode(options.input), { apart: true }) : data.input,
        budget: options.budget ?? capsOf(budget),
        ...(priority === undefined ? {} : { priority }),
        fork: { copied },
      },
    };
  }
}

type EventOfNew<K extends NewEvent["kind"]> = Extract<NewEvent, { kind: K }>;

/** The outcome alone; where and when it came is the parent's. Written twice, for the compiler tells the two kinds apart by it. */
function outcomeOf(event: EventOf<"call-completed" | "call-failed">): NewEvent {
  return event.kind === "call-completed"
    ? { kind: event.kind, path: event.path, data: event.data }
    : { kind: event.kind, path: event.path, data: event.data };
}

function capsOf({ usd, tokens, seconds }: RunFold["budget"]): Caps {
  return { ...(usd === null ? {} : { usd }), ...(tokens === null ? {} : { tokens }), ...(seconds === null ? {} : { seconds }) };
}

/**
 * What of the parent is handed over: nothing after a cancel; no approval that was not carried out or acted upon, nor the proposal it is
 * about, for what was approved was approved for the parent.
 */
function deliveriesOf(kept: readonly RunEvent[], activities: ReadonlyMap<string, AnyActivity>): readonly RunEvent[] {
  const cancelled = kept.findIndex((event) => event.kind === "cancel-requested");
  const events = cancelled === -1 ? kept : kept.slice(0, cancelled);
  const started = new Map(events.flatMap((event) => (event.kind === "call-started" ? [[event.path, event] as const] : [])));
  const approvals = new Map(
    events.flatMap((event) =>
      event.kind === "wait-started" && event.data.about.for === "approval" ? [[event.data.name, event.path] as const] : [],
    ),
  );
  /** Branch -> `seq` of the last thing that an approval in it led to. */
  const carriedOut = new Map<string, number>();
  for (const event of events) {
    const effect = (event.kind === "call-completed" || event.kind === "call-failed") && started.get(event.path)?.data.kind === "effect";
    if (effect) carriedOut.set(branchOf(event.path), event.seq);
    // What a rule refused was acted upon, too.
    if (event.kind === "approval-requested" && event.data.policy?.decide === "deny") carriedOut.set(event.path, event.seq);
    const wait = event.kind === "signal-received" ? approvals.get(event.data.name) : undefined;
    if (wait !== undefined && event.kind === "signal-received" && isRejection(event)) carriedOut.set(branchOf(wait), event.seq);
  }
  const stands = (path: string, seq: number): boolean => (carriedOut.get(branchOf(path)) ?? 0) >= seq;
  return events.filter((event) => {
    if (!isDelivery(event) || event.kind === "run-started") return false;
    if (event.kind === "signal-received") {
      const wait = approvals.get(event.data.name);
      return wait === undefined || stands(wait, event.seq);
    }
    if (event.kind !== "call-completed") return true;
    const activity = activities.get(started.get(event.path)?.data.activity ?? "");
    return activity?.ownRun !== true || stands(event.path, event.seq);
  });
}

function isRejection({ data }: EventOf<"signal-received">): boolean {
  return "inline" in data.payload && (data.payload.inline as unknown as Partial<ApprovalDecision> | null)?.decision === "reject";
}

function branchOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}
