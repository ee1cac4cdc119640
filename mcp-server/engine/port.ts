/**
 * The engine: drives durable functions over the journal. It never knows what a plan or a worker is. A distributed engine can take
 * the place of the embedded one behind this port.
 */
import type { ErrorValue } from "../../shared/errors.ts";
import type { Caps, EffectDecision, Priority, RunEvent } from "../../shared/events.ts";
import type { TraceOrigin } from "../../shared/trace-context.ts";
import type { Kept, Outcome } from "../../shared/durable.ts";

export interface StartOptions {
  /** Left out: a new one. */
  readonly run_id?: string;
  readonly workflow: string;
  readonly session_id: string | null;
  readonly input: unknown;
  readonly budget?: Caps;
  /** Default normal. */
  readonly priority?: Priority;
  /** The trace that it is part of; left out: one of its own. */
  readonly trace?: TraceOrigin;
  readonly parent?: { readonly run_id: string; readonly seq: number; readonly head: string };
}

export interface ForkOptions {
  /** Of the fork. Left out: a new one. */
  readonly run_id?: string;
  /** Sequence in the parent's journal: outcomes up to it are kept, everything after it is done anew. */
  readonly at: number;
  /** Another input of the function; left out: the parent's. */
  readonly input?: unknown;
  /** Other outputs of calls that are kept, by path. Where the call has no outcome up to `at` it is taken as completed with this one. */
  readonly answers?: Readonly<Record<string, unknown>>;
  /** Other payloads of signals that are kept, by the path of the wait; a wait without an outcome up to `at` is taken as answered so. */
  readonly signals?: Readonly<Record<string, unknown>>;
  readonly budget?: Caps;
  readonly priority?: Priority;
}

export interface Divergence {
  readonly seq: number;
  readonly expected: string;
  readonly actual: string;
}

export type ReplayResult =
  | { readonly ok: true; readonly events: number; readonly result: Outcome<unknown> | null }
  | { readonly ok: false; readonly events: number; readonly divergence: Divergence };

export type EngineNote =
  | { readonly type: "event"; readonly event: RunEvent }
  | { readonly type: "delta"; readonly run_id: string; readonly path: string; readonly text: string };

export interface Engine {
  /** Records the run and starts driving it; its id. */
  start(options: StartOptions): string;
  /**
   * Delivers the one signal of this name; recorded also when nobody waits yet.
   * @throws BosunError not_found, conflict (run ended, answered already), approval_expired (deadline passed)
   */
  signal(runId: string, name: string, payload: unknown): void;
  /** The first of cancel and completion wins. @throws BosunError not_found, conflict when the run has ended */
  cancel(runId: string, by: string): void;
  /** Starts nothing new for the run until it is resumed; what is under way comes home, deadlines run on. @throws BosunError not_found, conflict when the run has ended */
  pause(runId: string, by: string): void;
  /** Tells a task that is under way something; its workers hear it with their next turn. @throws BosunError not_found, conflict when the run has ended */
  event(runId: string, payload: unknown): void;
  /** A person's word about an effect that is uncertain. @throws BosunError not_found, conflict when nothing is uncertain at this path */
  decideEffect(runId: string, path: string, decision: EffectDecision, by: string): Promise<void>;
  /**
   * A new run that keeps what the parent did up to a point and goes on live from there: approvals that were not carried out are void, nothing
   * is charged twice, and its first event names the parent's hash at that point. @throws BosunError not_found, invalid_input
   */
  fork(runId: string, options: ForkOptions): Promise<string>;
  /** Keeps what a signal quotes; durable with the next commit. */
  keep<T>(value: T): Kept<T>;
  /** Opens every hold of the run, ends its pause, and drives it on. @param budget raises caps @throws BosunError not_found, conflict when the run has ended */
  resume(runId: string, by: string, budget?: Caps): void;
  /** Takes up every run that an earlier owner left unfinished, and expires overdue deadlines; ids of the runs that had work left. */
  recover(): readonly string[];
  /** Drives the run again from the journal alone. */
  replay(runId: string): Promise<ReplayResult>;
  /** Resolves once nothing of the run moves any more: it ended, or it waits. Rejects when the engine broke. */
  settled(runId: string): Promise<void>;
  /** Writes what is staged: whoever looks at the journal after it sees all that has happened. */
  flush(): void;
  subscribe(listener: (note: EngineNote) => void): () => void;
  /** Why the engine stopped by itself, null while it works. */
  readonly broken: ErrorValue | null;
  /** Starts nothing new, waits for effects in flight, commits. Runs stay resumable. */
  close(): Promise<void>;
}
