/** Files that are on the disk when the call returns. */
import { closeSync, fchmodSync, fchownSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs";
import { errnoOf } from "./errno.ts";

/** Owner of a file, to be kept when its content is replaced. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Creates a file and waits until its bytes are on the disk. What was written is removed again if that fails.
 * @param owner kept where the system permits it.
 * @throws the operating system's error; EEXIST when the file is there already.
 */
export function writeDurably(path: string, content: Uint8Array, mode: number, owner?: Owner): void {
  const file = openSync(path, "wx", 0o600);
  try {
    let at = 0;
    while (at < content.byteLength) at += writeSync(file, content, at);
    if (owner !== undefined) keepOwner(file, owner);
    if (process.platform !== "win32") fchmodSync(file, mode);
    fsyncSync(file);
  } catch (error) {
    closeSync(file);
    rmSync(path, { force: true });
    throw error;
  }
  closeSync(file);
}

function keepOwner(file: number, owner: Owner): void {
  try {
    fchownSync(file, owner.uid, owner.gid);
  } catch {
    // Only root may give files away; the file then belongs to who applies the change, as with any editor.
  }
}

/** Makes names in a folder durable. Where folders cannot be opened (Windows) the system does that by itself. */
export function syncFolder(path: string): void {
  let folder: number;
  try {
    folder = openSync(path, "r");
  } catch (error) {
    if (process.platform === "win32" || errnoOf(error) === "ENOENT") return;
    throw error;
  }
  try {
    fsyncSync(folder);
  } catch (error) {
    const code = errnoOf(error);
    if (code !== "EINVAL" && code !== "EPERM" && code !== "ENOTSUP") throw error;
  } finally {
    closeSync(folder);
  }
}
