/** One run with four parallel workers and three change sets, on a loopback model, in a process that may be killed at any moment. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync as readdir, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { VerifyReport } from "../../mcp-server/service.ts";
import type { RunView } from "../../shared/run-view.ts";
import type { ReceivedRequest, ServerReply } from "./openai-server.ts";
import { startOpenAiServer } from "./openai-server.ts";

const step = (id: string, worker: string, needs: readonly string[] = []): object => ({
  id,
  worker,
  goal: `goal of ${id}`,
  depends_on: needs,
  when: null,
  expects: "",
});
const PLAN = {
  confidence: 0.9,
  complexity: 0.5,
  question: null,
  steps: [
    step("look", "researcher"),
    step("judge", "reviewer"),
    step("mend", "coder"),
    step("tell", "writer"),
    step("polish", "debugger", ["mend", "tell"]),
  ],
};

/** What each worker does, turn by turn; `null` is its report. */
const TURNS: Record<string, readonly (readonly { name: string; arguments: object }[])[]> = {
  researcher: [
    [
      { name: "read_file", arguments: { path: "a.txt" } },
      { name: "search_text", arguments: { pattern: "hello" } },
    ],
    [{ name: "list_files", arguments: {} }],
  ],
  reviewer: [[{ name: "read_file", arguments: { path: "keep.txt" } }], [{ name: "list_files", arguments: {} }]],
  coder: [
    [
      { name: "read_file", arguments: { path: "a.txt" } },
      { name: "read_file", arguments: { path: "old.txt" } },
    ],
    [
      { name: "edit_file", arguments: { path: "a.txt", old_text: "hello", new_text: "hello once" } },
      { name: "delete_file", arguments: { path: "old.txt" } },
      { name: "write_file", arguments: { path: "deep/er/new.txt", content: "new\n" } },
    ],
  ],
  writer: [[{ name: "write_file", arguments: { path: "DOCS.md", content: "# Docs\n" } }]],
  debugger: [
    [{ name: "read_file", arguments: { path: "a.txt" } }],
    [{ name: "edit_file", arguments: { path: "a.txt", old_text: "hello once", new_text: "hello twice" } }],
  ],
};

export const BEFORE = { "a.txt": "hello\n", "old.txt": "old\n", "keep.txt": "keep\n" } as const;
/** Every state in which the workspace may rest between two processes: each change set wholly there or wholly not. */
const MENDED = { "a.txt": "hello once\n", "old.txt": null, "deep/er/new.txt": "new\n" } as const;
const POLISHED = { ...MENDED, "a.txt": "hello twice\n" } as const;

function reply(request: ReceivedRequest): ServerReply {
  const purpose = request.headers["x-bosun-purpose"];
  if (purpose === "plan") return { json: PLAN, delayMs: 5 };
  if (purpose === "synthesise") return { content: "All is done.", delayMs: 5 };
  const worker = String(request.headers["x-bosun-worker"]);
  const turn = request.body.messages.filter((message) => message.role === "assistant").length;
  const calls = TURNS[worker]?.[turn];
  return calls === undefined ? { content: `Report of ${worker}.`, delayMs: 10 } : { tool_calls: calls, delayMs: 10 };
}

export interface CrashCase {
  readonly folder: string;
  readonly workspace: string;
  readonly requests: readonly ReceivedRequest[];
  /** Runs the driver until it ends or `killAfterMs` has passed. */
  drive(options: {
    readonly env?: Record<string, string>;
    readonly killAfterMs?: number;
  }): Promise<{ readonly signal: string | null; readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
  close(): Promise<void>;
}

/** @param always environment of every process of the case */
export async function openCrashCase(driver: string, always: (folder: string) => Record<string, string> = () => ({})): Promise<CrashCase> {
  const folder = mkdtempSync(join(tmpdir(), "bosun-crash-"));
  const workspace = join(folder, "workspace");
  mkdirSync(workspace);
  for (const [name, text] of Object.entries(BEFORE)) writeFileSync(join(workspace, name), text);
  const server = await startOpenAiServer({ reply });
  return {
    folder,
    workspace,
    requests: server.requests,
    drive: ({ env = {}, killAfterMs }) =>
      new Promise((resolve, reject) => {
        const child = spawn(process.execPath, [driver], {
          cwd: workspace,
          env: {
            PATH: process.env["PATH"] ?? "",
            HOME: folder,
            BOSUN_HOME: join(folder, "home"),
            BOSUN_WORKSPACE: workspace,
            BOSUN_MODEL: "openai:test",
            OPENAI_API_KEY: "test-key",
            OPENAI_BASE_URL: server.url,
            ...always(folder),
            ...env,
          },
        });
        let stdout = "";
        let stderr = "";
        child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
        child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
        const timer = killAfterMs === undefined ? null : setTimeout(() => child.kill("SIGKILL"), killAfterMs);
        child.on("error", reject);
        child.on("close", (code, signal) => {
          if (timer !== null) clearTimeout(timer);
          resolve({ signal, code, stdout, stderr });
        });
      }),
    close: async () => {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Brings what is left to its end and checks everything that a kill must not break. */
export async function finishAndCheck(at: CrashCase, kills: number): Promise<void> {
  const end = await at.drive({});
  expect(end, end.stderr).toMatchObject({ code: 0 });
  const { notices, runs, replays, verified } = JSON.parse(end.stdout) as {
    notices: string[];
    runs: RunView[];
    replays: { ok: boolean }[];
    verified: VerifyReport;
  };
  expect(notices).toEqual([]);
  expect(runs).toHaveLength(1);
  const [run] = runs;
  expect(run?.status, JSON.stringify(run?.error)).toBe("completed");
  expect(run?.answer).toBe("All is done.");
  expect(replays).toEqual([expect.objectContaining({ ok: true })]);
  expect(verified).toMatchObject({ ok: true, runs: 1, unsigned: false, adopted: 0 });
  expect(run?.plan?.steps.map((each) => each.status)).toEqual(["ok", "ok", "ok", "ok", "ok"]);
  expectFiles(at.workspace, { ...BEFORE, ...POLISHED, "DOCS.md": "# Docs\n" });
  expectNoStrays(at);
  checkCalls(at, run?.events ?? [], kills);
}

type Events = NonNullable<RunView["events"]>;

/** Each journalled attempt reached the model at most once; only attempts that a kill cut off were made again. */
function checkCalls(at: CrashCase, events: Events, kills: number): void {
  const lost = events.filter((event) => event.kind === "attempt-ended" && event.path.includes("ask_model"));
  for (const event of lost) {
    const data = event.data as { reason: string; usage?: { source: string; completion_tokens: number } };
    expect(data.reason).toBe("lost");
    expect(data.usage).toMatchObject({ source: "estimated" });
  }
  const attempts = events.filter(
    (event) =>
      (event.kind === "attempt-started" && event.path.includes("ask_model")) ||
      (event.kind === "call-started" && (event.data as { activity: string }).activity === "ask_model"),
  ).length;
  expect(at.requests.length).toBeLessThanOrEqual(attempts);
  const seen = new Map<string, number>();
  for (const request of at.requests)
    seen.set(String(request.headers["traceparent"]), (seen.get(String(request.headers["traceparent"])) ?? 0) + 1);
  for (const count of seen.values()) expect(count).toBeLessThanOrEqual(1 + kills);
  const applied = events.filter(
    (event) => event.kind === "call-started" && (event.data as { activity: string }).activity === "apply_changes",
  );
  expect(applied).toHaveLength(3);
}

/** The workspace as one process left it: each change set wholly applied or wholly not, once a new owner has looked at it. */
export function expectFiles(workspace: string, files: Readonly<Record<string, string | null>>): void {
  const found = Object.fromEntries(
    Object.keys(files).map((name) => [name, existsSync(join(workspace, name)) ? readFileSync(join(workspace, name), "utf8") : null]),
  );
  expect(found).toEqual(files);
}

function expectNoStrays(at: CrashCase): void {
  for (const folder of ["", "deep", "deep/er"]) {
    const names = existsSync(join(at.workspace, folder)) ? readdir(join(at.workspace, folder)) : [];
    expect(names.filter((name) => name.startsWith("."))).toEqual([]);
  }
}
