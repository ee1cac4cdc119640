/** Journals of runs that a test writes event by event. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { NewEvent } from "../../shared/events.ts";
import type { Json } from "../../shared/durable.ts";
import type { Journal } from "../../mcp-server/journal/port.ts";

/** A folder of the test's own, removed after it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "bosun-journal-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Keeps a value as the codec does; its hash. */
export function keep(journal: Journal, value: Json): string {
  return journal.blobs.put(Buffer.from(JSON.stringify(value))).$blob;
}

export interface WrittenRun {
  readonly id: string;
  /** Hash of its input. */
  readonly ref: string;
  readonly ended: boolean;
  readonly parent?: string;
  /** Events between the first and the last. */
  readonly more?: number;
}

export function writeRun(journal: Journal, { id, ref, ended, parent, more = 1 }: WrittenRun): void {
  const events: NewEvent[] = [
    {
      kind: "run-started",
      path: "",
      data: {
        workflow: "task",
        version: 1,
        flags: [],
        session_id: null,
        parent: parent === undefined ? null : { run_id: parent, seq: 1, head: "" },
        input: { ref },
      },
    },
    ...Array.from({ length: more }, (_, at): NewEvent => ({
      kind: "span-opened",
      path: `plan:0/step:s${at}`,
      data: { kind: "step", name: `s${at}`, worker: "coder" },
    })),
    ...(ended
      ? [{ kind: "run-ended", path: "", data: { status: "completed", result: { inline: { answer: id } } } } satisfies NewEvent]
      : []),
  ];
  journal.commit(
    events.map((event) => ({ run_id: id, event })),
    false,
  );
}

/** Does all pieces of a piecemeal work. */
export function throughAll<T>(pieces: Generator<void, T>): T {
  for (;;) {
    const step = pieces.next();
    if (step.done === true) return step.value;
  }
}
