/**
 * Random writes, moves and deletions by two runs and by a person's editor, with reads in between: whatever happens, a result out of the
 * cache is the one that running the tool gives. Each run has a twin without a cache that does the same on the same disk.
 */
import { chmodSync, lstatSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { toErrorValue } from "../../shared/errors.ts";
import { createOverlay } from "../../mcp-server/changes/overlay.ts";
import type { ToolContext, ToolResult } from "../../mcp-server/tools/port.ts";
import { createToolRegistry, parseArguments } from "../../mcp-server/tools/registry.ts";
import { createResultCache, NO_RESULT_CACHE, type ResultCache } from "../../mcp-server/tools/result-cache.ts";
import { fixture, type Fixture } from "../unit/changes/fixture.ts";

const FILES = { "a.txt": "aa\n", "dir/b.txt": "bb\n", "dir/sub/c.txt": "cc\n", "café.txt": "dd\n" };
const PATHS = [...Object.keys(FILES), "dir", "dir/sub", "new/e.txt", ".gitignore"] as const;
const path = fc.constantFrom(...PATHS);
/** Mostly of one length, for a change of the size is easily seen. */
const content = fc.constantFrom("aa\n", "bb\n", "xx\n", "*.txt\n", "a.txt\n", "\0\0\n");
const run = fc.constantFrom(0, 1);
const step = fc.constantFrom("one", "two");

const READS: readonly (readonly [string, object])[] = [
  ["read_file", { path: "a.txt" }],
  ["read_file", { path: "dir/b.txt" }],
  ["read_file", { path: "./dir//sub/c.txt", end_line: 1 }],
  ["read_file", { path: "cafe\u0301.txt" }],
  ["read_file", { path: "new/e.txt" }],
  ["list_files", {}],
  ["list_files", { path: "dir", glob: "*.txt" }],
  ["search_text", { pattern: "a" }],
  ["search_text", { pattern: "[bcx]", regex: true, path: "dir" }],
  ["search_text", { pattern: "b", path: "dir/b.txt" }],
];

const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("read" as const), run, step, which: fc.nat(READS.length - 1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("write_file" as const), run, step, args: fc.record({ path, content }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("delete_file" as const), run, step, args: fc.record({ path }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("move_file" as const), run, step, args: fc.record({ from: path, to: path }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("discard" as const), run, step }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("edit", "replace", "remove", "rename", "link", "close", "folder"),
      path,
      to: path,
      content,
    }),
  },
);

/** A person's editor. It hides what it does as well as it can: sizes stay, and the time of the last write is set back. */
function edit(
  made: Fixture,
  one: { readonly do: string; readonly path: string; readonly to: string; readonly content: string },
  waits: boolean,
): void {
  const [at, to] = [join(made.root, one.path), join(made.root, one.to)];
  const places = [at, to, dirname(at), dirname(to), dirname(dirname(at)), dirname(dirname(to))];
  const before = places.map(changedAt);
  try {
    if (one.do === "edit") writeFileSync(at, one.content);
    else if (one.do === "replace") {
      writeFileSync(join(made.root, "dir", "tmp"), one.content);
      renameSync(join(made.root, "dir", "tmp"), at);
    } else if (one.do === "remove") rmSync(at, { recursive: true });
    else if (one.do === "rename") renameSync(at, to);
    else if (one.do === "link") {
      rmSync(at, { recursive: true });
      symlinkSync(to, at);
    } else if (one.do === "close") chmodSync(at, 0o600);
    else mkdirSync(at, { recursive: true });
    if (one.do !== "link") utimesSync(at, 1_000, 1_000);
  } catch {
    // What cannot be done is not done.
  }
  // The file system's clock may tick more slowly than this test runs: what is taken to be at rest does not change twice within one tick.
  if (!waits) return;
  for (const [index, place] of places.entries()) {
    for (let time = 0; before[index] !== null && changedAt(place) === before[index]; time += 1) {
      if (time > 100_000) throw new Error(`the file system's clock stands still for ${place}`);
      touch(place);
    }
  }
}

function changedAt(place: string): bigint | null {
  try {
    return lstatSync(place, { bigint: true }).ctimeNs;
  } catch {
    return null;
  }
}

function touch(place: string): void {
  const stats = lstatSync(place);
  if (stats.isSymbolicLink()) rmSync(place);
  else chmodSync(place, stats.mode & 0o7777);
}

const tools = createToolRegistry();

/** One run, or its twin without a cache. */
function runOf(made: Fixture, results: ResultCache) {
  const overlay = createOverlay(made);
  const seen: Record<string, Record<string, string | null>> = { one: {}, two: {} };
  return {
    overlay,
    async call(name: string, args: object, step: string): Promise<unknown> {
      const tool = tools.get(name);
      if (tool === undefined) throw new Error(`no tool ${name}`);
      const ctx: ToolContext = { ...made.context({ step, seen: seen[step] ?? {} }), files: overlay };
      let result: ToolResult;
      try {
        result = await results.run(tool, parseArguments(tool, JSON.stringify(args)), ctx);
      } catch (error) {
        return toErrorValue(error);
      }
      seen[step] = { ...seen[step], ...result.seen };
      return result;
    },
  };
}

it.each([
  ["changed a moment ago", 0, 20],
  ["at rest", 3_600_000, 20],
])("with files %s, a kept result is the one that running the tool gives", { timeout: 120_000 }, async (_, later, leastHits) => {
  let hits = 0;
  let possible = true;
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 30, size: "max" }), async (commands) => {
      const made = fixture(FILES);
      const cache = createResultCache({ workspace: made.workspace, now: () => Date.now() + later });
      possible = cache !== NO_RESULT_CACHE;
      const runs = [runOf(made, cache), runOf(made, cache)];
      const twins = [runOf(made, NO_RESULT_CACHE), runOf(made, NO_RESULT_CACHE)];
      const both = async (index: number, name: string, args: object, step: string): Promise<void> => {
        const [kept, plain] = [await runs[index]?.call(name, args, step), await twins[index]?.call(name, args, step)];
        expect(kept, `${name} ${JSON.stringify(args)}`).toEqual(plain);
      };
      for (const one of commands) {
        if (one.do === "read" && "which" in one) {
          const [name, args] = READS[one.which] ?? ["", {}];
          await both(one.run, name, args, one.step);
          await both(one.run, name, args, one.step);
        } else if ("args" in one) await both(one.run, one.do, one.args, one.step);
        else if (one.do === "discard" && "run" in one) for (const each of [runs, twins]) each[one.run]?.overlay.discard(one.step);
        else if ("to" in one) edit(made, one, later > 0);
      }
      for (const index of [0, 1]) for (const [name, args] of READS) await both(index, name, args, "one");
      hits += cache.hits;
    }),
    { numRuns: 100, interruptAfterTimeLimit: 60_000 },
  );
  // Elsewhere nothing is kept.
  if (possible) expect(hits).toBeGreaterThan(leastHits);
});
