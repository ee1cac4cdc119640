/** What the daemon and the service answer, besides runs: plans, usage, what upkeep came to. */
import type { PlanEstimate } from "./estimate.ts";
import type { ApprovalView, PlanView } from "./run-view.ts";
import type { UsageSource } from "./usage.ts";

/** What would be done, and what it is reckoned to cost. */
export interface PlanReport {
  readonly plan: PlanView;
  /** Null when it could not be priced. */
  readonly estimate: PlanEstimate | null;
  readonly confidence: number | null;
  readonly complexity: number | null;
}

export interface ForgetReport {
  readonly run_id: string;
  /** Removed, with drafts that no run names. */
  readonly payloads: number;
  readonly bytes: number;
  /** Payloads that stay, for other runs name them too. */
  readonly shared: number;
  /** Runs that have not ended and were at work at the same time: drafts of this run may stay until they have and it is forgotten again. */
  readonly waiting_for: readonly string[];
}

export interface ApprovalDetail {
  readonly approval: ApprovalView;
  /** Unified diff of the whole change set. */
  readonly diff: string;
  readonly digest: string;
  /** Files whose diff has hunks to choose from; the others are taken or left as a whole. */
  readonly divisible: readonly string[];
}

/** What model calls came to, each attempt counted. */
export interface UsageTotal {
  readonly calls: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly cached_tokens: number;
  /** null when the price of some of it is not known. */
  readonly usd: number | null;
  /** US dollars of what has a known price. */
  readonly known_usd: number;
  readonly source: UsageSource;
}

export interface UsageReport {
  /** Each with the one key that was asked for. Days and runs come latest first, workers and models dearest first. */
  readonly usage: readonly (UsageTotal & {
    readonly run_id?: string;
    /** null: the supervisor. */
    readonly worker?: string | null;
    readonly model?: string;
    /** UTC. */
    readonly day?: string;
  })[];
  readonly total: UsageTotal;
  /** Journal files of other workspaces that could not be read, and are not counted. */
  readonly left_out: readonly string[];
}

/** What `gc` removed, or would remove. */
export interface GcSummary {
  readonly dry_run: boolean;
  /** Ended runs older than this many days were meant. */
  readonly days: number;
  readonly runs: number;
  /** Texts and file contents that no remaining run names. */
  readonly payloads: number;
  readonly payload_bytes: number;
  /** By how much the journal's files became smaller, measured; null for a dry run. */
  readonly freed_bytes: number | null;
  /** Marks of applied change sets that a kill had left behind. */
  readonly leftovers: number;
}

/** What came of opening the approval page. */
export interface PageOpened {
  /** A browser was told to; whether a window came up nobody can tell. */
  readonly opened: boolean;
  /** Why none was; null when one was. */
  readonly why: string | null;
  /** For the user alone, for a minute: it leads a browser to the page, once. */
  readonly file: string;
}
