/** What model calls came to, summed up from the table of the journal's projections: by run, worker, model or day, and for a session. */
import { addUsage, NO_USAGE, settleAtReservation } from "../../shared/usage.ts";
import type { Usage } from "../../shared/usage.ts";
import type { RunFold } from "./fold-run.ts";
import type { Sql } from "./open-database.ts";
import type { SessionUsage, UsageKey, UsageSum } from "./port.ts";

type Query = (text: string) => Pick<Sql, "all" | "get">;

const SUMS = `coalesce(sum(calls), 0) AS calls, coalesce(sum(prompt_tokens), 0) AS prompt_tokens,
  coalesce(sum(completion_tokens), 0) AS completion_tokens, coalesce(sum(cached_tokens), 0) AS cached_tokens, total(usd) AS known_usd,
  count(*) > count(usd) AS unknown_usd,
  CASE WHEN count(*) FILTER (WHERE source = 'unknown') > 0 THEN 'unknown' WHEN count(*) FILTER (WHERE source = 'estimated') > 0 THEN 'estimated'
    ELSE 'reported' END AS source`;

const KEYS: Record<UsageKey, string> = { run: "run_id", worker: "worker", model: "model", day: "day" };

interface RawSum extends Omit<UsageSum, "unknown_usd"> {
  readonly unknown_usd: number;
}

/** @param of null: all of them */
export function usageSums(
  sql: Query,
  { by, ...of }: { readonly by: UsageKey; readonly since: string | null; readonly session: string | null },
): readonly UsageSum[] {
  const rows = sql(
    `SELECT ${KEYS[by]} AS key, ${SUMS} FROM usage JOIN run_keys USING (run)
     WHERE (@since IS NULL OR day >= @since) AND (@session IS NULL OR run IN (SELECT run FROM runs WHERE session_id = @session)) GROUP BY key`,
  ).all(of) as RawSum[];
  return rows.map((row) => ({ ...row, unknown_usd: row.unknown_usd === 1 }));
}

/** What the ended runs of a session came to; their folds are not read, for there may be many. */
export function endedUsage(sql: Query, session: string): { readonly used: Usage; readonly active_ms: number } {
  const sum = sql(`SELECT ${SUMS} FROM usage WHERE run IN (SELECT run FROM runs WHERE session_id = ? AND ended = 1)`).get(session) as Omit<
    RawSum,
    "key"
  >;
  const { active_ms } = sql(
    "SELECT coalesce(sum(json_extract(fold, '$.active_ms')), 0) AS active_ms FROM runs WHERE session_id = ? AND ended = 1",
  ).get(session) as { active_ms: number };
  const { prompt_tokens, completion_tokens, cached_tokens, source } = sum;
  const usd = sum.unknown_usd === 1 ? null : sum.known_usd;
  return { used: { prompt_tokens, completion_tokens, cached_tokens, usd, source }, active_ms };
}

/** @param ended what ended runs came to @param others the other runs */
export function sumSession(ended: ReturnType<typeof endedUsage>, others: readonly RunFold[]): SessionUsage {
  let { used, active_ms } = ended;
  let reserved: Usage = NO_USAGE;
  for (const fold of others) {
    used = addUsage(used, fold.usage);
    active_ms += fold.active_ms;
    for (const { admission } of Object.values(fold.open))
      if (admission !== null) reserved = addUsage(reserved, settleAtReservation(admission.reserve));
  }
  return { used, reserved, active_ms };
}
