/** The ledger on SQLite: one small file for all workspaces of the user, open to many processes at once. */
import type { Database } from "better-sqlite3";
import { loadDriver } from "../journal/open-database.ts";
import { makePrivate } from "../journal/private-file.ts";
import type { Spending } from "./scopes.ts";
import { explainLedger } from "./sqlite-errors.ts";
import { migrateLedger } from "./ledger-schema.ts";
import { spendingOf, utcDay } from "./ledger.ts";
import type { AttemptKey, Entry, Ledger } from "./ledger.ts";

export interface LedgerOptions {
  /** In a folder that is there. */
  readonly file: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /**
   * What was spent on a UTC day before the ledger knew of it: asked once for each day, by the first process that needs it, while the others
   * wait.
   */
  readonly spentBefore: (day: string) => Spending;
  /** Milliseconds to wait for other processes; 5,000. */
  readonly busyTimeoutMs?: number;
  /** Upper bound of the file in pages, for tests of a full disk. */
  readonly maxPages?: number;
}

const BUSY_TIMEOUT_MS = 5_000;

interface Row {
  readonly run_id: string;
  readonly path: string;
  readonly attempt: number;
  readonly workspace: string;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly usd: number | null;
  readonly until: number;
}

/** Sums of nothing are 0; money is null when some of it is not known. */
const SUM = "coalesce(sum(prompt_tokens + completion_tokens), 0) AS tokens, iif(count(*) = count(usd), total(usd), NULL) AS usd";

/** @throws BosunError conflict (newer schema, locked for long), internal (damaged, full or broken disk) */
export function createSqliteLedger(options: LedgerOptions): Ledger {
  const { file } = options;
  const sound = <T>(use: () => T): T => {
    try {
      return use();
    } catch (error) {
      throw explainLedger(file, error);
    }
  };
  const db = sound(() => open(options));
  const today = (): string => dayBegun(db, options);
  return {
    reserve: (entry, cap) =>
      sound(() =>
        db
          .transaction(() => {
            if (find(db, entry.key) !== undefined) return true;
            const day = today();
            const { used, reserved } = daySpending(db, day, options.now());
            if (!fits({ cap: cap.tokens, taken: [used.tokens, reserved.tokens, spendingOf(entry.reserve).tokens] })) return false;
            if (!fits({ cap: cap.usd, taken: [used.usd, reserved.usd, entry.reserve.usd] })) return false;
            insertOpen(db, day, entry);
            return true;
          })
          .immediate(),
      ),
    settle: (key, usage) => sound(() => db.transaction(() => settle(db, key, spendingOf(usage))).immediate()),
    release: (key) => sound(() => db.transaction(() => settle(db, key, { tokens: 0, usd: 0 })).immediate()),
    day: () => sound(() => db.transaction(() => daySpending(db, today(), options.now())).immediate()),
    openOf: (workspace) =>
      sound(() => {
        const rows = db.prepare("SELECT * FROM open WHERE workspace = ? ORDER BY run_id, path, attempt").all(workspace) as Row[];
        return rows.map(entryOf);
      }),
    close: () => void db.close(),
  };
}

function open({ file, busyTimeoutMs = BUSY_TIMEOUT_MS, maxPages }: LedgerOptions): Database {
  makePrivate(file);
  const db = new (loadDriver())(file, { timeout: busyTimeoutMs });
  try {
    db.pragma("journal_mode = WAL");
    // A reservation must be there after a power cut as well: what was let in with it may be under way.
    db.pragma("synchronous = FULL");
    if (maxPages !== undefined) db.pragma(`max_page_count = ${maxPages}`);
    migrateLedger(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Today, with what was spent before the ledger was first asked about it. */
function dayBegun(db: Database, { now, spentBefore }: LedgerOptions): string {
  const day = utcDay(now());
  if (db.prepare("SELECT 1 FROM days WHERE day = ?").get(day) !== undefined) return day;
  const { tokens, usd } = spentBefore(day);
  db.prepare("INSERT INTO days VALUES (?, ?, ?)").run(day, tokens, usd);
  return day;
}

function daySpending(db: Database, day: string, now: number): { readonly used: Spending; readonly reserved: Spending } {
  const settled = db.prepare("SELECT tokens, usd FROM days WHERE day = ?").get(day) as Spending;
  const sum = (test: string): Spending => db.prepare(`SELECT ${SUM} FROM open WHERE day = ? AND until ${test} ?`).get(day, now) as Spending;
  return { used: add(settled, sum("<=")), reserved: sum(">") };
}

function add(a: Spending, b: Spending): Spending {
  return { tokens: a.tokens + b.tokens, usd: a.usd === null || b.usd === null ? null : a.usd + b.usd };
}

/** A cap cannot be kept over what is not known. */
function fits({ cap, taken }: { readonly cap: number | null; readonly taken: readonly (number | null)[] }): boolean {
  if (cap === null) return true;
  let sum = 0;
  for (const part of taken) {
    if (part === null) return false;
    sum += part;
  }
  return sum <= cap;
}

const KEY = "run_id = ? AND path = ? AND attempt = ?";

function find(db: Database, { runId, path, attempt }: AttemptKey): { readonly day: string } | undefined {
  return db.prepare(`SELECT day FROM open WHERE ${KEY}`).get(runId, path, attempt) as { readonly day: string } | undefined;
}

function insertOpen(db: Database, day: string, { key, workspace, reserve, until }: Entry): void {
  db.prepare(`INSERT INTO open VALUES (@run_id, @path, @attempt, @workspace, @day, @prompt_tokens, @completion_tokens, @usd, @until)`).run({
    run_id: key.runId,
    path: key.path,
    attempt: key.attempt,
    workspace,
    day,
    ...reserve,
    until,
  });
}

function settle(db: Database, key: AttemptKey, { tokens, usd }: Spending): boolean {
  const found = find(db, key);
  if (found === undefined) return false;
  db.prepare(`DELETE FROM open WHERE ${KEY}`).run(key.runId, key.path, key.attempt);
  db.prepare("UPDATE days SET tokens = tokens + ?, usd = usd + ? WHERE day = ?").run(tokens, usd, found.day);
  return true;
}

function entryOf({ run_id: runId, path, attempt, workspace, until, ...reserve }: Row): Entry {
  const { prompt_tokens, completion_tokens, usd } = reserve;
  return { key: { runId, path, attempt }, workspace, reserve: { prompt_tokens, completion_tokens, usd }, until };
}
