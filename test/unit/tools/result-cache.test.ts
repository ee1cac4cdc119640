import { renameSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { createOverlay } from "../../../mcp-server/changes/overlay.ts";
import type { ToolResult } from "../../../mcp-server/tools/port.ts";
import { giveUp } from "../../../mcp-server/tools/give-up.ts";
import { createToolRegistry, mayWrite, parseArguments } from "../../../mcp-server/tools/registry.ts";
import { createResultCache, NO_RESULT_CACHE } from "../../../mcp-server/tools/result-cache.ts";
import { failureOf, fixture } from "../changes/fixture.ts";

const HOUR_MS = 3_600_000;
/** The file system that temporary files are on must be one whose times are trusted. */
const isTrusted = createResultCache({ workspace: fixtureOutsideOfTests(), now: Date.now }) !== NO_RESULT_CACHE;
const tools = createToolRegistry();

function fixtureOutsideOfTests() {
  return { root: dirname(import.meta.dirname), caseInsensitive: false } as Parameters<typeof createResultCache>[0]["workspace"];
}

function cached(files: Record<string, string>, options: { laterMs?: number; maxBytes?: number } = {}) {
  const made = fixture(files);
  const { laterMs = HOUR_MS, maxBytes } = options;
  const cache = createResultCache({
    workspace: made.workspace,
    now: () => Date.now() + laterMs,
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });
  const call = async (
    name: string,
    args: object,
    more: { overlay?: typeof made.overlay; signal?: AbortSignal } = {},
  ): Promise<ToolResult> => {
    const tool = tools.get(name);
    if (tool === undefined) throw new Error(`no tool ${name}`);
    const { overlay = made.overlay, ...context } = more;
    return cache.run(tool, parseArguments(tool, JSON.stringify(args)), { ...made.context(context), files: overlay });
  };
  return { ...made, cache, call };
}

describe.skipIf(!isTrusted)("results of tools that only read", () => {
  it("are kept with what was seen, whatever order and spelling the arguments had", async () => {
    const { call, cache } = cached({ "src/a.txt": "one\ntwo\n" });
    const first = await call("read_file", { path: "src/a.txt", start_line: 2 });
    const second = await call("read_file", { start_line: 2, path: "src/a.txt", end_line: null });
    expect(second).toEqual(first);
    expect(second.seen).toHaveProperty(["src/a.txt"]);
    expect([cache.hits, cache.misses]).toEqual([1, 1]);
  });

  it("are made again when a file of the search changes, comes, goes, or is ignored", async () => {
    const { call, cache, disk } = cached({ "src/a.txt": "needle\n", "src/b.txt": "hay\n" });
    const search = async (): Promise<string | undefined> => (await call("search_text", { pattern: "needle" })).text.split("\n")[0];
    expect(await search()).toBe("1 match in 2 files searched");
    disk("src/b.txt", "needle\n");
    expect(await search()).toBe("2 matches in 2 files searched");
    disk("src/c.txt", "needle\n");
    expect(await search()).toBe("3 matches in 3 files searched");
    disk(".gitignore", "c.txt\n");
    expect(await search()).toBe("2 matches in 3 files searched");
    expect([cache.hits, cache.misses]).toEqual([0, 4]);
    expect(await search()).toBe("2 matches in 3 files searched");
    expect(cache.hits).toBe(1);
  });

  it("show a run its own changes, and another run the disk", async () => {
    const { call, cache, overlay, saw, workspace, blobs } = cached({ "a.txt": "disk\n" });
    const other = createOverlay({ workspace, blobs });
    const line = async (of: typeof overlay): Promise<string | undefined> =>
      (await call("search_text", { pattern: "i" }, { overlay: of })).text.split("\n")[1];
    expect(await line(overlay)).toBe("a.txt:1: disk");
    overlay.write("a.txt", Buffer.from("mine\n"), { step: "s1", seen: saw("a.txt") });
    expect([await line(overlay), await line(other), await line(overlay)]).toEqual(["a.txt:1: mine", "a.txt:1: disk", "a.txt:1: mine"]);
    expect([cache.hits, cache.misses]).toEqual([2, 2]);
    overlay.discard("s1");
    expect(await line(overlay)).toBe("a.txt:1: disk");
    expect(cache.hits).toBe(3);
  });

  it("are not given for a folder that was moved out of the workspace and linked to", async () => {
    const { call, root, dataDir } = cached({ "src/a.txt": "text\n" });
    await call("read_file", { path: "src/a.txt" });
    renameSync(join(root, "src"), join(dataDir, "src"));
    symlinkSync(join(dataDir, "src"), join(root, "src"));
    expect((await failureOf(() => call("read_file", { path: "src/a.txt" }))).code).toBe("policy_denied");
  });

  it("are never those of failures, of writes, or of tools that look at more than files", async () => {
    const { call, cache } = cached({ "a.txt": "text\n" });
    for (let time = 0; time < 2; time += 1) {
      expect((await failureOf(() => call("read_file", { path: "none.txt" }))).code).toBe("not_found");
      await failureOf(() => call("git_log", {}));
    }
    await call("write_file", { path: "b.txt", content: "b" });
    expect([cache.hits, cache.misses]).toEqual([0, 2]);
  });

  it("of many files that changed a moment ago are not kept: by their times alone they could not be told from later ones", async () => {
    const files = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`${index}.txt`, "text\n"]));
    const fresh = cached(files, { laterMs: 0 });
    for (let time = 0; time < 2; time += 1) await fresh.call("search_text", { pattern: "text" });
    expect(fresh.cache.hits).toBe(0);
    const rested = cached(files);
    for (let time = 0; time < 2; time += 1) await rested.call("search_text", { pattern: "text" });
    expect(rested.cache.hits).toBe(1);
  });

  it("take no more memory than allowed, and the least recently used ones go first", async () => {
    const { call, cache } = cached(
      { "a.txt": "a".repeat(500), "b.txt": "b".repeat(500), "c.txt": "c".repeat(500), "d.txt": "d".repeat(9_000) },
      { maxBytes: 8_000 },
    );
    for (const path of ["a.txt", "b.txt", "a.txt", "c.txt", "a.txt", "d.txt", "d.txt"]) await call("read_file", { path });
    expect([cache.hits, cache.misses]).toEqual([2, 5]);
    for (let index = 0; index < 50; index += 1) await call("list_files", { glob: `${index}` });
    await call("read_file", { path: "a.txt" });
    expect([cache.hits, cache.misses]).toEqual([2, 56]);
  });

  it("are not given to a call that was cancelled", async () => {
    const { call } = cached({ "a.txt": "text\n" });
    await call("list_files", {});
    expect((await failureOf(() => call("list_files", {}, { signal: AbortSignal.abort() }))).code).toBe("cancelled");
  });
});

it("a tool says that it only reads exactly when none of its calls writes", () => {
  const args: Record<string, unknown> = {
    path: "a",
    from: "a",
    to: "b",
    content: "",
    pattern: "a",
    old_text: "a",
    new_text: "b",
    reason: "r",
  };
  const writes = [...tools.values(), giveUp].map((tool) => [
    tool.name,
    mayWrite(tools, tool.name),
    tool.effects(args as never).writes.length > 0,
  ]);
  expect(writes.filter(([, says, does]) => says !== does)).toEqual([]);
  expect(writes.filter(([, says]) => says === true).map(([name]) => name)).toEqual(["write_file", "edit_file", "delete_file", "move_file"]);
});
