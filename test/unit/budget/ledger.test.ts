import { spawn } from "node:child_process";
import { once } from "node:events";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Entry, Ledger } from "../../../mcp-server/budget/ledger.ts";
import { reconcile } from "../../../mcp-server/budget/reconcile.ts";
import { createSqliteLedger } from "../../../mcp-server/budget/sqlite-ledger.ts";
import type { LedgerOptions } from "../../../mcp-server/budget/sqlite-ledger.ts";
import type { NewEvent, RunEvent } from "../../../shared/events.ts";
import type { Usage } from "../../../shared/usage.ts";
import { temporaryFolder } from "../../support/journal-fixture.ts";

const NOON = Date.parse("2026-03-04T12:00:00Z");
const DAY_MS = 86_400_000;
const CHILD = fileURLToPath(new URL("../../support/ledger-child.ts", import.meta.url));

function open(options: Partial<LedgerOptions> = {}): Ledger {
  const file = options.file ?? join(temporaryFolder(), "ledger.db");
  const ledger = createSqliteLedger({ now: () => NOON, spentBefore: () => ({ tokens: 0, usd: 0 }), ...options, file });
  onTestFinished(() => ledger.close());
  return ledger;
}

const key = (attempt: number, runId = "run_1"): Entry["key"] => ({ runId, path: "plan:0/step:a/turn:1", attempt });
const entry = (attempt: number, more: Partial<Entry> = {}): Entry => ({
  key: key(attempt),
  workspace: "here",
  reserve: { prompt_tokens: 100, completion_tokens: 200, usd: 0.25 },
  until: NOON + 60_000,
  ...more,
});
const usage = (tokens: number, usd: number | null): Usage => ({
  prompt_tokens: tokens,
  completion_tokens: 0,
  cached_tokens: 0,
  usd,
  source: "reported",
});
const NO_CAP = { tokens: null, usd: null };

describe("the ledger", () => {
  it("sets aside, settles and releases, each attempt once", () => {
    const ledger = open();
    for (const attempt of [1, 2, 3, 3]) expect(ledger.reserve(entry(attempt), NO_CAP)).toBe(true);
    expect(ledger.day()).toEqual({ used: { tokens: 0, usd: 0 }, reserved: { tokens: 900, usd: 0.75 } });
    expect(ledger.settle(key(1), usage(150, 0.125))).toBe(true);
    expect(ledger.release(key(2))).toBe(true);
    expect([
      ledger.settle(key(1), usage(150, 0.125)),
      ledger.release(key(1)),
      ledger.settle(key(2), usage(1, 1)),
      ledger.release(key(9)),
    ]).toEqual([false, false, false, false]);
    expect(ledger.day()).toEqual({ used: { tokens: 150, usd: 0.125 }, reserved: { tokens: 300, usd: 0.25 } });
    expect(ledger.openOf("here")).toEqual([entry(3)]);
    expect(ledger.openOf("elsewhere")).toEqual([]);
  });

  it("refuses what would pass the day's cap in tokens or in money, whatever workspace spent it", () => {
    const ledger = open();
    expect(ledger.reserve(entry(1, { workspace: "elsewhere" }), { tokens: 600, usd: 0.5 })).toBe(true);
    expect(ledger.reserve(entry(2), { tokens: 599, usd: null })).toBe(false);
    expect(ledger.reserve(entry(2), { tokens: null, usd: 0.49 })).toBe(false);
    expect(ledger.reserve(entry(2), { tokens: 600, usd: 0.5 })).toBe(true);
  });

  it("keeps no cap in dollars over dollars that nobody knows", () => {
    const ledger = open();
    const unknown = { prompt_tokens: 1, completion_tokens: 1, usd: null };
    expect(ledger.reserve(entry(1, { reserve: unknown }), { tokens: null, usd: 100 })).toBe(false);
    expect(ledger.reserve(entry(1, { reserve: unknown }), { tokens: 100, usd: null })).toBe(true);
    expect(ledger.day().reserved).toEqual({ tokens: 2, usd: null });
    ledger.settle(key(1), usage(2, null));
    expect(ledger.day()).toEqual({ used: { tokens: 2, usd: null }, reserved: { tokens: 0, usd: 0 } });
    expect(ledger.reserve(entry(2), { tokens: null, usd: 100 })).toBe(false);
  });

  it("counts what cannot be under way any more as used, until somebody settles it", () => {
    let now = NOON;
    const ledger = open({ now: () => now });
    ledger.reserve(entry(1), NO_CAP);
    now += 60_000;
    expect(ledger.day()).toEqual({ used: { tokens: 300, usd: 0.25 }, reserved: { tokens: 0, usd: 0 } });
    ledger.settle(key(1), usage(10, 0));
    expect(ledger.day().used).toEqual({ tokens: 10, usd: 0 });
  });

  it("begins each UTC day with what the journals had, asked once over all processes; a call counts for the day it was let in", () => {
    const asked: string[] = [];
    let now = NOON;
    const options = {
      file: join(temporaryFolder(), "ledger.db"),
      now: () => now,
      spentBefore: (day: string) => (asked.push(day), { tokens: 70, usd: null }),
    };
    const [one, other] = [open(options), open(options)];
    expect(asked).toEqual([]);
    expect(one.day().used).toEqual({ tokens: 70, usd: null });
    expect(other.reserve(entry(1), { tokens: 300, usd: null })).toBe(false);
    expect(other.reserve(entry(1), { tokens: 370, usd: null })).toBe(true);
    now += DAY_MS;
    expect(one.day()).toEqual({ used: { tokens: 70, usd: null }, reserved: { tokens: 0, usd: 0 } });
    other.settle(key(1), usage(5, 0));
    expect(one.day().used.tokens).toBe(70);
    expect(asked).toEqual(["2026-03-04", "2026-03-05"]);
  });

  it("has nothing of a day whose beginning could not be told, and asks again", () => {
    let broken = true;
    const ledger = open({
      spentBefore: () => {
        if (broken) throw new Error("a journal cannot be read");
        return { tokens: 1, usd: 0 };
      },
    });
    expect(() => ledger.reserve(entry(1), NO_CAP)).toThrow("a journal cannot be read");
    broken = false;
    expect(ledger.day()).toEqual({ used: { tokens: 1, usd: 0 }, reserved: { tokens: 0, usd: 0 } });
  });

  it.skipIf(process.platform === "win32")("is for its user alone", () => {
    const file = join(temporaryFolder(), "ledger.db");
    open({ file }).day();
    for (const suffix of ["", "-wal", "-shm"]) expect(statSync(file + suffix).mode & 0o777, suffix).toBe(0o600);
  });
});

describe("a ledger that cannot be used", () => {
  it("says that it is locked, damaged or of a newer Bosun, and what to do", () => {
    const file = join(temporaryFolder(), "ledger.db");
    const ledger = open({ file, busyTimeoutMs: 20 });
    const other = new Database(file);
    other.exec("BEGIN IMMEDIATE");
    expect(() => ledger.reserve(entry(1), NO_CAP)).toThrow(
      `another process keeps the ledger ${file} locked: look what it does, and try again`,
    );
    other.exec("ROLLBACK");
    other.pragma("user_version = 99");
    other.close();
    expect(() => open({ file })).toThrow("was written by a newer Bosun (schema 99, this one knows 1): update Bosun");
    const broken = join(temporaryFolder(), "ledger.db");
    writeFileSync(broken, "no database at all ".repeat(500));
    expect(() => open({ file: broken })).toThrow(/is damaged .* Move it away: a new one begins with what the journals have of today/u);
    expect(() => open({ file: join(temporaryFolder(), "gone", "ledger.db") })).toThrow(/the ledger .* cannot be used \(ENOENT\)/u);
  });

  it("says that the disk is full, reserves nothing then, and goes on when there is room", () => {
    const file = join(temporaryFolder(), "ledger.db");
    const ledger = open({ file, maxPages: 8 });
    let attempt = 0;
    const fill = (): void => {
      for (;;) ledger.reserve(entry((attempt += 1)), NO_CAP);
    };
    expect(fill).toThrow(
      /^the disk is full: the ledger .* cannot be written, so no model is asked\. Free some space; `bosun resume <run>` goes on$/u,
    );
    expect(ledger.openOf("here")).toHaveLength(attempt - 1);
    for (let done = 1; done < attempt; done += 1) expect(ledger.release(key(done))).toBe(true);
    expect(ledger.reserve(entry(attempt), NO_CAP)).toBe(true);
  });
});

describe("what a crash left open", () => {
  const event = (made: NewEvent, seq: number): RunEvent => ({ run_id: "run_1", seq, time: 0, epoch: 1, cause: null, ...made });
  const reserve = { prompt_tokens: 100, completion_tokens: 200, usd: 0.25 };
  const path = key(1).path;
  const at = (attempt: number): string => `${path}/attempt:${attempt}`;
  const error = { code: "timeout", message: { $blob: "00", size: 1 }, retryable: true } as never;
  const started = (withReserve: boolean): NewEvent => ({
    kind: "call-started",
    path,
    data: {
      activity: "ask_model",
      version: 1,
      kind: "paid",
      input_hash: "",
      input: { inline: null },
      label: { kind: "model", name: "m" },
      ...(withReserve ? { reserve } : {}),
    },
  });

  it.each<[string, number, NewEvent[], { tokens: number; usd: number }]>([
    [
      "its outcome is known",
      1,
      [started(true), { kind: "call-completed", path, data: { attempt: 1, result: { inline: null }, usage: usage(7, 0.5) } }],
      { tokens: 7, usd: 0.5 },
    ],
    [
      "it failed and was tried again",
      1,
      [
        started(true),
        { kind: "attempt-ended", path: at(1), data: { attempt: 1, reason: "failed", error, usage: usage(3, 0) } },
        { kind: "call-failed", path, data: { attempt: 2, error, usage: usage(9, 9) } },
      ],
      { tokens: 3, usd: 0 },
    ],
    ["it was let in at once and is lost", 1, [started(true)], { tokens: 300, usd: 0.25 }],
    [
      "it was let in later and is lost",
      1,
      [started(false), { kind: "attempt-admitted", path: at(1), data: { attempt: 1, reserve } }],
      { tokens: 300, usd: 0.25 },
    ],
    [
      "it was a further attempt and is lost",
      2,
      [started(true), { kind: "attempt-started", path: at(2), data: { attempt: 2, reserve } }],
      { tokens: 300, usd: 0.25 },
    ],
    ["it was never let in", 1, [started(false)], { tokens: 0, usd: 0 }],
    [
      "it was never let in, and ended so",
      2,
      [
        started(true),
        { kind: "attempt-started", path: at(2), data: { attempt: 2 } },
        { kind: "call-failed", path, data: { attempt: 2, error } },
      ],
      { tokens: 0, usd: 0 },
    ],
    ["its run never came to the journal", 1, [], { tokens: 0, usd: 0 }],
  ])("is settled once when %s", (_what, attempt, events, used) => {
    const ledger = open();
    ledger.reserve(entry(attempt), NO_CAP);
    const parts = { ledger, workspace: "here", events: () => events.map(event) };
    expect([reconcile(parts), reconcile(parts)]).toEqual([1, 0]);
    expect(ledger.day()).toEqual({ used, reserved: { tokens: 0, usd: 0 } });
  });

  it("is settled at what was set aside when its run is not there any more, and other workspaces' is left alone", () => {
    const ledger = open();
    ledger.reserve(entry(1), NO_CAP);
    ledger.reserve(entry(2, { workspace: "elsewhere" }), NO_CAP);
    expect(reconcile({ ledger, workspace: "here", events: () => null })).toBe(1);
    expect(ledger.day()).toEqual({ used: { tokens: 300, usd: 0.25 }, reserved: { tokens: 300, usd: 0.25 } });
  });
});

describe("several processes", () => {
  const child = (...args: string[]): ReturnType<typeof spawn> => {
    const made = spawn(process.execPath, [CHILD, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void made.kill("SIGKILL"));
    return made;
  };
  const printed = async (from: ReturnType<typeof spawn>): Promise<number> => {
    let text = "";
    for await (const chunk of from.stdout ?? []) {
      text += String(chunk);
      if (text.endsWith("\n")) break;
    }
    return Number(text);
  };

  it("that reserve at once never pass the cap, and miss nothing that fits", async () => {
    const file = join(temporaryFolder(), "ledger.db");
    // 100 before; each process asks for 50 × 30 tokens and gives a third of every second one back.
    const got = await Promise.all(["a", "b", "c"].map((name) => printed(child(file, name, "50", "1000"))));
    const ledger = open({ file, now: () => 1_000 });
    const { used, reserved } = ledger.day();
    expect(used.tokens + reserved.tokens).toBeLessThanOrEqual(1_000);
    expect(used.tokens + reserved.tokens).toBeGreaterThan(1_000 - 30);
    expect(used.tokens).toBe(100 + 20 * got.reduce((sum, each) => sum + each, 0) - (reserved.tokens / 30) * 20);
  });

  it("that are killed leave what they had set aside, which is settled once by the next owner", async () => {
    const file = join(temporaryFolder(), "ledger.db");
    const killed = child(file, "a", "5", "1000", "hold");
    expect(await printed(killed)).toBe(5);
    const gone = once(killed, "exit");
    killed.kill("SIGKILL");
    await gone;
    const ledger = open({ file, now: () => 1_000 });
    expect(ledger.day()).toEqual({ used: { tokens: 100, usd: 0 }, reserved: { tokens: 150, usd: null } });
    const parts = { ledger, workspace: "a", events: () => null };
    expect([reconcile(parts), reconcile(parts)]).toEqual([5, 0]);
    expect(ledger.day()).toEqual({ used: { tokens: 250, usd: null }, reserved: { tokens: 0, usd: 0 } });
  });
});
