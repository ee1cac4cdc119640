/** What goes wrong with one run, one listener or one process stays there. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it, onTestFinished } from "vitest";
import { statusOf } from "../../../mcp-server/journal/fold-run.ts";
import { takeOwnerLock } from "../../../mcp-server/journal/owner-lock.ts";
import { createWords } from "../../../mcp-server/service/words.ts";
import type { Fn } from "../../support/bare-engine.ts";
import { eventsOf, never, openBareEngine, turns } from "../../support/bare-engine.ts";

const waits: Fn = async (ctx) => {
  await ctx.signal("go", null, { for: "timer" });
  return { ok: true, value: 1 };
};

describe("the engine goes on", () => {
  it("with the other runs when a payload of one is gone", async () => {
    const fn: Fn = async (ctx) => {
      await ctx.call("echo", 1);
      await ctx.signal("go", null, { for: "timer" });
      return { ok: true, value: 1 };
    };
    const at = openBareEngine(fn, { echo: { run: async () => "y".repeat(2000) } });
    const spoilt = at.start({ input: { big: "x".repeat(2000) } });
    await at.engine.settled(spoilt);
    const other = at.start();
    await at.engine.settled(other);
    const database = new Database(at.file);
    expect(database.prepare("DELETE FROM blobs WHERE length(body) > 2005").run().changes).toBe(1);
    database.close();
    at.engine.signal(spoilt, "go", 1);
    await at.engine.settled(spoilt);
    at.engine.signal(other, "go", 1);
    await at.engine.settled(other);
    expect(statusOf(at.journal.run(spoilt))).toBe("paused");
    expect(at.journal.run(spoilt).held?.code).toBe("not_found");
    expect(statusOf(at.journal.run(other))).toBe("completed");
  });

  it("with the other runs when one has a workflow that only a newer Bosun knows", async () => {
    const fn: Fn = async (ctx) => ({ ok: true, value: await ctx.call("echo", 1) });
    const at = openBareEngine({ newer: fn, w: fn }, { echo: { run: never } });
    const newer = at.start({ workflow: "newer" });
    const known = at.start();
    await turns();
    const next = at.again(fn, { echo: {} });
    expect(next.engine.recover().toSorted()).toEqual([newer, known].toSorted());
    await next.engine.settled(known);
    await next.engine.settled(newer);
    expect(statusOf(next.journal.run(known))).toBe("completed");
    const { held } = next.journal.run(newer);
    expect(held === null ? "" : createWords(next.journal.blobs).error(held).message).toBe("this Bosun has no workflow newer");
  });

  it("when a listener throws", async () => {
    const at = openBareEngine(waits, {});
    const run = at.start();
    await at.engine.settled(run);
    let told = 0;
    at.engine.subscribe((note) => {
      if (note.type !== "event" || note.event.kind !== "signal-received") return;
      told += 1;
      throw new Error("the log is full");
    });
    at.engine.signal(run, "go", 1);
    await at.engine.settled(run);
    expect(told).toBe(1);
    expect(statusOf(at.journal.run(run))).toBe("completed");
  });

  it("past a hold that a person's resume came just before", async () => {
    const fn: Fn = async (ctx) => {
      await ctx.call("echo", 1);
      await ctx.hold({ code: "timeout", message: "nobody came", retryable: true });
      await ctx.signal("go", null, { for: "timer" });
      return { ok: true, value: 1 };
    };
    const at = openBareEngine(fn, { echo: {} });
    at.engine.subscribe((note) => {
      if (note.type === "event" && note.event.kind === "call-completed") at.engine.resume(note.event.run_id, "test", { tokens: 5 });
    });
    const run = at.start();
    await at.engine.settled(run);
    const open = (): unknown =>
      [Object.values(at.journal.run(run).waits), at.journal.openWaits(run)].map((waits) => waits.map((wait) => wait.name));
    expect(open()).toEqual([["go"], ["go"]]);
    at.journal.rebuild();
    expect(open()).toEqual([["go"], ["go"]]);
    at.engine.signal(run, "go", 1);
    await at.engine.settled(run);
    expect(statusOf(at.journal.run(run))).toBe("completed");
    expect(await at.engine.replay(run)).toMatchObject({ ok: true });
  });
});

it("an engine whose disk refuses to park a run stops, says why, and takes the run up again", async () => {
  const at = openBareEngine(
    waits,
    {},
    {
      meddle: (journal) => {
        journal.park = () => {
          throw Object.assign(new Error("database or disk is full"), { code: "SQLITE_FULL" });
        };
      },
    },
  );
  const run = at.start();
  await expect(at.engine.settled(run)).rejects.toThrow(/disk is full/u);
  expect(at.engine.broken?.message).toMatch(/disk is full/u);
  const next = at.again(waits, {});
  expect(next.engine.recover()).toEqual([run]);
  await next.engine.settled(run);
  expect(eventsOf(next.journal, run)).toContain("wait-started wait:0");
});

it("a second attempt to own the folder does not take the lock from the process that has it", () => {
  const folder = mkdtempSync(join(tmpdir(), "bosun-lock-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const child = (): string =>
    spawnSync(process.execPath, ["--no-warnings", join(import.meta.dirname, "lock-child.ts"), folder], { encoding: "utf8" }).stdout;
  const lock = takeOwnerLock(folder);
  expect(child()).toBe("conflict");
  expect(() => takeOwnerLock(folder)).toThrow(/another Bosun process/u);
  expect(child()).toBe("conflict");
  lock.release();
  expect(child()).toBe("taken");
});
