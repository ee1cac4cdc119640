/** `gc`, `rebuild`, `doctor` and what looks after the data folder by itself, with the real program. */
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import type { GcSummary } from "../../shared/reports.ts";
import type { Examination } from "../../mcp-server/service.ts";
import type { RunView } from "../../shared/run-view.ts";
import { call, crew } from "../support/crew-replies.ts";
import { projectionRows } from "../support/projection-rows.ts";
import { openPlace } from "../support/real-program.ts";
import type { Ended, Place } from "../support/real-program.ts";

const journalOf = (place: Place): string => join(place.data(), "journal.db");

async function done(place: Place, task = "do it"): Promise<string> {
  const end = await place.run(["run", task, "--worker", "coder"]);
  expect(end.code, end.stderr).toBe(0);
  return end.runId();
}

async function idsOf(place: Place): Promise<string[]> {
  const { runs } = JSON.parse((await place.run(["runs", "--json"])).stdout) as { runs: RunView[] };
  return runs.map((run) => run.run_id);
}

const jsonOf = (end: Ended): unknown => JSON.parse(end.stdout);

/** Makes all events of a run as old as the journal would have them; their hashes no longer fit, which nothing here looks at. */
function age(place: Place, runId: string, days: number): void {
  const db = new Database(journalOf(place));
  db.prepare("UPDATE events SET time = time - ? WHERE run = (SELECT run FROM run_keys WHERE run_id = ?)").run(days * 86_400_000, runId);
  db.close();
}

describe("bosun gc", () => {
  it.concurrent("says what it would remove, removes it, says what was freed, and then finds nothing more", async (test) => {
    const place = await openPlace(test, { reply: (_, n) => ({ content: `many words ${n} `.repeat(50_000) }) });
    const [old, young] = [await done(place, "the old task"), await done(place, "the young task")];
    age(place, old, 31);
    const dry = jsonOf(await place.run(["gc", "--dry-run", "--json"])) as GcSummary;
    expect(dry).toMatchObject({ dry_run: true, days: 30, runs: 1, freed_bytes: null });
    expect(dry.payload_bytes).toBeGreaterThan(500_000);
    expect(await idsOf(place)).toEqual([young, old]);
    const end = await place.run(["gc"]);
    expect(end).toMatchObject({ code: 0, stderr: "" });
    expect(end.stdout).toMatch(/^Removed 1 run that ended more than 30 days ago, and \d+ payloads \(\S+ MB\) that no other run names\.$/m);
    expect(end.stdout).toMatch(/^The journal's files are \S+ MB smaller\.$/m);
    expect(await idsOf(place)).toEqual([young]);
    expect(jsonOf(await place.run(["gc", "--json"]))).toMatchObject({ runs: 0, payloads: 0, freed_bytes: 0 });
    await place.expectReplay(young);
    expect((await place.run(["show", old])).stderr).toContain("not_found");
    await place.expectIntact();
  });

  it.concurrent("keeps a run that waits for a person, however old, and with --days 0 removes all that have ended", async (test) => {
    const place = await openPlace(test, {
      reply: crew({ turns: { coder: [call("write_file", { path: "new.txt", content: "new\n" })] } }),
    });
    const waiting = await place.run(["run", "write it", "--worker", "coder"]);
    const id = waiting.runId();
    const ended = await place.run(["run", "look", "--worker", "researcher"]);
    age(place, id, 400);
    mkdirSync(join(place.data(), "applying"), { recursive: true });
    writeFileSync(join(place.data(), "applying/chg_gone.done.json"), "{}");
    const end = await place.run(["gc", "--days", "0"]);
    expect(end.code, end.stderr).toBe(0);
    expect(end.stdout).toContain("Removed 1 run ");
    expect(end.stdout).toContain("Removed 1 mark of change sets that a kill had left behind.");
    expect(existsSync(join(place.data(), "applying/chg_gone.done.json"))).toBe(false);
    expect(await idsOf(place)).toEqual([id]);
    expect(ended.runId()).not.toBe(id);
    expect((await place.run(["gc", "--days", "some"])).code).toBe(2);
    expect((await place.run(["cancel", id])).code).toBe(0);
  });

  it.concurrent("is done once a day by itself, after the words of the command", async (test) => {
    const place = await openPlace(test);
    const old = await done(place);
    age(place, old, 31);
    const db = new Database(journalOf(place));
    db.prepare("UPDATE meta SET value = '0' WHERE key = 'gc_at'").run();
    db.close();
    const young = await done(place);
    expect(await idsOf(place)).toEqual([young]);
    expect(readFileSync(join(place.data(), "logs/bosun.log"), "utf8")).toContain("upkeep done");
    age(place, young, 31);
    const third = await done(place);
    expect(await idsOf(place), "not twice on one day").toEqual([third, young]);
  });
});

describe("bosun rebuild", () => {
  it.concurrent("builds again what is derived from the events", async (test) => {
    const place = await openPlace(test, {
      reply: crew({ turns: { coder: [call("write_file", { path: "new.txt", content: "new\n" })] } }),
    });
    const id = (await place.run(["run", "write it", "--worker", "coder"])).runId();
    const rows = projectionRows(journalOf(place));
    expect(rows["approvals"]).toHaveLength(1);
    new Database(journalOf(place))
      .exec("UPDATE runs SET status = 'completed', fold = '{}'; DELETE FROM approvals; DELETE FROM usage")
      .close();
    const doctor = jsonOf(await place.run(["doctor", "--json"])) as Examination;
    expect(doctor.checks.find((check) => check.name === "projections")).toMatchObject({ ok: false });
    const end = await place.run(["rebuild"]);
    expect(end).toMatchObject({ code: 0, stdout: "Built again from the events of 1 run.\n", stderr: "" });
    expect(projectionRows(journalOf(place))).toEqual(rows);
    expect((await place.run(["approvals"])).stdout).toMatch(/^apr\w+ /m);
    expect((await place.run(["cancel", id])).code).toBe(0);
  });
});

describe("bosun doctor", () => {
  const checksOf = (end: Ended): Record<string, { ok: boolean; detail: string }> => {
    const { checks } = jsonOf(end) as Examination;
    return Object.fromEntries(checks.map(({ name, ...check }) => [name, check]));
  };

  it.concurrent("finds all well, before the first run, after it and beside an owner", async (test) => {
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const place = await openPlace(test, {
      reply: (_, n) => (n === 1 ? held.then(() => ({ content: "Let go." })) : { content: "Not held." }),
    });
    const before = await place.run(["doctor"]);
    expect(before).toMatchObject({ code: 0, stderr: "" });
    expect(before.stdout).toMatch(/All is well\.\n$/);
    await done(place);
    const owner = place.start(["run", "hold on", "--worker", "coder"]);
    await owner.waitFor("openai:test");
    const beside = await place.run(["doctor", "--json"]);
    const checks = checksOf(beside);
    expect(beside.code, beside.stdout).toBe(0);
    expect(jsonOf(beside)).toMatchObject({ ok: true });
    expect(checks["owner"]?.detail).toContain(`process ${owner.pid}, since`);
    expect(checks["journal"]?.detail).toMatch(/^schema \d+, 2 runs, the file is sound$/);
    expect(checks["projections"]?.detail).toBe("equal to what the events say (all 2 runs)");
    expect(checks["models"]?.detail).toContain("small openai:test (from BOSUN_MODEL)");
    letGo();
    expect((await owner.end).code).toBe(0);
  });

  it.concurrent("reports a broken configuration, an open folder, no model and no git, each with what to do", async (test) => {
    const place = await openPlace(test, { config: '{"run": {"maxStep": 3}}' });
    chmodSync(place.home, 0o755);
    const broken = await place.run(["doctor", "--json"], { env: { PATH: "/nowhere" } });
    expect(broken).toMatchObject({ code: 1, stderr: "" });
    const checks = checksOf(broken);
    expect(checks["configuration"]).toMatchObject({ ok: false });
    expect(checks["configuration"]?.detail).toContain('did you mean "run.maxSteps"?');
    expect(checks["data folder"]?.detail).toContain(`chmod 700 ${place.home}`);
    expect(checks["git"]?.detail).toContain("Install git");
    expect(checks["node"]).toMatchObject({ ok: true });
    writeFileSync(join(place.home, "bosun.json"), "{}");
    const noModel = checksOf(await place.run(["doctor", "--json"], { env: { BOSUN_MODEL: "", OPENAI_API_KEY: "" } }));
    expect(noModel["models"]).toMatchObject({ ok: true });
    expect(noModel["models"]?.detail).toContain("Set OPENAI_API_KEY");
    mkdirSync(join(place.workspace, ".bosun"));
    writeFileSync(join(place.workspace, ".bosun/config.json"), '{"models": {"small": ["x"]}}');
    expect(checksOf(await place.run(["doctor", "--json"]))["configuration"]?.detail).toContain("Ignored: ");
  });

  it.concurrent("reports a corrupt journal, which the next run salvages, and the file that was kept", async (test) => {
    const place = await openPlace(test);
    for (let at = 0; at < 3; at += 1) await done(place);
    const bytes = readFileSync(journalOf(place));
    bytes.fill(0xa5, bytes.length - 4096);
    writeFileSync(journalOf(place), bytes);
    const sick = await place.run(["doctor"]);
    expect(sick.code).toBe(1);
    expect(sick.stdout).toMatch(/✗ journal +.*damaged/);
    expect(sick.stdout).toContain("bosun run");
    const next = await place.run(["run", "go on", "--worker", "coder"]);
    expect(next.code, next.stderr).toBe(0);
    expect(next.stderr).toMatch(/note: the journal was corrupt; .* \d+ whole runs? and \d+ payloads? were carried over/);
    const well = await place.run(["doctor", "--json"]);
    expect(well.code, well.stdout).toBe(0);
    expect(checksOf(well)["disk use"]?.detail).toContain("corrupt journals kept aside");
    expect(readdirSync(place.data()).filter((name) => name.includes(".corrupt-")).length).toBeGreaterThan(0);
  });
});
