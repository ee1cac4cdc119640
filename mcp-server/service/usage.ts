/** What model calls came to, over one journal or all of the user's, as rows for people and programs. */
import { utcDay } from "../budget/ledger.ts";
import type { Spending } from "../budget/scopes.ts";
import type { JournalReader, UsageKey, UsageSum } from "../journal/port.ts";
import type { UsageReport, UsageTotal } from "../../shared/reports.ts";
import type { UsageRequest } from "../service.ts";
import type { UsageSource } from "../../shared/usage.ts";

type Sums = Pick<JournalReader, "usageSums">;

const DAY_MS = 86_400_000;
const RANK: Record<UsageSource, number> = { reported: 0, estimated: 1, unknown: 2 };
const NOTHING: Omit<UsageSum, "key"> = {
  calls: 0,
  prompt_tokens: 0,
  completion_tokens: 0,
  cached_tokens: 0,
  known_usd: 0,
  unknown_usd: false,
  source: "reported",
};

/** What a journal has for a request. @param now epoch milliseconds */
export function usageOfJournal(journal: Sums, { by, days, session_id: session }: UsageRequest, now: number): readonly UsageSum[] {
  return journal.usageSums({
    by,
    ...(days === undefined ? {} : { since: utcDay(now - (days - 1) * DAY_MS) }),
    ...(session === undefined ? {} : { session_id: session }),
  });
}

/** @param journals what each of them has @param leftOut journal files that could not be read */
export function usageReport(
  journals: readonly (readonly UsageSum[])[],
  { by }: Pick<UsageRequest, "by">,
  leftOut: readonly string[] = [],
): UsageReport {
  const sums = new Map<string, Omit<UsageSum, "key">>();
  for (const { key, ...sum } of journals.flat()) sums.set(key, add(sums.get(key) ?? NOTHING, sum));
  const rows = [...sums].toSorted(ORDER[by]);
  return {
    usage: rows.map(([key, sum]) => ({ ...named(by, key), ...totalOf(sum) })),
    total: totalOf(rows.reduce((all, [, sum]) => add(all, sum), NOTHING)),
    left_out: leftOut,
  };
}

type Keyed = readonly [string, Omit<UsageSum, "key">];

/** Days and runs the latest first; workers and models the dearest first. */
const ORDER: Record<UsageKey, (a: Keyed, b: Keyed) => number> = {
  day: ([a], [b]) => (a < b ? 1 : -1),
  run: ([a], [b]) => (a < b ? 1 : -1),
  worker: dearestFirst,
  model: dearestFirst,
};

function dearestFirst([aKey, a]: Keyed, [bKey, b]: Keyed): number {
  const tokens = (sum: Keyed[1]): number => sum.prompt_tokens + sum.completion_tokens;
  return b.known_usd - a.known_usd || tokens(b) - tokens(a) || (aKey < bKey ? -1 : 1);
}

function named(by: UsageKey, key: string): Pick<UsageReport["usage"][number], "day" | "run_id" | "worker" | "model"> {
  if (by === "day") return { day: key };
  if (by === "run") return { run_id: key };
  return by === "model" ? { model: key } : { worker: key === "" ? null : key };
}

function add(a: Omit<UsageSum, "key">, b: Omit<UsageSum, "key">): Omit<UsageSum, "key"> {
  return {
    calls: a.calls + b.calls,
    prompt_tokens: a.prompt_tokens + b.prompt_tokens,
    completion_tokens: a.completion_tokens + b.completion_tokens,
    cached_tokens: a.cached_tokens + b.cached_tokens,
    known_usd: a.known_usd + b.known_usd,
    unknown_usd: a.unknown_usd || b.unknown_usd,
    source: RANK[a.source] >= RANK[b.source] ? a.source : b.source,
  };
}

function totalOf({ known_usd, unknown_usd, ...sum }: Omit<UsageSum, "key">): UsageTotal {
  return { ...sum, usd: unknown_usd ? null : known_usd, known_usd };
}

/** What all runs of a journal spent on one UTC day. */
export function spentOn(journal: Sums, day: string): Spending {
  const found = journal.usageSums({ by: "day", since: day }).find(({ key }) => key === day) ?? NOTHING;
  return { usd: found.unknown_usd ? null : found.known_usd, tokens: found.prompt_tokens + found.completion_tokens };
}
