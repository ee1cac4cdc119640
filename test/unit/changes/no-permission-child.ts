/** Run by a user whom the system can refuse something: `no-permission-child.ts <workspace> <data folder>`; prints what happened, as JSON. */
import { createHash } from "node:crypto";
import { applyChanges } from "../../../mcp-server/changes/apply.ts";
import { createOverlay } from "../../../mcp-server/changes/overlay.ts";
import { createToolRegistry } from "../../../mcp-server/tools/registry.ts";
import { createWorkspace } from "../../../mcp-server/tools/workspace.ts";
import type { FileChange, FileState } from "../../../shared/change.ts";
import { toErrorValue } from "../../../shared/errors.ts";

const [, , root = "", dataDir = ""] = process.argv;
const kept = new Map<string, Buffer>();
const blobs = {
  put(bytes: Uint8Array) {
    const hash = createHash("sha256").update(bytes).digest("hex");
    kept.set(hash, Buffer.from(bytes));
    return { $blob: hash, size: bytes.byteLength };
  },
  get: (hash: string) => kept.get(hash) ?? Buffer.alloc(0),
  has: (hash: string) => kept.has(hash),
};
const workspace = createWorkspace({ root, bosunHome: dataDir });
const files = createOverlay({ workspace, blobs });

async function outcome(act: () => unknown): Promise<unknown> {
  try {
    return { done: await act() };
  } catch (error) {
    return toErrorValue(error);
  }
}

function tool(name: string, args: Record<string, unknown>): Promise<unknown> {
  return outcome(
    async () =>
      (await createToolRegistry().get(name)?.run(args, { workspace, files, step: "s1", seen: {}, signal: new AbortController().signal }))
        ?.text,
  );
}

function apply(changeSetId: string, changes: FileChange[]): Promise<unknown> {
  return outcome(() => applyChanges({ workspace, blobs, dataDir, assertOwner: () => undefined, changeSetId, changes }));
}

const state = (text: string): FileState => ({ content: blobs.put(Buffer.from(text)), mode: 0o644 });
const results = {
  readFile: await tool("read_file", { path: "unreadable.txt" }),
  readInFolder: await tool("read_file", { path: "closed/a.txt" }),
  listing: await tool("list_files", {}),
  search: await tool("search_text", { pattern: "needle" }),
  stagingRefused: await apply("one", [
    { path: "open/a.txt", before: state("a"), after: state("b") },
    { path: "readonly/new.txt", before: null, after: state("b") },
  ]),
  removalRefused: await apply("two", [
    { path: "open/a.txt", before: state("a"), after: state("b") },
    { path: "open/new/b.txt", before: null, after: state("b") },
    { path: "readonly/a.txt", before: state("a"), after: null },
  ]),
};
process.stdout.write(JSON.stringify(results));
