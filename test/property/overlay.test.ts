/** Random writes, edits, moves and deletions of several steps and a person, against a model that is a plain map. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { isBosunError } from "../../shared/errors.ts";
import type { FileChange } from "../../shared/change.ts";
import { applyChanges } from "../../mcp-server/changes/apply.ts";
import { createOverlay } from "../../mcp-server/changes/overlay.ts";
import { reverseOf } from "../../mcp-server/changes/revert.ts";
import { fixture, snapshot } from "../unit/changes/fixture.ts";

const PATHS = ["a.txt", "b.txt", "dir/c.txt", "dir/d.txt", "run.sh", "dir"] as const;
const path = fc.constantFrom(...PATHS);
const step = fc.constantFrom("one", "two");
const content = fc.constantFrom("", "x", "x\r\n", "\ufeffx", "y\n", "\0");

const command = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("read" as const), step, path }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("write" as const), step, path, content }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("remove" as const), step, path }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("move" as const), step, path, to: path }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("discard" as const), step }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("apply" as const), step }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("person" as const),
      path: fc.constantFrom("a.txt", "dir/c.txt", "run.sh"),
      content: fc.option(content),
    }),
  },
);

interface File {
  readonly content: string;
  readonly mode: number;
}

/** What the overlay should be, said as simply as possible. */
class Model {
  readonly disk = new Map<string, File>([
    ["a.txt", { content: "a", mode: 0o644 }],
    ["dir/c.txt", { content: "c", mode: 0o644 }],
    ["run.sh", { content: "#!", mode: 0o755 }],
  ]);
  readonly changes = new Map<string, { step: string; before: File | undefined; after: File | undefined }>();
  readonly seen: Record<string, Map<string, string | null>> = { one: new Map(), two: new Map() };

  current(at: string): File | undefined {
    const change = this.changes.get(at);
    return change === undefined ? this.disk.get(at) : change.after;
  }

  mayChange(by: string, at: string): boolean {
    if (at === "dir") return false;
    const change = this.changes.get(at);
    if (change !== undefined && (change.step !== by || !same(change.before, this.disk.get(at)))) return false;
    const current = this.current(at);
    return current === undefined || this.seen[by]?.get(at) === current.content;
  }

  set(by: string, at: string, after: File | undefined): void {
    const before = this.changes.has(at) ? this.changes.get(at)?.before : this.disk.get(at);
    if (same(before, after)) this.changes.delete(at);
    else this.changes.set(at, { step: by, before, after });
    this.seen[by]?.set(at, after?.content ?? null);
  }

  of(by: string): string[] {
    return [...this.changes]
      .filter(([, change]) => change.step === by)
      .map(([at]) => at)
      .toSorted();
  }
}

function same(a: File | undefined, b: File | undefined): boolean {
  return a?.content === b?.content && a?.mode === b?.mode;
}

it("the overlay is what a plain map says, after any sequence of commands; applied and reverted exactly", { timeout: 60_000 }, () => {
  let done = 0;
  let refused = 0;
  fc.assert(
    fc.property(fc.array(command, { minLength: 5, maxLength: 40, size: "max" }), (commands) => {
      const model = new Model();
      const made = fixture();
      for (const [at, file] of model.disk) made.disk(at, file.content, file.mode);
      const { overlay } = made;
      const journal: [string, FileChange][] = [];
      const seen: Record<string, Record<string, string | null>> = { one: {}, two: {} };
      const by = (name: string) => ({ step: name, seen: seen[name] ?? {} });
      const saw = (name: string, change: FileChange): void => {
        journal.push([name, change]);
        seen[name] = { ...seen[name], [change.path]: change.after?.content.$blob ?? null };
      };
      const attempt = (act: () => void): boolean => {
        try {
          act();
          done += 1;
          return true;
        } catch (error) {
          if (!isBosunError(error)) throw error;
          refused += 1;
          return false;
        }
      };
      let sets = 0;

      for (const one of commands) {
        switch (one.do) {
          case "read": {
            if (one.path === "dir") break;
            const file = overlay.read(one.path);
            seen[one.step] = { ...seen[one.step], [one.path]: file?.hash ?? null };
            model.seen[one.step]?.set(one.path, model.current(one.path)?.content ?? null);
            break;
          }
          case "write": {
            const expected = model.mayChange(one.step, one.path);
            expect(attempt(() => saw(one.step, overlay.write(one.path, Buffer.from(one.content), by(one.step))))).toBe(expected);
            const mode = (model.current(one.path) ?? model.changes.get(one.path)?.before)?.mode ?? 0o644;
            if (expected) model.set(one.step, one.path, { content: one.content, mode });
            break;
          }
          case "remove": {
            const expected = model.current(one.path) !== undefined && model.mayChange(one.step, one.path);
            expect(attempt(() => saw(one.step, overlay.remove(one.path, by(one.step))))).toBe(expected);
            if (expected) model.set(one.step, one.path, undefined);
            break;
          }
          case "move": {
            const file = model.current(one.path);
            const expected =
              file !== undefined &&
              model.current(one.to) === undefined &&
              model.mayChange(one.step, one.path) &&
              model.mayChange(one.step, one.to);
            expect(attempt(() => overlay.move(one.path, one.to, by(one.step)).forEach((change) => saw(one.step, change)))).toBe(expected);
            if (!expected) break;
            model.set(one.step, one.path, undefined);
            model.set(one.step, one.to, file);
            break;
          }
          case "discard":
            overlay.discard(one.step);
            for (const at of model.of(one.step)) model.changes.delete(at);
            journal.splice(0, journal.length, ...journal.filter(([name]) => name !== one.step));
            break;
          case "apply": {
            const changes = overlay.changesOf(one.step);
            const expected = model.of(one.step).every((at) => same(model.changes.get(at)?.before, model.disk.get(at)));
            const request = {
              workspace: made.workspace,
              blobs: made.blobs,
              dataDir: made.dataDir,
              assertOwner: () => undefined,
              changeSetId: `set_${(sets += 1)}`,
              changes,
            };
            const before = snapshot(made.root);
            expect(attempt(() => void applyChanges(request))).toBe(expected);
            if (!expected) {
              expect(snapshot(made.root)).toEqual(before);
              break;
            }
            const after = snapshot(made.root);
            applyChanges({ ...request, changeSetId: `back_${sets}`, changes: reverseOf(changes) });
            expect(snapshot(made.root)).toEqual(before);
            applyChanges({ ...request, changeSetId: `again_${sets}` });
            expect(snapshot(made.root)).toEqual(after);
            overlay.settle(one.step);
            for (const at of model.of(one.step)) {
              const file = model.changes.get(at)?.after;
              if (file === undefined) model.disk.delete(at);
              else model.disk.set(at, file);
              model.changes.delete(at);
            }
            journal.splice(0, journal.length, ...journal.filter(([name]) => name !== one.step));
            break;
          }
          case "person": {
            const target = join(made.root, one.path);
            if (one.content === null) {
              rmSync(target, { force: true });
              model.disk.delete(one.path);
              break;
            }
            const mode = model.disk.get(one.path)?.mode ?? 0o644;
            mkdirSync(dirname(target), { recursive: true });
            writeFileSync(target, one.content);
            chmodSync(target, mode);
            model.disk.set(one.path, { content: one.content, mode });
            break;
          }
        }
        for (const at of PATHS) {
          if (at !== "dir") expect(overlay.read(at)?.bytes.toString()).toBe(model.current(at)?.content);
        }
        for (const name of ["one", "two"]) expect(overlay.changesOf(name).map((change) => change.path)).toEqual(model.of(name));
      }

      const rebuilt = createOverlay(made);
      for (const [name, change] of journal) rebuilt.apply(name, change);
      for (const name of ["one", "two"]) expect(rebuilt.changesOf(name)).toEqual(overlay.changesOf(name));
    }),
    { numRuns: 150 },
  );
  // The commands must not all be refused, nor none of them.
  expect(done).toBeGreaterThan(200);
  expect(refused).toBeGreaterThan(200);
});
