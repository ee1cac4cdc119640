/** A data folder written under the first schema, by the version before there was any other, opened by today's code. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { openService } from "../../mcp-server/compose.ts";
import { workspaceDataFolder } from "../../mcp-server/config/paths.ts";
import { SCHEMA_VERSION } from "../../mcp-server/journal/migrations.ts";
import type { Service } from "../../mcp-server/service.ts";
import { crew } from "../support/crew-replies.ts";
import { temporaryFolder } from "../support/journal-fixture.ts";
import type { OpenAiServer } from "../support/openai-server.ts";
import { startOpenAiServer } from "../support/openai-server.ts";
import { projectionRows } from "../support/projection-rows.ts";

const DUMP = readFileSync(join(import.meta.dirname, "schema-1.sql"), "utf8");
/** Some minutes after it was recorded: what waits has not expired. */
const THEN = new Date("2026-11-20T22:20:00Z");
const WAITING_TASK = "write DOCS.md";

interface OldPlace {
  readonly service: Service;
  readonly workspace: string;
  readonly file: string;
  readonly server: OpenAiServer;
  id(task: string): string;
}

beforeEach(() => void vi.useFakeTimers({ now: THEN, toFake: ["Date"] }));

async function openOld(): Promise<OldPlace> {
  const folder = temporaryFolder();
  const workspace = join(folder, "workspace");
  mkdirSync(workspace);
  // As the ended run left it.
  writeFileSync(join(workspace, "a.txt"), "hello again\n");
  const server = await startOpenAiServer({ reply: crew({}) });
  const env = { BOSUN_HOME: join(folder, "home"), BOSUN_MODEL: "openai:test", OPENAI_API_KEY: "k", OPENAI_BASE_URL: server.url };
  const data = workspaceDataFolder(env.BOSUN_HOME, workspace);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const file = join(data, "journal.db");
  new Database(file).exec(`PRAGMA foreign_keys = OFF; PRAGMA journal_mode = WAL; BEGIN; ${DUMP}; COMMIT`).close();
  const service = openService({ system: { platform: process.platform, env, homeDir: folder }, workspace, folder: workspace });
  onTestFinished(async () => {
    await service.close();
    await server.close();
    vi.useRealTimers();
  });
  return {
    service,
    workspace,
    file,
    server,
    id: (task) => service.listRuns().find((run) => run.task === task)?.run_id ?? `no run "${task}"`,
  };
}

describe("a journal of schema 1", () => {
  it("is shown before anybody owns it, and nothing in it is changed by that", async () => {
    const { service, id, file } = await openOld();
    expect(service.listRuns().map((run) => [run.task, run.status])).toEqual([
      ["look into a.txt", "running"],
      [WAITING_TASK, "waiting_approval"],
      ["mend a.txt", "completed"],
    ]);
    const ended = service.getRun(id("mend a.txt"), ["trace", "changes", "events"]);
    expect(ended.changes?.map((set) => [set.status, set.files.map((each) => each.path)])).toEqual([["applied", ["a.txt"]]]);
    expect(ended.events?.at(-1)?.kind).toBe("run-ended");
    expect(service.listApprovals()).toHaveLength(1);
    const db = new Database(file, { readonly: true });
    expect(db.pragma("user_version", { simple: true })).toBe(1);
    db.close();
  });

  it("is migrated by its next owner, who builds projections that say the same", async () => {
    const { service, file } = await openOld();
    const before = projectionRows(file);
    await service.rebuild();
    expect(projectionRows(file)).toEqual(before);
    const db = new Database(file, { readonly: true });
    expect(db.pragma("user_version", { simple: true })).toBe(SCHEMA_VERSION);
    expect(db.pragma("quick_check", { simple: true })).toBe("ok");
    db.close();
  });

  it("goes on with the run that waited for an approval, takes up the one that was killed, and replays all", async () => {
    const { service, id, workspace, server } = await openOld();
    const [waiting, killed, ended] = [id(WAITING_TASK), id("look into a.txt"), id("mend a.txt")];
    expect(await service.recover()).toEqual([killed]);
    expect(await service.settled(killed)).toMatchObject({ status: "completed", answer: "Report of the researcher." });
    expect(server.requests, "the call that the kill cut off is made once more").toHaveLength(1);
    const [approval] = service.listApprovals({ run_id: waiting });
    const { digest, diff } = service.getApproval(approval?.approval_id ?? "");
    expect(diff).toContain("+# Docs");
    await service.decide(approval?.approval_id ?? "", { decision: "approve", digest });
    expect(await service.settled(waiting)).toMatchObject({ status: "completed" });
    expect(readFileSync(join(workspace, "DOCS.md"), "utf8")).toBe("# Docs\n");
    for (const run of [ended, waiting, killed]) expect(await service.replay(run)).toMatchObject({ ok: true });
  });

  it("puts back what a run of then changed", async () => {
    const { service, id, workspace } = await openOld();
    const revert = await service.revert(id("mend a.txt"));
    const [approval] = (await service.settled(revert)).approvals;
    const approvalId = approval?.approval_id ?? "";
    await service.decide(approvalId, { decision: "approve", digest: service.getApproval(approvalId).digest });
    expect(await service.settled(revert)).toMatchObject({ status: "completed" });
    expect(readFileSync(join(workspace, "a.txt"), "utf8")).toBe("hello\n");
  });

  it("loses nothing to a garbage collection that a run needs later", async () => {
    const { service, id, file, workspace } = await openOld();
    const db = new Database(file, { readonly: true });
    const count = (): unknown => db.prepare("SELECT count(*) FROM blobs").pluck().get();
    const before = Number(count());
    const summary = await service.gc({ days: 30, dry_run: false });
    expect(summary.runs).toBe(0);
    expect(before - Number(count())).toBe(summary.payloads);
    db.close();
    const [waiting, killed] = [id(WAITING_TASK), id("look into a.txt")];
    await service.recover();
    expect(await service.settled(killed)).toMatchObject({ status: "completed" });
    const [approval] = service.listApprovals({ run_id: waiting });
    const approvalId = approval?.approval_id ?? "";
    await service.decide(approvalId, { decision: "approve", digest: service.getApproval(approvalId).digest });
    expect(await service.settled(waiting)).toMatchObject({ status: "completed" });
    expect(readFileSync(join(workspace, "DOCS.md"), "utf8")).toBe("# Docs\n");
    const revert = await service.revert(id("mend a.txt"));
    expect(await service.settled(revert)).toMatchObject({ status: "waiting_approval" });
    for (const task of ["mend a.txt", WAITING_TASK, "look into a.txt"]) expect(await service.replay(id(task))).toMatchObject({ ok: true });
  });
});
