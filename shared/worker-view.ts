/** What faces show of the workers there are, and what came of making or importing some. */
import type { Tier } from "./model.ts";

export interface WorkerView {
  readonly name: string;
  readonly description: string;
  readonly tools: readonly string[];
  readonly tier: Tier;
  readonly max_turns: number;
  readonly examples: readonly string[];
  /** Where it comes from: with Bosun, the person's own folder, the workspace. */
  readonly source: "built-in" | "user" | "workspace";
  /** Absolute; null for those that come with Bosun. */
  readonly file: string | null;
}

/** One thing that is wrong with a worker file. */
export interface WorkerProblem {
  readonly file: string;
  /** From 1, in the whole file. */
  readonly line: number;
  readonly reason: string;
  /** Nothing is wrong with it but that the person does not trust its workspace. */
  readonly untrusted?: true;
}

export interface WorkersReport {
  readonly workers: readonly WorkerView[];
  readonly problems: readonly WorkerProblem[];
}

/** A definition of another program, and what became of it. */
export interface ImportedWorker {
  /** Where it was read. */
  readonly from: string;
  /** Null when it was not imported. */
  readonly name: string | null;
  /** The file that was made, or would be; null when it was not imported. */
  readonly file: string | null;
  readonly tools: readonly string[];
  /** What was left out or changed, and why; or why it was not imported at all. */
  readonly notes: readonly string[];
}
