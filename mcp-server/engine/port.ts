/**
 * The engine: drives durable functions over the journal. It never knows what a plan or a worker is. A distributed engine can take
 * the place of the embedded one behind this port.
 */
import type { ErrorValue } from "../../shared/errors.ts";
import type { Caps, RunEvent } from "../../shared/events.ts";
import type { Kept, Outcome } from "../../shared/durable.ts";

export interface StartOptions {
  readonly workflow: string;
  readonly session_id: string | null;
  readonly input: unknown;
  readonly budget?: Caps;
  readonly parent?: { readonly run_id: string; readonly seq: number; readonly head: string };
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
  /** Keeps what a signal quotes; durable with the next commit. */
  keep<T>(value: T): Kept<T>;
  /** Opens every hold of the run and drives it on. @param budget raises caps @throws BosunError not_found, conflict when the run has ended */
  resume(runId: string, by: string, budget?: Caps): void;
  /** Takes up every run that an earlier owner left unfinished, and expires overdue deadlines; ids of the runs that had work left. */
  recover(): readonly string[];
  /** Drives the run again from the journal alone. */
  replay(runId: string): Promise<ReplayResult>;
  /** Resolves once nothing of the run moves any more: it ended, or it waits. Rejects when the engine broke. */
  settled(runId: string): Promise<void>;
  subscribe(listener: (note: EngineNote) => void): () => void;
  /** Why the engine stopped by itself, null while it works. */
  readonly broken: ErrorValue | null;
  /** Starts nothing new, waits for effects in flight, commits. Runs stay resumable. */
  close(): Promise<void>;
}
