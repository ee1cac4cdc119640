/** Marks of applied change sets that a kill left behind: their run has ended, so nobody will ask for them any more. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "./errno.ts";

const LEFT = /^(?<id>[\w-]{1,100})(?:\.done\.json|\.json\.tmp)$/u;
const HALF_DONE = /^(?<id>[\w-]{1,100})\.json$/u;

/**
 * Removes them. What is still being applied stays, whatever became of its run: a person has to look at it.
 * @param isOver has the run of this change set ended, or is there none?
 * @returns how many were removed
 */
export function sweepLeftovers(dataDir: string, isOver: (changeSetId: string) => boolean): number {
  let removed = 0;
  for (const name of namesIn(dataDir)) {
    const id = LEFT.exec(name)?.groups?.["id"];
    if (id === undefined || !isOver(id)) continue;
    rmSync(join(dataDir, "applying", name), { force: true });
    removed += 1;
  }
  return removed;
}

/** Change sets that are on their way to the disk, with the file that says so. */
export function openManifests(dataDir: string): readonly { readonly id: string; readonly file: string }[] {
  return namesIn(dataDir).flatMap((name) => {
    const id = HALF_DONE.exec(name)?.groups?.["id"];
    return id === undefined ? [] : [{ id, file: join(dataDir, "applying", name) }];
  });
}

function namesIn(dataDir: string): readonly string[] {
  try {
    return readdirSync(join(dataDir, "applying"));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}
