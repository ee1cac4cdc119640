/**
 * What keeping results of tools gains and costs: the same call again and again in microseconds, run each time, run and marked each time
 * (what the first of several calls pays), and looked up each time.
 * `npm run bench -- tool-cache [files] [rounds]`
 */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createOverlay } from "../mcp-server/changes/overlay.ts";
import { createToolRegistry } from "../mcp-server/tools/registry.ts";
import { createResultCache, NO_RESULT_CACHE, type ResultCache } from "../mcp-server/tools/result-cache.ts";
import { createWorkspace } from "../mcp-server/tools/workspace.ts";
import { median } from "./measure.ts";

const count = Number(process.argv[2] ?? 1_000);
const rounds = Number(process.argv[3] ?? 15);
const FOLDERS = 50;
const base = realpathSync(mkdtempSync(join(tmpdir(), "bosun-bench-")));
const root = join(base, "workspace");

function fill(): void {
  mkdirSync(root);
  for (let folder = 0; folder < FOLDERS; folder += 1) mkdirSync(join(root, `folder-${folder}`));
  const text = "export function something(of: string): string { return of; }\n".repeat(65);
  for (let file = 0; file < count; file += 1) writeFileSync(join(root, `folder-${file % FOLDERS}`, `file-${file}.ts`), `${file}\n${text}`);
  writeFileSync(join(root, "small.txt"), `${"x".repeat(78)}\n`.repeat(25));
  writeFileSync(join(root, "large.txt"), `${"x".repeat(78)}\n`.repeat(2_500));
}

try {
  fill();
  const workspace = createWorkspace({ root, bosunHome: join(base, "home") });
  const blobs = {
    put: (bytes: Uint8Array) => ({ $blob: createHash("sha256").update(bytes).digest("hex"), size: bytes.byteLength }),
    get: (): Buffer => Buffer.alloc(0),
    has: () => false,
  };
  const files = createOverlay({ workspace, blobs });
  const ctx = { workspace, files, step: "bench", seen: {}, signal: new AbortController().signal };
  const tools = createToolRegistry();
  // The files are at rest, for it is later.
  const cache = createResultCache({ workspace, now: () => Date.now() + 3_600_000 });

  const marking = createResultCache({ workspace, now: () => Date.now() + 3_600_000, maxBytes: 0 });

  const timed = async (results: ResultCache, name: string, args: Record<string, unknown>, times: number): Promise<number> => {
    const tool = tools.get(name);
    if (tool === undefined) throw new Error(`no tool ${name}`);
    const began = performance.now();
    for (let time = 0; time < times; time += 1) await results.run(tool, args, ctx);
    return ((performance.now() - began) * 1000) / times;
  };

  const cases: readonly (readonly [string, string, Record<string, unknown>, number])[] = [
    ["read_file, 2 kB", "read_file", { path: "small.txt" }, 500],
    ["read_file, 4 kB in a folder", "read_file", { path: "folder-1/file-1.ts" }, 500],
    ["read_file, 200 kB", "read_file", { path: "large.txt" }, 100],
    [`list_files, ${count} files in ${FOLDERS} folders`, "list_files", {}, 5],
    ["list_files, one folder", "list_files", { path: "folder-1" }, 50],
    [`search_text, ${count} files`, "search_text", { pattern: "nowhere" }, 3],
    ["search_text, one folder", "search_text", { path: "folder-1", pattern: "nowhere" }, 20],
    ["search_text, one file", "search_text", { path: "small.txt", pattern: "nowhere" }, 300],
  ];
  for (const [title, name, args, times] of cases) {
    const run: number[] = [];
    const marked: number[] = [];
    const found: number[] = [];
    await timed(cache, name, args, 1);
    for (let round = 0; round < rounds; round += 1) {
      run.push(await timed(NO_RESULT_CACHE, name, args, times));
      marked.push(await timed(marking, name, args, times));
      found.push(await timed(cache, name, args, times));
    }
    const columns = Object.entries({ run, marked, kept: found }).map(
      ([name, values]) => `${name} ${median(values).toFixed(0).padStart(6)} µs`,
    );
    process.stdout.write(`${title.padEnd(42)} ${columns.join("   ")}   ${(median(run) / median(found)).toFixed(1)} times\n`);
  }
  process.stdout.write(`found ${cache.hits}, run ${cache.misses}\n`);
} finally {
  rmSync(base, { recursive: true, force: true });
}
