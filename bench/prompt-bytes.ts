/**
 * How much is said to the model, and how much of that begins as an earlier request to the same model began, so that a provider's prompt
 * cache can serve it: for the benchmark task, and for a session of such tasks, beside the floor.
 * `npm run bench -- prompt-bytes [tasks] [different tasks among them]`
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openService } from "../mcp-server/compose.ts";
import type { ChatRequestBody } from "../test/support/openai-server.ts";
import { openFloor } from "./open-floor.ts";
import { FILE_BYTES, FILES } from "./task.ts";

const tasks = Number(process.argv[2] ?? 20);
const different = Number(process.argv[3] ?? tasks);
const base = realpathSync(mkdtempSync(join(tmpdir(), "bosun-bench-")));
const workspace = join(base, "workspace");
/** As in `models/estimate.ts`. */
const BYTES_PER_TOKEN = 4;

interface Said {
  readonly purpose: string;
  readonly body: ChatRequestBody;
}

/** Runs the tasks one after the other against a server of their own. @returns the requests of each task */
async function record(
  name: string,
  begin: (baseUrl: string) => { run(task: string): Promise<unknown>; close(): unknown },
): Promise<Said[][]> {
  const log = join(base, `${name}.jsonl`);
  // This file is bundled into dist/bench; the server runs as it is.
  const server = spawn(process.execPath, [join(import.meta.dirname, "../../bench/server.ts"), "0", log], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [line] = (await once(server.stdout, "data")) as [Buffer];
  const runner = begin(line.toString().trim());
  const ends: number[] = [];
  const lines = (): string[] => readFileSync(log, "utf8").trimEnd().split("\n");
  for (let task = 0; task < tasks; task += 1) {
    await runner.run(`Benchmark task ${task % different}: what do the files hold?`);
    ends.push(lines().length);
  }
  await runner.close();
  server.stdin.end();
  const said = lines().map((text): Said => {
    const { headers, body } = JSON.parse(text) as { headers: Record<string, string | undefined>; body: ChatRequestBody };
    return { purpose: headers["x-bosun-purpose"] ?? purposeOf(body), body };
  });
  return ends.map((end, task) => said.slice(ends[task - 1] ?? 0, end));
}

function purposeOf({ tools, response_format: format }: ChatRequestBody): string {
  if (format !== undefined) return "plan";
  return tools === undefined ? "synthesise" : "work";
}

/** What the model reads, in the order in which providers lay it out: tools, the shape of the answer, messages. */
function asRead({ tools, response_format: format, messages }: ChatRequestBody): string {
  return JSON.stringify([tools ?? null, format ?? null, messages]);
}

function commonBytes(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let at = 0;
  while (at < most && a.charCodeAt(at) === b.charCodeAt(at)) at += 1;
  return Buffer.byteLength(a.slice(0, at));
}

interface Counted {
  calls: number;
  bytes: number;
  begun: number;
}

/** Sums by purpose, and under `all`. */
function count(said: readonly (readonly Said[])[], text: (body: ChatRequestBody) => string): Map<string, Counted> {
  const sums = new Map<string, Counted>();
  const earlier: string[] = [];
  for (const { purpose, body } of said.flat()) {
    const now = text(body);
    const begun = earlier.reduce((most, one) => Math.max(most, commonBytes(one, now)), 0);
    earlier.push(now);
    for (const name of ["all", purpose]) {
      const sum = sums.get(name) ?? { calls: 0, bytes: 0, begun: 0 };
      sum.calls += 1;
      sum.bytes += Buffer.byteLength(now);
      sum.begun += begun;
      sums.set(name, sum);
    }
  }
  return sums;
}

function show(title: string, said: readonly (readonly Said[])[]): void {
  process.stdout.write(`${title}\n`);
  const read = count(said, asRead);
  const sent = count(said, (body) => JSON.stringify(body));
  for (const [purpose, sum] of read) {
    const wire = sent.get(purpose) ?? sum;
    const per = (value: number): string => (value / said.length).toFixed(value / said.length < 100 ? 1 : 0).padStart(7);
    const share = (of: Counted): string => `${((100 * of.begun) / of.bytes).toFixed(1).padStart(5)} %`;
    process.stdout.write(
      `  ${purpose.padEnd(11)} calls ${per(sum.calls)}  bytes ${per(sum.bytes)}  tokens ${per(sum.bytes / BYTES_PER_TOKEN)}  begun before: as read ${share(sum)}, as sent ${share(wire)}  new tokens ${per((sum.bytes - sum.begun) / BYTES_PER_TOKEN)}\n`,
    );
  }
}

try {
  mkdirSync(workspace);
  for (const name of FILES) writeFileSync(join(workspace, name), `${"x".repeat(78)}\n`.repeat(FILE_BYTES / 79));
  const floor = await record("floor", (baseUrl) => openFloor({ file: join(base, "floor.db"), baseUrl, workspace }));
  const bosun = await record("bosun", (baseUrl) => {
    const env = { BOSUN_HOME: join(base, "home"), OPENAI_API_KEY: "bench", OPENAI_BASE_URL: baseUrl, BOSUN_MODEL: "openai:bench" };
    const service = openService({ system: { platform: process.platform, env, homeDir: base }, workspace, folder: workspace });
    return {
      async run(task) {
        const run = await service.settled(await service.startRun({ task, session_id: "bench" }));
        if (run.status !== "completed") throw new Error(`${run.status}: ${run.error?.message ?? ""}`);
      },
      close: () => service.close(),
    };
  });
  process.stdout.write("per task; tokens are estimated\n");
  show("floor, the first task", floor.slice(0, 1));
  show("bosun, the first task", bosun.slice(0, 1));
  show(`floor, a session of ${tasks} tasks, ${different} of them different`, floor);
  show(`bosun, a session of ${tasks} tasks, ${different} of them different`, bosun);
} finally {
  rmSync(base, { recursive: true, force: true });
}
