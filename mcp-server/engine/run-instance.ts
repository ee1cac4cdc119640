/**
 * One run being driven: the durable function, what it waits for, and the check of every command against the journal. It decides
 * nothing about storage; commands go out through `emit`, outcomes come in one at a time through `deliver`.
 */
import { createHash } from "node:crypto";
import type {
  ActivityTypes,
  Chain,
  DurableContext,
  DurableFunction,
  Kept,
  Outcome,
  Signalled,
  SpanMark,
  Wait,
} from "../../shared/durable.ts";
import type { ErrorValue } from "../../shared/errors.ts";
import type { NewEvent, RunEvent } from "../../shared/events.ts";
import type { AnyActivity } from "./activity.ts";
import type { Codec } from "./codec.ts";
import type { Divergence } from "./port.ts";

const COMMANDS = new Set([
  "call-started",
  "wait-started",
  "span-opened",
  "span-closed",
  "plan-adopted",
  "step-skipped",
  "step-cancelled",
  "approval-requested",
  "approval-voided",
]);
const DELIVERIES = new Set([
  "run-started",
  "call-completed",
  "call-failed",
  "wait-expired",
  "signal-received",
  "resume-requested",
  "cancel-requested",
  "event-received",
]);

export function isCommand(event: { kind: string }): boolean {
  return COMMANDS.has(event.kind);
}

export function isDelivery(event: { kind: string }): boolean {
  return DELIVERIES.has(event.kind);
}

// oxlint-disable-next-line typescript/no-explicit-any -- functions of different types in one table; the journal's workflow name picks one
export type AnyDurableFunction = DurableFunction<any, any, any>;

export interface RunHooks {
  /** A new command: to be appended to the journal. */
  emit(event: NewEvent): void;
  /** The function returned. */
  ended(outcome: Outcome<unknown>): void;
  /** The function did what the journal does not have, or threw. */
  failed(failure: { readonly divergence: Divergence } | { readonly error: ErrorValue }): void;
}

interface Pending {
  readonly signal: string | null;
  readonly hold: boolean;
  settle(event: RunEvent): void;
}

/** A stopped run's function simply never hears again. A promise of its own each time, so that it can be collected. */
function never(): Promise<never> {
  return new Promise<never>(() => undefined);
}

export class RunInstance {
  readonly runId: string;
  /** Calls without an outcome, by path. */
  readonly calls = new Map<string, { readonly activity: AnyActivity; readonly input: unknown }>();
  #stopped = false;
  /** The function has returned; what it left behind is not driven any further. */
  #returned = false;
  #now = 0;
  /** `seq` of the event delivered last. */
  #last = 0;
  #recorded: readonly RunEvent[];
  #flags: readonly number[] = [];
  readonly #events: unknown[] = [];
  #next = 0;
  readonly #pending = new Map<string, Pending>();
  readonly #signals = new Map<string, RunEvent>();
  readonly #branches = new Set<string>();
  /** Signals are delivered once, so each may be waited for once. */
  readonly #waited = new Set<string>();
  readonly #counts = new Map<string, number>();
  readonly #fn: AnyDurableFunction;
  readonly #activities: ReadonlyMap<string, AnyActivity>;
  readonly #codec: Codec;
  readonly #hooks: RunHooks;

  /** @param recorded commands that the journal has already; each new command must equal the next of them. */
  constructor(options: {
    runId: string;
    fn: AnyDurableFunction;
    activities: ReadonlyMap<string, AnyActivity>;
    codec: Codec;
    recorded: readonly RunEvent[];
    hooks: RunHooks;
  }) {
    this.runId = options.runId;
    this.#fn = options.fn;
    this.#activities = options.activities;
    this.#codec = options.codec;
    this.#recorded = options.recorded.filter(isCommand);
    this.#hooks = options.hooks;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** The next command that the journal has and the function has not issued yet. */
  get missing(): RunEvent | null {
    return this.#recorded[this.#next] ?? null;
  }

  stop(): void {
    this.#stopped = true;
    this.#pending.clear();
  }

  /** Takes one event of the journal in. The function's answer to it comes in microtasks: wait for a macrotask before the next. */
  deliver(event: RunEvent): void {
    if (this.#stopped || this.#returned) return;
    const owed = this.missing;
    if (owed !== null && (owed.cause ?? 0) <= this.#last) {
      this.#diverge(owed.seq, describeCommand(owed), "the supervisor did not ask for it");
      return;
    }
    this.#now = event.time;
    this.#last = event.seq;
    switch (event.kind) {
      case "run-started":
        this.#flags = event.data.flags;
        this.#start(this.#codec.decode(event.data.input));
        break;
      case "event-received":
        this.#events.push(this.#codec.decode(event.data.payload));
        break;
      case "call-completed":
      case "call-failed":
      case "wait-expired":
        this.#settle(event.path, event);
        break;
      case "signal-received":
        this.#receive(event.data.name, event);
        break;
      case "resume-requested":
        for (const [path, pending] of this.#pending) if (pending.hold) this.#settle(path, event);
        break;
      case "cancel-requested":
        this.stop();
        break;
      default:
        break;
    }
  }

  #start(input: unknown): void {
    const context = this.#context("");
    void this.#fn(context, input).then(
      (outcome) => {
        if (this.#stopped) return;
        this.#returned = true;
        this.#pending.clear();
        this.#hooks.ended(outcome);
      },
      (error: unknown) => {
        if (this.#stopped) return;
        this.stop();
        this.#hooks.failed({
          error: {
            code: "internal",
            message: `the supervisor failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
            retryable: false,
          },
        });
      },
    );
  }

  #settle(path: string, event: RunEvent): void {
    const pending = this.#pending.get(path);
    if (pending === undefined) {
      this.#diverge(event.seq, `${event.kind} ${path}`, `nothing was asked at ${path}`);
      return;
    }
    this.#pending.delete(path);
    pending.settle(event);
  }

  #receive(name: string, event: RunEvent): void {
    for (const [path, pending] of this.#pending) {
      if (pending.signal !== name) continue;
      this.#settle(path, event);
      return;
    }
    this.#signals.set(name, event);
  }

  #diverge(seq: number, expected: string, actual: string): void {
    this.stop();
    this.#hooks.failed({ divergence: { seq, expected, actual } });
  }

  /** Checks a command against the journal, or emits it. False when the run was stopped. */
  #command(event: NewEvent): boolean {
    if (this.#stopped || this.#returned) return false;
    const recorded = this.#recorded[this.#next];
    if (recorded === undefined) {
      this.#hooks.emit({ ...event, cause: this.#last });
      return !this.#stopped;
    }
    const [expected, actual] = [describeCommand(recorded), describeCommand({ ...event, cause: this.#last })];
    if (expected !== actual) {
      this.#diverge(recorded.seq, expected, actual);
      return false;
    }
    this.#next += 1;
    return true;
  }

  #context(path: string): DurableContext<ActivityTypes> {
    const at = (name: string): string => (path === "" ? name : `${path}/${name}`);
    const branch = (name: string): DurableContext<ActivityTypes> => {
      const child = at(name);
      if (this.#branches.has(child)) throw new Error(`two branches are called ${child}`);
      this.#branches.add(child);
      return this.#context(child);
    };
    return {
      runId: this.runId,
      path,
      call: (activity, input, name) => this.#call(this.#counted(at(name ?? activity)), activity, input),
      signal: <T>(name: string, deadline: number | null, about: Wait) => this.#wait<T>(this.#counted(at("wait")), name, deadline, about),
      sleep: async (ms) => {
        await this.#wait(this.#counted(at("sleep")), "timer", this.#now + ms, { for: "timer" });
      },
      hold: async (error) => {
        await this.#wait(this.#counted(at("hold")), "hold", null, { for: "hold", error: this.#codec.keepError(error) });
      },
      events: () => [...this.#events],
      flag: (number) => this.#flags.includes(number),
      now: () => this.#now,
      id: () =>
        createHash("sha256")
          .update(`${this.runId}\n${this.#counted(at("id"))}`)
          .digest("hex")
          .slice(0, 16),
      branch: (name, fn) => fn(branch(name)),
      span: (name, mark, fn) => this.#span(branch(name), mark, fn),
      record: (kind, data) => void this.#command({ kind, path, data } as NewEvent),
      keep: <T>(value: T): Kept<T> => this.#codec.keep(value),
      chain: <T>(items: readonly T[], before?: Chain<T>): Chain<T> => this.#codec.chain(items, before),
    };
  }

  #counted(path: string): string {
    const count = this.#counts.get(path) ?? 0;
    this.#counts.set(path, count + 1);
    return `${path}:${count}`;
  }

  async #span<T>(
    ctx: DurableContext<ActivityTypes>,
    mark: SpanMark,
    fn: (ctx: DurableContext<ActivityTypes>) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>> {
    if (!this.#command({ kind: "span-opened", path: ctx.path, data: mark })) return never();
    const outcome = await fn(ctx);
    if (!this.#command({ kind: "span-closed", path: ctx.path, data: { error: outcome.ok ? null : this.#codec.keepError(outcome.error) } }))
      return never();
    return outcome;
  }

  #call<T>(path: string, name: string, input: unknown): Promise<Outcome<T>> {
    const activity = this.#activities.get(name);
    if (activity === undefined) throw new Error(`there is no activity ${name}`);
    const encoded = this.#codec.encode(input);
    const event: NewEvent = {
      kind: "call-started",
      path,
      data: {
        activity: name,
        version: activity.version,
        kind: activity.kind,
        input_hash: encoded.hash,
        input: this.#codec.payload(encoded),
        label: activity.label(input),
      },
    };
    this.calls.set(path, { activity, input });
    if (!this.#command(event)) return never();
    return new Promise((resolve) => {
      this.#pending.set(path, {
        signal: null,
        hold: false,
        settle: (outcome) => {
          this.calls.delete(path);
          if (outcome.kind === "call-completed") resolve({ ok: true, value: this.#codec.decode(outcome.data.result) as T });
          else if (outcome.kind === "call-failed") resolve({ ok: false, error: this.#codec.readError(outcome.data.error) });
        },
      });
    });
  }

  #wait<T>(path: string, name: string, deadline: number | null, about: Wait): Promise<Signalled<T>> {
    if (about.for === "approval" || about.for === "answer") {
      if (this.#waited.has(name)) throw new Error(`${name} is waited for twice`);
      this.#waited.add(name);
    }
    if (!this.#command({ kind: "wait-started", path, data: { name, deadline, about } })) return never();
    const early = this.#signals.get(name);
    if (early !== undefined) {
      this.#signals.delete(name);
      return Promise.resolve(this.#signalled<T>(early));
    }
    return new Promise((resolve) => {
      this.#pending.set(path, { signal: name, hold: about.for === "hold", settle: (event) => resolve(this.#signalled<T>(event)) });
    });
  }

  #signalled<T>(event: RunEvent): Signalled<T> {
    if (event.kind === "signal-received") return { kind: "received", payload: this.#codec.decode(event.data.payload) as T };
    return { kind: "expired" };
  }
}

/**
 * What of a command must be the same when it is issued again; one line, readable in a report of a divergence. Wording is left out: a
 * better sentence is no other decision.
 */
export function describeCommand(event: NewEvent | RunEvent): string {
  const at = `after ${event.cause ?? 0} ${event.path}`;
  if (event.kind === "call-started") {
    const { activity, version, input_hash: hash, label } = event.data;
    return `call ${at} ${activity}@${version} input ${hash.slice(0, 16)} (${label.name})`;
  }
  return `${event.kind} ${at} ${JSON.stringify(withoutWords(event))}`;
}

function withoutWords(event: NewEvent | RunEvent): unknown {
  if (event.kind === "span-closed") return { error: event.data.error?.code ?? null };
  if (event.kind !== "wait-started") return event.data;
  const { name, deadline, about } = event.data;
  return { name, deadline, for: about.for, ...(about.for === "hold" ? { code: about.error.code } : {}) };
}
