/**
 * What the engine's contract needs of whoever implements it, and no more: an engine behind its port, a store that others can read, and ways
 * to lose and to regain the process that drives it. Whatever is peculiar to an implementation hides behind {@link EngineHarness}.
 */
import type { ActivityTypes, DurableFunction } from "../../../shared/durable.ts";
import type { AnyActivity } from "../../../mcp-server/engine/activity.ts";
import type { Engine } from "../../../mcp-server/engine/port.ts";
import type { JournalReader } from "../../../mcp-server/journal/port.ts";

export type Fn = DurableFunction<ActivityTypes, unknown, unknown>;

export interface Workflow {
  readonly name: string;
  readonly version: number;
  readonly flags?: readonly number[];
  readonly fn: Fn;
}

/** What an owner is able to do. The next owner may be given something else: an older or a newer program. */
export interface Program {
  readonly workflows: readonly Workflow[];
  readonly activities: readonly AnyActivity[];
  /** Most runs at work at once. Default: no limit. */
  readonly maxRuns?: number;
  /** Most calls at once, by the name of the pool. */
  readonly pools?: Readonly<Record<string, number>>;
}

/** Time that passes only when told to. Every engine of the world and its store live in it. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Lets so many milliseconds pass, timer by timer; each has its effect before the next is due. */
  advance(ms: number): Promise<void>;
}

/** One store and whoever owns it. */
export interface World {
  /** The engine of the present owner. After {@link kill} that of the dead one, which is of no use. */
  readonly engine: Engine;
  readonly clock: Clock;
  /** The store as any other process sees it: nothing that is not written is in it. */
  readonly reader: JournalReader;
  /** The owner is gone at once, with whatever was not written; its activities never come home. */
  kill(): void;
  /** Another owner takes the store over, whether the earlier one is dead, frozen or alive, and recovers; ids of the runs it took up. */
  takeOver(program?: Program): readonly string[];
  /** Halts the owner: what its activities give and what its timers bring waits until {@link thaw}. */
  freeze(): void;
  /** Lets every frozen owner go on, also one that is not the owner any more. */
  thaw(): void;
  /** Builds the store's projections again from its events. */
  rebuild(): void;
  close(): Promise<void>;
}

export interface EngineHarness {
  /** Named in the title of every case. */
  readonly name: string;
  open(program: Program): World;
  /** Cases that this implementation cannot be put to, by their title, with the reason. */
  readonly skip?: Readonly<Record<string, string>>;
}
