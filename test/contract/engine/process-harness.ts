/**
 * What the contract's cases with real processes need: an owner that is a process of its own and can be killed or frozen from outside. Closures
 * do not cross, so it drives one function, `each`, over activities that leave their traces in files.
 */
import type { Engine } from "../../../mcp-server/engine/port.ts";
import type { JournalReader } from "../../../mcp-server/journal/port.ts";

/** What `each` does, one after the other; its result is what they gave. `gate` names what {@link ProcessWorld.open} must open first. */
export type Task =
  | { readonly do: "pay" | "write" | "look"; readonly gate?: string }
  | { readonly do: "wait"; readonly signal: string }
  | { readonly do: "listen" };

type Asked =
  | "start"
  | "signal"
  | "cancel"
  | "pause"
  | "resume"
  | "event"
  | "decideEffect"
  | "fork"
  | "recover"
  | "replay"
  | "settled"
  | "flush";

export interface ProcessWorld {
  /** Asks the owner's engine; resolves or rejects as the engine does. */
  ask<M extends Asked>(method: M, ...args: Parameters<Engine[M]>): Promise<Awaited<ReturnType<Engine[M]>>>;
  readonly reader: JournalReader;
  /** Lets through whatever waits, or will wait, at this gate. */
  open(gate: string): void;
  /** What activities really began, in order: `pay run_1 gate`. */
  deeds(): readonly string[];
  /** `SIGKILL`, and gone. */
  kill(): Promise<void>;
  /** The next owner; recovers. What the run ids were that it took up. */
  takeOver(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface ProcessHarness {
  readonly name: string;
  start(options?: { readonly maxRuns?: number }): Promise<ProcessWorld>;
}
