/**
 * What a change set costs beside the writing that it comes to: 1,000 files staged in an overlay, diffed and applied, against the same
 * contents written to as many files with fsync, in place and as new files; and reading through an overlay against reading the disk.
 * `npm run bench -- change-set [files] [rounds]`
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  realpathSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyChanges } from "../mcp-server/changes/apply.ts";
import { createChangeSet } from "../mcp-server/changes/change-set.ts";
import { createOverlay } from "../mcp-server/changes/overlay.ts";
import { createWorkspace } from "../mcp-server/tools/workspace.ts";
import { memoryBlobs } from "../test/support/memory-blobs.ts";
import { median } from "./measure.ts";

const count = Number(process.argv[2] ?? 1_000);
const rounds = Number(process.argv[3] ?? 5);
const READS = 20;
const base = realpathSync(mkdtempSync(join(tmpdir(), "bosun-bench-")));
const before = (file: number): string => `${file}\n${"export const something = 1;\n".repeat(70)}`;
const after = (file: number): string => before(file).replace("something = 1", `something = ${file}`);
const name = (file: number): string => `folder-${file % 50}/file-${file}.ts`;

interface Round {
  /** The new contents written over the old ones. */
  readonly inPlace: number;
  /** The same as new files, renamed over the old ones: what nobody ever reads half of. */
  readonly replaced: number;
  readonly stage: number;
  readonly diff: number;
  readonly apply: number;
  readonly disk: number;
  readonly overlay: number;
  readonly changed: number;
}

function timed(act: () => void): number {
  const began = performance.now();
  act();
  return performance.now() - began;
}

function writeSynced(path: string, content: string): void {
  const opened = openSync(path, "w");
  writeSync(opened, content);
  fsyncSync(opened);
  closeSync(opened);
}

function round(number: number): Round {
  const [root, floor, dataDir] = ["workspace", "floor", "data"].map((folder) => join(base, `${folder}-${number}`)) as [
    string,
    string,
    string,
  ];
  for (const folder of [root, floor]) {
    for (let each = 0; each < 50; each += 1) mkdirSync(join(folder, `folder-${each}`), { recursive: true });
    for (let file = 0; file < count; file += 1) writeFileSync(join(folder, name(file)), before(file));
  }
  mkdirSync(dataDir);
  const inPlace = timed(() => {
    for (let file = 0; file < count; file += 1) writeSynced(join(floor, name(file)), after(file));
  });
  const replaced = timed(() => {
    for (let file = 0; file < count; file += 1) {
      const path = join(floor, name(file));
      writeSynced(`${path}.new`, before(file));
      renameSync(`${path}.new`, path);
    }
  });
  const workspace = createWorkspace({ root, bosunHome: join(base, "home") });
  const blobs = memoryBlobs();
  const overlay = createOverlay({ workspace, blobs });
  const disk = timed(() => {
    for (let time = 0; time < READS; time += 1) for (let file = 0; file < count; file += 1) readFileSync(join(root, name(file)));
  });
  const seen: Record<string, string | null> = {};
  const read = timed(() => {
    for (let time = 0; time < READS; time += 1)
      for (let file = 0; file < count; file += 1) {
        const found = overlay.read(name(file));
        if (found !== null) seen[found.path] = found.hash;
      }
  });
  const stage = timed(() => {
    for (let file = 0; file < count; file += 1) overlay.write(name(file), Buffer.from(after(file)), { step: "s", seen });
  });
  const changed = timed(() => {
    for (let time = 0; time < READS; time += 1) for (let file = 0; file < count; file += 1) overlay.read(name(file));
  });
  const changes = overlay.changesOf("s");
  const diff = timed(() => void createChangeSet({ runId: "r", attempt: "a", root, worker: "coder" }, changes, blobs));
  const apply = timed(
    () => void applyChanges({ workspace, blobs, dataDir, changeSetId: `chg_${number}`, changes, assertOwner: () => undefined }),
  );
  if (readFileSync(join(root, name(7)), "utf8") !== after(7)) throw new Error("it was not applied");
  rmSync(root, { recursive: true });
  rmSync(floor, { recursive: true });
  return { inPlace, replaced, stage, diff, apply, disk, overlay: read, changed };
}

try {
  round(-1);
  const all = Array.from({ length: rounds }, (_, number) => round(number));
  const of = (part: keyof Round): number => median(all.map((each) => each[part]));
  const ratio = (own: number, floor: number): string => `${(own / floor).toFixed(2)} times`;
  const whole = median(all.map(({ stage, diff, apply }) => stage + diff + apply));
  process.stdout.write(
    [
      `${count} files written over with fsync     ${of("inPlace").toFixed(0)} ms`,
      `the same by new files and renames     ${of("replaced").toFixed(0)} ms, ${ratio(of("replaced"), of("inPlace"))}`,
      `the same as a change set              ${whole.toFixed(0)} ms, ${ratio(whole, of("inPlace"))}, ${ratio(whole, of("replaced"))} the new files`,
      `  staged ${of("stage").toFixed(0)} ms, diffed ${of("diff").toFixed(0)} ms, applied ${of("apply").toFixed(0)} ms`,
      `a file read from the disk             ${((of("disk") * 1000) / READS / count).toFixed(1)} µs`,
      `read through the overlay              ${((of("overlay") * 1000) / READS / count).toFixed(1)} µs, ${ratio(of("overlay"), of("disk"))}`,
      `of a file that the run changed        ${((of("changed") * 1000) / READS / count).toFixed(1)} µs, ${ratio(of("changed"), of("disk"))}`,
      "",
    ].join("\n"),
  );
} finally {
  rmSync(base, { recursive: true, force: true });
}
