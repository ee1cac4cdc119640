/**
 * The ledger: what all workspaces and processes of the user spend in a day, and have set aside. It is opened only while there is a cap of
 * the day: what a process without one spends is not in it. Days are those of UTC; a call counts for the day on which it was let in.
 */
import type { Reservation, Usage } from "../../shared/usage.ts";
import type { Cap, Spending } from "./scopes.ts";

/** One attempt of a model call. */
export interface AttemptKey {
  readonly runId: string;
  /** Of the call. */
  readonly path: string;
  readonly attempt: number;
}

export interface Entry {
  readonly key: AttemptKey;
  /** Name of the workspace's data folder. */
  readonly workspace: string;
  readonly reserve: Reservation;
  /** Epoch milliseconds after which the attempt cannot be under way any more. From then on it counts as used, for nobody may settle it. */
  readonly until: number;
}

export interface DaySpending {
  readonly used: Spending;
  readonly reserved: Spending;
}

export interface Ledger {
  /**
   * Writes the reservation down if the day's cap leaves room for it, in one step over all processes. The same attempt again is the same
   * reservation.
   * @returns false when there is no room (any more): ask {@link day} what there is
   * @throws BosunError conflict (locked for long), internal (full or broken disk, damaged file)
   */
  reserve(entry: Entry, cap: Pick<Cap, "usd" | "tokens">): boolean;
  /** What it has come to. An attempt that is not open (any more) is left alone. @returns was it open? */
  settle(key: AttemptKey, usage: Usage): boolean;
  /** It was never sent. An attempt that is not open is left alone. @returns was it open? */
  release(key: AttemptKey): boolean;
  /** Of today. */
  day(): DaySpending;
  /** Attempts of a workspace that are neither settled nor released. */
  openOf(workspace: string): readonly Entry[];
  close(): void;
}

/** The UTC day of a time, `2026-01-31`. @param at epoch milliseconds */
export function utcDay(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** What the provider bills: a settled attempt as it counts against a cap. */
export function spendingOf(usage: Pick<Usage, "prompt_tokens" | "completion_tokens" | "usd">): Spending {
  return { usd: usage.usd, tokens: usage.prompt_tokens + usage.completion_tokens };
}
