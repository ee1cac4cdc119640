/** The looking half of the service on the journal of this workspace. */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { WorkflowDefinition } from "../engine/workflows.ts";
import type { JournalReader } from "../journal/port.ts";
import { readOthers } from "../journal/read-others.ts";
import { openJournalReader } from "../journal/sqlite-reader.ts";
import { createLook, type LookParts } from "../service/look.ts";
import { FLAGS } from "../supervisor/flags.ts";
import { planTask, revertRun, runTask } from "../supervisor/run-task.ts";
import { activitiesOf } from "./activities.ts";
import type { Fixed } from "./fixed.ts";

export const WORKFLOWS: readonly WorkflowDefinition[] = [
  { name: "task", version: 1, flags: FLAGS, fn: runTask },
  { name: "plan", version: 1, flags: FLAGS, fn: planTask },
  { name: "revert", version: 1, flags: FLAGS, fn: revertRun },
];

export interface OpenedLook {
  readonly look: ReturnType<typeof createLook>;
  readonly journal: JournalReader;
  readonly close: () => void;
}

export function openLook(fixed: Fixed): OpenedLook | null {
  if (!existsSync(fixed.journalFile)) return null;
  const opened = openJournalReader(fixed.journalFile);
  if (opened === null) return null;
  const { reader, close } = opened;
  const { activities } = activitiesOf(
    fixed,
    reader,
    fixed.catalogues(reader),
    () => {
      throw new Error("who only looks spends nothing");
    },
    () => undefined,
    null,
  );
  const look = createLook(lookParts(fixed, { journal: reader, activities }));
  return { look, journal: reader, close };
}

export function lookParts(fixed: Fixed, given: Pick<LookParts, "journal" | "activities">): LookParts {
  const workspaces = { workspaces: dirname(fixed.dataDir), own: fixed.dataDir };
  return {
    ...given,
    workflows: WORKFLOWS,
    integrity: fixed.integrity,
    readOthers: (read) => readOthers(workspaces, read),
    now: Date.now,
  };
}
