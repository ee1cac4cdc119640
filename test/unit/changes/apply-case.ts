/** A change set of every kind, in a form that another process can take over. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FileChange, FileState } from "../../../shared/change.ts";
import type { ApplyRequest } from "../../../mcp-server/changes/apply.ts";
import { type Fixture, fixture } from "./fixture.ts";

export interface ApplyCase {
  readonly made: Fixture;
  readonly request: ApplyRequest;
  /** File that holds all that `apply-child.ts` needs. */
  readonly file: string;
}

/** Two files changed (one with its executable bit), one deleted, one made in a folder that is there, two in folders that are not. */
export function applyCase(): ApplyCase {
  const made = fixture({ "src/a.ts": "a\r\nold\r\n", "src/gone.ts": "gone", "keep.txt": "untouched" });
  made.disk("run.sh", "#!/bin/sh\n", 0o755);
  const state = (content: string, mode = 0o644): FileState => ({ content: made.blobs.put(Buffer.from(content)), mode });
  const changes: FileChange[] = [
    { path: "src/a.ts", before: state("a\r\nold\r\n"), after: state("a\r\nnew\r\n") },
    { path: "new/deep/b.ts", before: null, after: state("\ufeffb") },
    { path: "src/gone.ts", before: state("gone"), after: null },
    { path: "run.sh", before: state("#!/bin/sh\n", 0o755), after: state("#!/bin/sh\necho\n", 0o755) },
    { path: "new/c.bin", before: null, after: state("\0\u0001", 0o640) },
    { path: "src/new.ts", before: null, after: state("new") },
  ];
  const file = join(made.dataDir, "case.json");
  const contents = changes
    .flatMap(({ before, after }) => [before, after])
    .flatMap((side) => (side === null ? [] : [made.blobs.get(side.content.$blob).toString("base64")]));
  writeFileSync(file, JSON.stringify({ root: made.root, dataDir: made.dataDir, changes, contents }));
  const request = {
    workspace: made.workspace,
    blobs: made.blobs,
    dataDir: made.dataDir,
    assertOwner: () => undefined,
    changeSetId: "chg_1",
    changes,
  };
  return { made, request, file };
}
