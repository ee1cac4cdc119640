/** The journal's rows as they are stored, for those who check them: nothing is parsed, believed or held in memory as a whole. */
import type { LogRow } from "./log-format.ts";

export interface EventRow {
  readonly seq: number;
  readonly time: number;
  readonly epoch: number;
  readonly kind: string;
  readonly path: string;
  readonly cause: number | null;
  /** JSON text. */
  readonly data: string;
  readonly hash: Buffer;
}

export interface TipRow {
  readonly count: number;
  readonly hash: Buffer;
  /** Fingerprint. */
  readonly key: string;
  readonly signature: Buffer;
}

export interface HeadRow {
  readonly seq: number;
  readonly hash: Buffer;
  /** Of the owner that signed it. */
  readonly epoch: number;
  readonly signature: Buffer;
}

/** One state of the journal: what another process writes meanwhile is not seen. */
export interface ChainedRows {
  /** What SQLite finds wrong with the file, null when it is sound. Reads all of it. */
  damage(): string | null;
  /** Null when the log has none. */
  tip(): TipRow | null;
  log(): Iterable<LogRow>;
  /** Entries of one run. */
  logOf(runId: string): readonly LogRow[];
  runs(): Iterable<{ readonly run: number; readonly run_id: string }>;
  /** The run's number, null when there is none of this id. */
  run(runId: string): number | null;
  events(run: number): Iterable<EventRow>;
  eventHash(run: number, seq: number): Buffer | null;
  /** Number of events of runs that are not there. */
  strays(): number;
  /** Null when the run has none. */
  head(run: number): HeadRow | null;
  /** Null when it is not there. */
  payload(hash: string): Buffer | null;
}
