/**
 * Results of tools that only read, kept in memory for as long as all that the call looked at is as it was. Whether it is, is looked up
 * at every call: so it does not matter who writes, this run, another one or a person's editor. A run sees its own unapplied changes
 * through {@link RunFiles.view}, which is part of what a result is kept for.
 */
import { statfsSync, statSync } from "node:fs";
import { BosunError } from "../../shared/errors.ts";
import type { Tool, ToolContext, ToolResult } from "./port.ts";
import { markReads } from "./mark-reads.ts";
import type { ReadMarks } from "./read-marks.ts";
import type { Workspace } from "./workspace.ts";

export interface ResultCache {
  /** What the tool gives back for these arguments: found, or made by running it. @throws BosunError what the tool throws; cancelled */
  run(tool: Tool, args: Record<string, unknown>, ctx: ToolContext): Promise<ToolResult>;
  /** Calls answered without running the tool, and those that ran although the tool's results may be kept. */
  readonly hits: number;
  readonly misses: number;
}

export interface ResultCacheOptions {
  readonly workspace: Workspace;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Bytes of memory. Default: 16 MiB. */
  readonly maxBytes?: number;
}

const MAX_BYTES = 16 * 1024 * 1024;
/** Milliseconds after which a tool may have ended early because of the time it took. */
const MAX_MS = 5_000;

/** Linux file systems of this machine that set `ctime` at every change: ext, XFS, Btrfs, F2FS. (Network ones may be asked too late.) */
const KNOWN_TYPES = new Set([0xef53, 0x58465342, 0x9123683e, 0xf2f52010]);

interface Kept {
  readonly result: ToolResult;
  readonly marks: ReadMarks;
  readonly bytes: number;
}

/** Runs every call: for `cache.tools` off. */
export const NO_RESULT_CACHE: ResultCache = { run: (tool, args, ctx) => tool.run(args, ctx), hits: 0, misses: 0 };

/** A cache for one workspace; {@link NO_RESULT_CACHE} where the file system cannot be trusted to tell of changes. */
export function createResultCache(options: ResultCacheOptions): ResultCache {
  const { workspace, now, maxBytes = MAX_BYTES } = options;
  const { root } = workspace;
  if (workspace.caseInsensitive || !isTrusted(root)) return NO_RESULT_CACHE;
  const { dev } = statSync(root, { bigint: true });
  /** Least recently used first. */
  const kept = new Map<string, Kept>();
  const counts = { hits: 0, misses: 0 };
  let bytes = 0;

  function drop(key: string): void {
    bytes -= kept.get(key)?.bytes ?? 0;
    kept.delete(key);
  }

  function keep(key: string, result: ToolResult, marks: ReadMarks): void {
    const size = 2 * (key.length + result.text.length) + marks.bytes;
    drop(key);
    if (size > maxBytes / 4) return;
    kept.set(key, { result, marks, bytes: size });
    bytes += size;
    for (const oldest of kept.keys()) {
      if (bytes <= maxBytes) return;
      drop(oldest);
    }
  }

  async function runMarked(key: string, tool: Tool, args: Record<string, unknown>, ctx: ToolContext): Promise<ToolResult> {
    const { view } = ctx.files;
    const marked = markReads(ctx.files, { root, dev, now: now() });
    const began = performance.now();
    const result = await tool.run(args, { ...ctx, files: marked.files });
    const marks = marked.marks();
    const whole = performance.now() - began < MAX_MS && ctx.files.view === view && (result.writes ?? []).length === 0;
    if (marks !== null && whole) keep(key, result, marks);
    return result;
  }

  return {
    get hits() {
      return counts.hits;
    },
    get misses() {
      return counts.misses;
    },
    async run(tool, args, ctx) {
      if (tool.readsOnly !== "files") return tool.run(args, ctx);
      const { view } = ctx.files;
      // Arguments come in the order of the tool's schema, whatever order the model wrote them in.
      const key = JSON.stringify([tool.name, view, args]);
      const found = kept.get(key);
      if (found !== undefined && (await found.marks.hold(ctx.files)) && ctx.files.view === view) {
        if (ctx.signal.aborted) throw new BosunError("cancelled", "The call was cancelled.");
        counts.hits += 1;
        // It may have been dropped meanwhile.
        if (kept.delete(key)) kept.set(key, found);
        return found.result;
      }
      counts.misses += 1;
      drop(key);
      return runMarked(key, tool, args, ctx);
    },
  };
}

function isTrusted(root: string): boolean {
  if (process.platform !== "linux") return false;
  try {
    return KNOWN_TYPES.has(statfsSync(root).type);
  } catch {
    return false;
  }
}
