/** What work took here: sums over the calls and the steps of runs that have ended, folded from their events. */
import type { CallLabel, EventKind, EventOf, RunEvent } from "../../shared/events.ts";

export interface Sum {
  readonly count: number;
  readonly seconds: number;
}

/** Over model calls, failed ones and retries included. */
export interface CallSum extends Sum {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
}

/** Over the model calls in those steps of a worker that came to an end. */
export interface WorkerSum extends CallSum {
  readonly steps: number;
  readonly toolSeconds: number;
  /** By `provider:model`. */
  readonly models: ReadonlyMap<string, Sum>;
}

export interface Measured {
  readonly workers: ReadonlyMap<string, WorkerSum>;
  /** By `provider:model`. */
  readonly models: ReadonlyMap<string, Sum>;
  readonly tools: ReadonlyMap<string, Sum>;
  readonly synthesis: CallSum;
}

/** The kinds of events that it is learned from. */
export const TELLING: readonly EventKind[] = [
  "run-started",
  "span-opened",
  "span-closed",
  "call-started",
  "attempt-ended",
  "call-completed",
  "call-failed",
];

/** What is looked at: enough for a mean, and read in some ten milliseconds, in which nothing else is done. */
export const LEARNED_FROM = { runs: 200, events: 5_000 };

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const newCallSum = (): Writable<CallSum> => ({ count: 0, seconds: 0, prompt_tokens: 0, completion_tokens: 0 });

/** A call that is over. What it used when it is one of a model. */
interface Call {
  readonly label: CallLabel;
  readonly model: string;
  readonly seconds: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
}

interface WorkerTotals extends Writable<Omit<WorkerSum, "models">> {
  readonly models: Map<string, Writable<Sum>>;
}

/** @param events of {@link TELLING} kinds, those of one run together and in order */
export function learnPriors(events: readonly RunEvent[]): Measured {
  const workers = new Map<string, WorkerTotals>();
  const models = new Map<string, Writable<Sum>>();
  const tools = new Map<string, Writable<Sum>>();
  const synthesis = newCallSum();
  let run = new OneRun();
  for (const event of events) {
    if (event.kind === "run-started") run = new OneRun(event);
    const { call, step } = run.take(event);
    if (call?.label.kind === "model") addTo(models, call.model, call.seconds);
    if (call?.label.kind === "tool") addTo(tools, call.label.name, call.seconds);
    if (call?.label.kind === "model" && call.label.note === "synthesise") addCall(synthesis, call);
    if (step !== null) addStep(workers, step);
  }
  return { workers, models, tools, synthesis };
}

interface Step {
  readonly worker: string;
  readonly calls: Call[];
}

class OneRun {
  /** Events up to this are those of a fork's parent. */
  readonly #copied: number;
  readonly #steps = new Map<string, Step>();
  readonly #open = new Map<string, { readonly started: EventOf<"call-started">; prompt_tokens: number; completion_tokens: number }>();

  constructor(first?: EventOf<"run-started">) {
    this.#copied = first?.data.fork?.copied ?? 0;
  }

  take(event: RunEvent): { readonly call: Call | null; readonly step: Step | null } {
    if (event.seq <= this.#copied) return { call: null, step: null };
    if (event.kind === "span-opened") this.#steps.set(event.path, { worker: event.data.worker, calls: [] });
    if (event.kind === "call-started") this.#open.set(event.path, { started: event, prompt_tokens: 0, completion_tokens: 0 });
    // An attempt that was lost is settled at its reservation, which tells nothing.
    if (event.kind === "attempt-ended" && event.data.reason !== "lost")
      this.#use(event.path.slice(0, event.path.lastIndexOf("/attempt:")), event);
    if (event.kind === "call-completed" || event.kind === "call-failed") return { call: this.#end(event), step: null };
    return { call: null, step: event.kind === "span-closed" ? (this.#steps.get(event.path) ?? null) : null };
  }

  #use(path: string, { data: { usage } }: EventOf<"attempt-ended" | "call-completed" | "call-failed">): void {
    const open = this.#open.get(path);
    if (open === undefined || usage === undefined) return;
    open.prompt_tokens += usage.prompt_tokens;
    open.completion_tokens += usage.completion_tokens;
  }

  /** Null for a call that another owner had begun: nobody worked at it in between. */
  #end(event: EventOf<"call-completed" | "call-failed">): Call | null {
    this.#use(event.path, event);
    const open = this.#open.get(event.path);
    this.#open.delete(event.path);
    if (open === undefined || open.started.epoch !== event.epoch) return null;
    const { started, ...tokens } = open;
    const { label } = started.data;
    const call = { label, model: started.data.choice?.model ?? label.name, seconds: (event.time - started.time) / 1000, ...tokens };
    for (let path = above(event.path); path !== ""; path = above(path)) this.#steps.get(path)?.calls.push(call);
    return call;
  }
}

function above(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

function addTo(sums: Map<string, Writable<Sum>>, name: string, seconds: number): void {
  const sum = sums.get(name) ?? { count: 0, seconds: 0 };
  sum.count += 1;
  sum.seconds += seconds;
  sums.set(name, sum);
}

function addCall(sum: Writable<CallSum>, call: Call): void {
  sum.count += 1;
  sum.seconds += call.seconds;
  sum.prompt_tokens += call.prompt_tokens;
  sum.completion_tokens += call.completion_tokens;
}

function addStep(workers: Map<string, WorkerTotals>, { worker, calls }: Step): void {
  const sum = workers.get(worker) ?? { ...newCallSum(), steps: 0, toolSeconds: 0, models: new Map<string, Writable<Sum>>() };
  workers.set(worker, sum);
  sum.steps += 1;
  for (const call of calls) {
    if (call.label.kind === "tool") sum.toolSeconds += call.seconds;
    if (call.label.kind !== "model") continue;
    addCall(sum, call);
    addTo(sum.models, call.model, call.seconds);
  }
}
