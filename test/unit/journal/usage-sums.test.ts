import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { NewEvent } from "../../../shared/events.ts";
import type { Usage } from "../../../shared/usage.ts";
import type { Journal } from "../../../mcp-server/journal/port.ts";
import { readOthers } from "../../../mcp-server/journal/read-others.ts";
import { createSqliteJournal } from "../../../mcp-server/journal/sqlite-journal.ts";
import { openJournalReader } from "../../../mcp-server/journal/sqlite-reader.ts";
import { spentOn, usageOfJournal, usageReport } from "../../../mcp-server/service/usage.ts";
import { temporaryFolder } from "../../support/journal-fixture.ts";

const DAY_MS = 86_400_000;
const NOON = Date.parse("2026-03-04T12:00:00Z");

interface Call {
  readonly worker?: string;
  readonly model?: string;
  readonly tokens: number;
  readonly usd: number | null;
  readonly source?: Usage["source"];
}

const started = (session: string | null): NewEvent => ({
  kind: "run-started",
  path: "",
  data: { workflow: "task", version: 1, flags: [], session_id: session, parent: null, input: { inline: { task: "t" } } },
});
const ended: NewEvent = { kind: "run-ended", path: "", data: { status: "completed", result: { inline: null } } };

function begun(path: string, { worker, model = "m:a" }: Partial<Call>, reserved?: number): NewEvent {
  return {
    kind: "call-started",
    path,
    data: {
      activity: "ask_model",
      version: 1,
      kind: "paid",
      input_hash: "",
      input: { inline: null },
      label: { kind: "model", name: model, ...(worker === undefined ? {} : { worker }) },
      ...(reserved === undefined ? {} : { reserve: { prompt_tokens: reserved, completion_tokens: 1, usd: 0.5 } }),
    },
  };
}

function done(path: string, { tokens, usd, source = "reported" }: Call): NewEvent {
  const usage = { prompt_tokens: tokens, completion_tokens: 1, cached_tokens: 2, usd, source };
  return { kind: "call-completed", path, data: { attempt: 1, result: { inline: null }, usage } };
}

function open(file = join(temporaryFolder(), "journal.db")): { journal: Journal; at: (time: number) => void; file: string } {
  let now = NOON;
  const { journal } = createSqliteJournal({ file, now: () => now });
  onTestFinished(() => journal.close());
  return { journal, file, at: (time) => (now = time) };
}

function write(journal: Journal, runId: string, events: readonly NewEvent[]): void {
  journal.commit(
    events.map((event) => ({ run_id: runId, event })),
    false,
  );
}

const callsOf = (calls: readonly Call[]): NewEvent[] => calls.flatMap((call, at) => [begun(`c:${at}`, call), done(`c:${at}`, call)]);

describe("sums of usage", () => {
  /** Yesterday a run of a session, today one without. */
  function twoDays(): { journal: Journal; file: string } {
    const { journal, at, file } = open();
    at(NOON - DAY_MS);
    write(journal, "run_a", [
      started("s1"),
      ...callsOf([
        { tokens: 10, usd: 0.25 },
        { worker: "coder", model: "m:b", tokens: 20, usd: null },
      ]),
    ]);
    at(NOON);
    write(journal, "run_b", [started(null), ...callsOf([{ worker: "coder", tokens: 40, usd: 0.5, source: "estimated" }])]);
    return { journal, file };
  }
  const row = (calls: number, tokens: number, usd: number | null, source = "reported", known = usd ?? 0): object => ({
    calls,
    prompt_tokens: tokens,
    completion_tokens: calls,
    cached_tokens: 2 * calls,
    usd,
    known_usd: known,
    source,
  });

  it("are by run, worker, model or day, and say what is not known and what is estimated", () => {
    const { journal } = twoDays();
    const report = (by: "run" | "worker" | "model" | "day"): object =>
      usageReport([usageOfJournal(journal, { by, all: false }, NOON)], { by }).usage;
    expect(report("day")).toEqual([
      { day: "2026-03-04", ...row(1, 40, 0.5, "estimated") },
      { day: "2026-03-03", ...row(2, 30, null, "reported", 0.25) },
    ]);
    expect(report("run")).toEqual([
      { run_id: "run_b", ...row(1, 40, 0.5, "estimated") },
      { run_id: "run_a", ...row(2, 30, null, "reported", 0.25) },
    ]);
    expect(report("model")).toEqual([
      { model: "m:a", ...row(2, 50, 0.75, "estimated") },
      { model: "m:b", ...row(1, 20, null) },
    ]);
    expect(report("worker")).toEqual([
      { worker: "coder", ...row(2, 60, null, "estimated", 0.5) },
      { worker: null, ...row(1, 10, 0.25) },
    ]);
  });

  it("are of the last days or of one session alone, if that is asked for", () => {
    const { journal } = twoDays();
    const total = (more: object): object => {
      const request = { by: "model", all: false, ...more } as const;
      return usageReport([usageOfJournal(journal, request, NOON)], request).total;
    };
    expect(total({})).toEqual(row(3, 70, null, "estimated", 0.75));
    expect(total({ days: 1 })).toEqual(row(1, 40, 0.5, "estimated"));
    expect(total({ days: 2 })).toEqual(total({}));
    expect(total({ session_id: "s1" })).toEqual(row(2, 30, null, "reported", 0.25));
    expect(total({ session_id: "unknown" })).toEqual(row(0, 0, 0));
  });

  it("of several journals are added up, and one that cannot be read is named", () => {
    const workspaces = temporaryFolder();
    for (const name of ["a", "b", "c", "d"]) mkdirSync(join(workspaces, name));
    for (const name of ["a", "b"]) {
      const { journal } = open(join(workspaces, name, "journal.db"));
      write(journal, `run_${name}`, [started(null), ...callsOf([{ tokens: 10, usd: 0.25 }])]);
    }
    const broken = join(workspaces, "c", "journal.db");
    writeFileSync(broken, "no database at all ".repeat(500));
    const request = { by: "model", all: true } as const;
    const others = readOthers({ workspaces, own: join(workspaces, "a") }, (journal) => usageOfJournal(journal, request, NOON));
    expect(others.leftOut).toEqual([broken]);
    const report = usageReport([[], ...others.read, ...others.read], request, others.leftOut);
    expect(report).toEqual({ usage: [{ model: "m:a", ...row(2, 20, 0.5) }], total: row(2, 20, 0.5), left_out: [broken] });
  });

  it("say what was spent on one day", () => {
    const { journal } = twoDays();
    expect(spentOn(journal, "2026-03-03")).toEqual({ tokens: 32, usd: null });
    expect(spentOn(journal, "2026-03-04")).toEqual({ tokens: 41, usd: 0.5 });
    expect(spentOn(journal, "2026-03-05")).toEqual({ tokens: 0, usd: 0 });
  });
});

describe("what a session came to", () => {
  const NOTHING = { prompt_tokens: 0, completion_tokens: 0, cached_tokens: 0, usd: 0, source: "reported" };

  it("is what its runs used, ended or not, and what is set aside for their open calls", () => {
    const { journal, at, file } = open();
    write(journal, "run_a", [started("s1"), begun("c:0", {}, 99)]);
    at(NOON + 2_000);
    write(journal, "run_a", [done("c:0", { tokens: 10, usd: 0.25 }), ended]);
    write(journal, "run_b", [started("s1"), begun("c:0", {}, 30), begun("c:1", {}, 50)]);
    at(NOON + 3_000);
    write(journal, "run_b", [done("c:0", { tokens: 20, usd: 0.5 })]);
    write(journal, "run_c", [started("s2"), ...callsOf([{ tokens: 1, usd: 1 }])]);
    const session = {
      used: { prompt_tokens: 30, completion_tokens: 2, cached_tokens: 4, usd: 0.75, source: "reported" },
      reserved: { prompt_tokens: 50, completion_tokens: 1, cached_tokens: 0, usd: 0.5, source: "estimated" },
      active_ms: 3_000,
    };
    expect(journal.sessionUsage("s1")).toEqual(session);
    const opened = openJournalReader(file);
    expect(opened?.reader.sessionUsage("s1")).toEqual(session);
    opened?.close();
    expect(journal.sessionUsage("unknown")).toEqual({ used: NOTHING, reserved: NOTHING, active_ms: 0 });
  });

  it("has for its owner what is staged and not written yet, of new runs and of old ones", () => {
    const { journal } = open();
    write(journal, "run_a", [started("s1"), begun("c:0", {}, 30)]);
    journal.stage([
      { run_id: "run_a", event: done("c:0", { tokens: 20, usd: 0.5 }) },
      { run_id: "run_a", event: ended },
      { run_id: "run_b", event: started("s1") },
      { run_id: "run_b", event: begun("c:0", {}, 70) },
    ]);
    const session = journal.sessionUsage("s1");
    expect(session).toMatchObject({ used: { prompt_tokens: 20, usd: 0.5 }, reserved: { prompt_tokens: 70, usd: 0.5 } });
    journal.write(false);
    expect(journal.sessionUsage("s1")).toEqual(session);
  });

  it("is not known in money when a part of it is not", () => {
    const { journal } = open();
    write(journal, "run_a", [started("s1"), ...callsOf([{ tokens: 1, usd: null }]), ended]);
    expect(journal.sessionUsage("s1").used.usd).toBeNull();
  });
});
