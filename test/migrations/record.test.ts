/** Records the journal of this version as text; to be done once for each schema, before the next one: `RECORD_SCHEMA=1 vitest run test/migrations/record.test.ts`. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { openService } from "../../mcp-server/compose.ts";
import { workspaceDataFolder } from "../../mcp-server/config/paths.ts";
import { SCHEMA_VERSION } from "../../mcp-server/journal/migrations.ts";
import { call, calls, crew } from "../support/crew-replies.ts";
import { startOpenAiServer } from "../support/openai-server.ts";
import { dumpSql } from "../support/sql-dump.ts";

it.runIf(process.env["RECORD_SCHEMA"] === "1")("records an ended run, one that waits for an approval, and one in flight", async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "bosun-record-")));
  const workspace = join(folder, "workspace");
  mkdirSync(workspace);
  writeFileSync(join(workspace, "a.txt"), "hello\n");
  const server = await startOpenAiServer({
    reply: crew({
      turns: {
        coder: [
          calls(["read_file", { path: "a.txt" }], ["list_files", {}]),
          call("edit_file", { path: "a.txt", old_text: "hello", new_text: "hello again" }),
        ],
        writer: [call("write_file", { path: "DOCS.md", content: "# Docs\n" })],
        researcher: [call("read_file", { path: "a.txt" }), () => new Promise(() => undefined)],
      },
    }),
  });
  const env = { BOSUN_HOME: join(folder, "home"), BOSUN_MODEL: "openai:test", OPENAI_API_KEY: "k", OPENAI_BASE_URL: server.url };
  const service = openService({ system: { platform: process.platform, env, homeDir: folder }, workspace, folder: workspace });
  const ended = await service.startRun({ task: "mend a.txt", worker: "coder" });
  const asked = await service.settled(ended);
  for (const { approval_id: id } of asked.approvals)
    await service.decide(id, { decision: "approve", digest: service.getApproval(id).digest });
  expect((await service.settled(ended)).status).toBe("completed");
  const waiting = await service.startRun({ task: "write DOCS.md", worker: "writer" });
  expect((await service.settled(waiting)).status).toBe("waiting_approval");
  const killed = await service.startRun({ task: "look into a.txt", worker: "researcher" });
  while (!server.requests.some((request) => request.headers["x-bosun-run"] === killed && request.body.messages.length > 3)) await delay(20);
  await delay(50);
  const db = new Database(join(workspaceDataFolder(env.BOSUN_HOME, workspace), "journal.db"), { readonly: true });
  const text = dumpSql(db);
  db.close();
  expect(text).not.toContain(folder);
  writeFileSync(join(import.meta.dirname, `schema-${SCHEMA_VERSION}.sql`), text);
  await service.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});
