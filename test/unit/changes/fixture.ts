/** A throw-away workspace on the real disk, with blobs in memory. */
import { createHash } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { BosunError, type ErrorCode, isBosunError } from "../../../shared/errors.ts";
import type { BlobRef } from "../../../shared/change.ts";
import { createOverlay, type Overlay } from "../../../mcp-server/changes/overlay.ts";
import type { BlobStore } from "../../../mcp-server/journal/blobs.ts";
import type { ToolContext } from "../../../mcp-server/tools/port.ts";
import { createWorkspace, type Workspace } from "../../../mcp-server/tools/workspace.ts";

export function memoryBlobs(): BlobStore {
  const kept = new Map<string, Buffer>();
  return {
    put(bytes): BlobRef {
      const hash = createHash("sha256").update(bytes).digest("hex");
      kept.set(hash, Buffer.from(bytes));
      return { $blob: hash, size: bytes.byteLength };
    },
    get(hash) {
      const bytes = kept.get(hash);
      if (bytes === undefined) throw new BosunError("not_found", `no payload ${hash}`);
      return bytes;
    },
    has: (hash) => kept.has(hash),
  };
}

/** A temporary folder that is gone when the test ends. */
export function tempFolder(name: string): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), `bosun-${name}-`)));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Fixture {
  readonly root: string;
  readonly dataDir: string;
  readonly workspace: Workspace;
  readonly blobs: BlobStore;
  readonly overlay: Overlay;
  /** Writes a file to the disk, as a person would. */
  disk(path: string, content: string | Buffer, mode?: number): void;
  /** Reads a file of the run and gives `seen` for it. */
  saw(...paths: string[]): Record<string, string | null>;
  context(options?: { readonly step?: string; readonly seen?: Record<string, string | null>; readonly signal?: AbortSignal }): ToolContext;
}

export function fixture(files: Record<string, string | Buffer> = {}): Fixture {
  const base = tempFolder("test");
  const [root, dataDir] = [join(base, "workspace"), join(base, "home")];
  mkdirSync(root);
  mkdirSync(dataDir);
  const workspace = createWorkspace({ root, bosunHome: dataDir });
  const blobs = memoryBlobs();
  const overlay = createOverlay({ workspace, blobs });
  const made: Fixture = {
    root,
    dataDir,
    workspace,
    blobs,
    overlay,
    disk(path, content, mode) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
      if (mode !== undefined) chmodSync(join(root, path), mode);
    },
    saw: (...paths) => Object.fromEntries(paths.map((path) => [path, overlay.read(path)?.hash ?? null])),
    context: (options = {}) => ({
      workspace,
      files: overlay,
      step: options.step ?? "s1",
      seen: options.seen ?? {},
      signal: options.signal ?? new AbortController().signal,
    }),
  };
  for (const [path, content] of Object.entries(files)) made.disk(path, content, 0o644);
  return made;
}

/** Everything below a folder: path -> mode and content of files, `folder` of folders. */
export function snapshot(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  const visit = (folder: string, prefix: string): void => {
    for (const name of readdirSync(folder).toSorted()) {
      const path = join(folder, name);
      const stats = lstatSync(path);
      if (stats.isDirectory()) {
        found[`${prefix}${name}/`] = "folder";
        visit(path, `${prefix}${name}/`);
      } else
        found[prefix + name] = `${(stats.mode & 0o7777).toString(8)} ${stats.isSymbolicLink() ? "link" : readFileSync(path, "latin1")}`;
    }
  };
  visit(root, "");
  return found;
}

/** The code and message of the BosunError that `act` throws; fails the test if it does not. */
export async function failureOf(act: () => unknown): Promise<{ code: ErrorCode; message: string }> {
  try {
    await act();
  } catch (error) {
    if (isBosunError(error)) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("expected a BosunError, but nothing was thrown");
}
