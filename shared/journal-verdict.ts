/** What checking a journal, or a run that was exported, comes to. */

/** The first thing that is wrong; `run_id` and `seq` are null when it is about the log as a whole. */
export interface BadPlace {
  readonly run_id: string | null;
  readonly seq: number | null;
  readonly message: string;
}

export interface JournalVerdict {
  /** Nothing is `bad`, and nothing `unproven`. */
  readonly ok: boolean;
  readonly runs: number;
  readonly events: number;
  /** Payloads whose bytes were read. */
  readonly payloads: number;
  /** Payloads that were forgotten, as the signed log says; of a file: those that it leaves out. */
  readonly payloads_removed: number;
  /** Payloads that were lost when an earlier file of the journal was corrupt, as the signed log says; 0 of a file. */
  readonly payloads_lost: number;
  /** Nobody signed it: the chains hold, but whoever writes the file can make them anew. */
  readonly unsigned: boolean;
  /** Runs that were there, unsigned, when the log began. */
  readonly adopted: number;
  /**
   * Runs that have not ended and whose heads are sealed with a private key that is not at hand: their chains hold, but whoever writes the
   * file can make them anew. Always empty of a file.
   */
  readonly unproven: readonly string[];
  readonly bad?: BadPlace;
}
