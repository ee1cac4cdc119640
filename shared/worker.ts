/** What a worker is, once its file was read. */
import type { Tier } from "./model.ts";

export interface WorkerDefinition {
  /** kebab-case, unique. */
  readonly name: string;
  readonly description: string;
  /** Names of the tools it may use, globs already expanded, sorted. */
  readonly tools: readonly string[];
  readonly tier: Tier;
  readonly max_turns: number;
  /** Tasks that belong to it, for routing. */
  readonly examples: readonly string[];
  /** The body of its file. */
  readonly prompt: string;
}
