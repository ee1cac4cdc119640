/**
 * A worker sees and uses its own tools alone: through failures, new plans, forks, killed owners and changed files, whatever the model asks
 * for. With the real engine, tools and service, and workers from files, some of them imported.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { Kept } from "../../shared/durable.ts";
import type { AssistantMessage } from "../../shared/model.ts";
import { openService } from "../../mcp-server/compose.ts";
import { createCodec } from "../../mcp-server/engine/codec.ts";
import { openJournalReader } from "../../mcp-server/journal/sqlite-reader.ts";
import { workspaceDataFolder } from "../../mcp-server/config/paths.ts";
import { createToolRegistry } from "../../mcp-server/tools/registry.ts";
import { mulberry } from "../../training/softmax.ts";
import { planOf, type StepDraft } from "../support/crew-replies.ts";
import { temporaryFolder } from "../support/journal-fixture.ts";
import { startOpenAiServer, type ServerReply } from "../support/openai-server.ts";

const seed = Number(process.env["TEST_SEED"] ?? Math.floor(Math.random() * 1_000_000));
const ROUNDS = 12;
const TOOLS = [...createToolRegistry().keys()];
const ASKED = [...TOOLS, "run_command", "approve", "ask_coder", "constructor", ""];
const ARGS: Readonly<Record<string, object>> = {
  read_file: { path: "a.txt" },
  list_files: {},
  search_text: { pattern: "a" },
  git_diff: {},
  git_log: {},
  write_file: { path: "b.txt", content: "b" },
  edit_file: { path: "a.txt", old_text: "a", new_text: "b" },
  delete_file: { path: "a.txt" },
  move_file: { from: "a.txt", to: "c.txt" },
  note_hypothesis: { id: "h", statement: "s", confidence: 0.5 },
  note_decision: { id: "d", decision: "d", reason: "r" },
};

it("no tool outside a worker's own is ever offered or done", async () => {
  process.stdout.write(`seed of the workers' rights: ${seed} (TEST_SEED)\n`);
  let done = 0;
  // Worlds in which hardly anything may be done show little: then more of them are looked at.
  for (let round = 0; round < ROUNDS || (done <= ROUNDS && round < 3 * ROUNDS); round += 1)
    done += await oneWorld(mulberry(seed + round), seed + round);
  expect(done).toBeGreaterThan(ROUNDS);
}, 60_000);

async function oneWorld(random: () => number, name: number): Promise<number> {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const some = <T>(from: readonly T[]): T[] => from.filter(() => random() < 0.35);
  const base = temporaryFolder();
  const [home, workspace] = [join(base, "home"), join(base, "ws")];
  for (const folder of [home, join(workspace, ".bosun/workers"), join(workspace, ".claude/agents")])
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(home, "bosun.json"), JSON.stringify({ workspaces: { trusted: [workspace] } }));
  writeFileSync(join(workspace, "a.txt"), "a\n");
  const write = (worker: string): void =>
    writeFileSync(
      join(workspace, ".bosun/workers", `${worker}.md`),
      `---\nname: ${worker}\ndescription: does ${worker}\ntools: [${["give_up", ...some(TOOLS)].join(", ")}]\ntier: small\n---\nWork.\n`,
    );
  for (const worker of ["one", "two"]) write(worker);
  writeFileSync(
    join(workspace, ".claude/agents/three.md"),
    `---\nname: three\ndescription: x\ntools: ${pick(["Read", "Grep, Bash", "Write, Task", "Edit, WebFetch"])}\n---\nWork.\n`,
  );

  /** Worker by run and step, with what each of its requests offered. */
  const offers: { readonly worker: string; readonly tools: readonly string[] }[] = [];
  let ids = 0;
  const steps = (crew: readonly string[]): StepDraft[] =>
    Array.from({ length: 1 + Math.floor(random() * 2) }, () => ({ id: `s${(ids += 1)}`, worker: pick(crew) }));
  const server = await startOpenAiServer({
    reply: ({ headers, body }): ServerReply => {
      const crew = ["one", "two", "three", "coder", "researcher"];
      const purpose = String(headers["x-bosun-purpose"]);
      if (purpose === "plan") return { json: planOf(steps(crew)) };
      if (purpose === "replan") return { json: { ...planOf(random() < 0.6 ? steps(crew) : []), keep: [] } };
      if (purpose !== "work") return { content: "Put together." };
      offers.push({
        worker: String(headers["x-bosun-worker"]),
        tools: ((body as unknown as { tools?: readonly { function: { name: string } }[] }).tools ?? [])
          .map((tool) => tool.function.name)
          .toSorted(),
      });
      // Files change while steps are under way: what has begun goes on with what it was given.
      if (random() < 0.2) write(pick(["one", "two"]));
      if (random() < 0.35) return { content: "A report." };
      if (random() < 0.15) return { tool_calls: [{ name: "give_up", arguments: { reason: "cannot" } }] };
      if (random() < 0.1) return { status: 500 };
      const count = 1 + Math.floor(random() * 3);
      return { tool_calls: Array.from({ length: count }, () => pick(ASKED)).map((tool) => ({ name: tool, arguments: ARGS[tool] ?? {} })) };
    },
  });
  onTestFinished(() => server.close());
  const env = { BOSUN_HOME: home, BOSUN_MODEL: "openai:test", OPENAI_API_KEY: "k", OPENAI_BASE_URL: server.url };
  const open = () => openService({ system: { platform: process.platform, env, homeDir: base }, workspace, folder: workspace });
  let service = open();
  service.importWorkers({ paths: [], user: false, dry_run: false });
  try {
    const runs: string[] = [];
    for (let count = 0; count < 3; count += 1) {
      const parent = runs[0];
      const begun =
        parent !== undefined && random() < 0.5
          ? await service.fork(parent, { at: String(2 + Math.floor(random() * 20)) }).catch(() => null)
          : await service.startRun({ task: "do it", ...(random() < 0.4 ? { worker: pick(["one", "two", "three"]) } : {}) });
      if (begun === null) continue;
      runs.push(begun);
      if (random() < 0.4) {
        // As after a crash: what was in memory is gone.
        await service.close();
        service = open();
        await service.recover();
      }
      await service.settled(begun);
      for (const { approval_id: id } of service.listApprovals({ run_id: begun }))
        await service.decide(id, { decision: "reject", digest: service.getApproval(id).digest, reason: "no" });
      await service.settled(begun);
    }
    await service.close();
    for (const { tools } of offers) for (const tool of tools) expect([...TOOLS, "give_up"]).toContain(tool);
    return expectRights(join(workspaceDataFolder(home, workspace), "journal.db"), runs, `seed ${name}`);
  } finally {
    await service.close().catch(() => undefined);
  }
}

/** What each step was given when it began is all that succeeded in it, and all that its model was offered. @returns how many calls were done */
function expectRights(file: string, runs: readonly string[], where: string): number {
  const opened = openJournalReader(file);
  if (opened === null) throw new Error("no journal");
  const { reader, close } = opened;
  const codec = createCodec(reader.blobs, null);
  let done = 0;
  for (const runId of runs) {
    const asked = new Map<string, { readonly activity: string; readonly input: unknown }>();
    const given = new Map<string, readonly string[]>();
    for (const event of reader.events(runId)) {
      if (event.kind === "call-started") asked.set(event.path, { activity: event.data.activity, input: codec.decode(event.data.input) });
      const call = event.kind === "call-completed" ? asked.get(event.path) : undefined;
      if (event.kind !== "call-completed" || call === undefined) continue;
      const step = event.path.split("/").slice(0, 2).join("/");
      if (call.activity === "describe_worker")
        given.set(
          step,
          (codec.decode(event.data.result) as { tools: Kept<readonly { name: string }[]> }).tools.value.map((tool) => tool.name),
        );
      if (call.activity === "ask_model") {
        const { tools } = call.input as { tools: Kept<readonly { name: string }[]> | null };
        if (tools !== null)
          expect(
            tools.value.map((tool) => tool.name),
            where,
          ).toEqual(given.get(step));
      }
      if (call.activity === "use_tool") {
        const { message, index } = call.input as { message: Kept<AssistantMessage>; index: number };
        done += 1;
        expect(given.get(step), `${where}, run ${runId}, ${event.path}`).toContain(message.value.tool_calls?.[index]?.name);
      }
    }
  }
  close();
  return done;
}
