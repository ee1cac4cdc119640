/**
 * The manifest of a change set that is being applied: its file `<id>.json` in `<data folder>/applying/` is the commit point. While it
 * exists, the change set is on its way; once it is `<id>.done.json`, it is applied, whatever happens to the files later.
 */
import { mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { BosunError } from "../../shared/errors.ts";
import { syncFolder, writeDurably } from "./durable-files.ts";
import { errnoOf } from "./errno.ts";

const receiptSchema = z.object({
  change_set_id: z.string(),
  files: z.array(
    z.object({
      path: z.string(),
      action: z.enum(["create", "modify", "delete"]),
      before_hash: z.string().nullable(),
      after_hash: z.string().nullable(),
      before_mode: z.number().nullable(),
      after_mode: z.number().nullable(),
    }),
  ),
  folders: z.array(z.string()),
});

/** What was done, as it is journalled. `folders` are those that were made for new files, workspace-relative, parents first. */
export type ApplyReceipt = z.infer<typeof receiptSchema>;

const manifestSchema = z.object({
  version: z.literal(1),
  /** Staged file of each change, absolute, null for a deletion; in the order of the receipt's files. */
  staged: z.array(z.string().nullable()),
  receipt: receiptSchema,
});

export type Manifest = z.infer<typeof manifestSchema>;

/** Where manifests of one data folder lie. */
export interface ManifestStore {
  readonly dataDir: string;
  readonly changeSetId: string;
}

export function readManifest(store: ManifestStore): Manifest | null {
  return readIfThere(openPath(store));
}

/** The manifest of a change set that was wholly applied. */
export function readDone(store: ManifestStore): Manifest | null {
  return readIfThere(donePath(store));
}

/** Writes it durably; when this returns, the change set will be applied also if the process dies. */
export function writeManifest(store: ManifestStore, manifest: Manifest): void {
  const path = openPath(store);
  const draft = `${path}.tmp`;
  const made = mkdirSync(folderOf(store), { recursive: true, mode: 0o700 });
  if (made !== undefined) syncFolder(store.dataDir);
  try {
    rmSync(draft, { force: true });
    writeDurably(draft, Buffer.from(JSON.stringify(manifest)), 0o600);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  syncFolder(folderOf(store));
}

/** Turns the manifest into the sign that all is done. */
export function finishManifest(store: ManifestStore): void {
  renameSync(openPath(store), donePath(store));
  syncFolder(folderOf(store));
}

/** Removes the manifest of a change set that was put back, and a draft of one. */
export function dropManifest(store: ManifestStore): void {
  rmSync(openPath(store), { force: true });
  rmSync(`${openPath(store)}.tmp`, { force: true });
  syncFolder(folderOf(store));
}

/** Removes the sign that a change set was applied; to be called once its receipt is in the journal. */
export function forgetApplied(store: ManifestStore): void {
  rmSync(donePath(store), { force: true });
}

function readIfThere(path: string): Manifest | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    throw error;
  }
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new BosunError(
      "uncertain_effect",
      `The record of a change set that was being applied, ${path}, is damaged. Look at the workspace, put it in order, and remove that file.`,
      { cause: error },
    );
  }
}

function folderOf(store: ManifestStore): string {
  return join(store.dataDir, "applying");
}

function openPath(store: ManifestStore): string {
  return join(folderOf(store), `${store.changeSetId}.json`);
}

function donePath(store: ManifestStore): string {
  return join(folderOf(store), `${store.changeSetId}.done.json`);
}
