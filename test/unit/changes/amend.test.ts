import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { amendChanges, divisibleFiles, tellAmended } from "../../../mcp-server/changes/amend.ts";
import { hunksOf } from "../../../mcp-server/changes/diff.ts";
import type { ApprovalChoice } from "../../../shared/approval-choice.ts";
import type { FileChange, FileState } from "../../../shared/change.ts";
import { memoryBlobs } from "../../support/memory-blobs.ts";

const blobs = memoryBlobs();
const state = (content: string | Buffer, mode = 0o644): FileState => ({ content: blobs.put(Buffer.from(content)), mode });
const change = (path: string, before: string | Buffer | null, after: string | Buffer | null, mode = 0o644): FileChange => ({
  path,
  before: before === null ? null : state(before),
  after: after === null ? null : state(after, mode),
});
const textOf = (of: FileState | null | undefined): string | null =>
  of === null || of === undefined ? null : Buffer.from(blobs.get(of.content.$blob)).toString("utf8");

const lines = (from: number, to: number): string => Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}\n`).join("");
const LONG = lines(1, 60);
const EDITED = LONG.replace("line 5\n", "five\n").replace("line 30\n", "").replace("line 55\n", "line 55\nand more\n");
const SET = [
  change("a.txt", LONG, EDITED),
  change("new.txt", null, "new\n"),
  change("old.txt", "old\n", null),
  change("run.sh", "x\n", "y\n", 0o755),
];
const amended = (choice: ApprovalChoice) => amendChanges(SET, choice, blobs);

describe("a change set as a person wants it", () => {
  it("is as it was put up where all of it is chosen", () => {
    expect(amended({})).toBeNull();
    expect(amended({ parts: SET.map(({ path }) => ({ path })) })).toBeNull();
    expect(amended({ parts: [{ path: "a.txt", hunks: [3, 1, 2] }, ...SET.slice(1).map(({ path }) => ({ path }))] })).toBeNull();
    expect(amended({ edits: [{ path: "new.txt", content: "new\n" }] })).toBeNull();
  });

  it("has the chosen files alone, with their modes", () => {
    const found = amended({ parts: [{ path: "run.sh" }, { path: "old.txt" }] });
    expect(found?.changes.map(({ path, after }) => [path, textOf(after), after?.mode])).toEqual([
      ["old.txt", null, undefined],
      ["run.sh", "y\n", 0o755],
    ]);
    expect(found).toMatchObject({ leftOut: ["a.txt", "new.txt"], partly: [], edited: [] });
  });

  it("has the chosen hunks alone", () => {
    const found = amended({ parts: [{ path: "a.txt", hunks: [1, 3] }] });
    expect(textOf(found?.changes[0]?.after)).toBe(LONG.replace("line 5\n", "five\n").replace("line 55\n", "line 55\nand more\n"));
    expect(found).toMatchObject({ leftOut: ["new.txt", "old.txt", "run.sh"], partly: ["a.txt"] });
  });

  it("has the person's own version of a file", () => {
    const found = amended({ edits: [{ path: "run.sh", content: "z\r\n" }] });
    expect(found?.changes).toHaveLength(4);
    expect(textOf(found?.changes[3]?.after)).toBe("z\r\n");
    expect(found?.changes[3]?.after?.mode).toBe(0o755);
    expect(found).toMatchObject({ leftOut: [], partly: [], edited: ["run.sh"] });
    const back = amended({ edits: [{ path: "a.txt", content: LONG }] });
    expect(back).toMatchObject({ leftOut: ["a.txt"], edited: [] });
  });

  it.each([
    [{ parts: [{ path: "other.txt" }] }, /`other\.txt` is not in the change set/u],
    [{ parts: [{ path: "../a.txt" }] }, /is not in the change set/u],
    [{ parts: [{ path: "a.txt" }, { path: "a.txt" }] }, /named twice/u],
    [{ parts: [{ path: "a.txt", hunks: [4] }] }, /has 3 hunks, so there is no hunk 4/u],
    [{ parts: [{ path: "new.txt", hunks: [1] }] }, /as a whole only/u],
    [{ parts: [{ path: "old.txt", hunks: [1] }] }, /as a whole only/u],
    [{ edits: [{ path: "old.txt", content: "x" }] }, /to be deleted/u],
    [{ edits: [{ path: "new.txt", content: "a\0b" }] }, /no text/u],
    [{ edits: [{ path: "new.txt", content: "a\uD800" }] }, /no text/u],
    [
      {
        parts: [{ path: "run.sh" }],
        edits: [
          { path: "run.sh", content: "" },
          { path: "run.sh", content: "" },
        ],
      },
      /named twice/u,
    ],
  ] as const)("%j does not fit it", (choice, message) => {
    expect(() => amended(choice as unknown as ApprovalChoice)).toThrow(
      expect.objectContaining({ code: "invalid_input", message: expect.stringMatching(message) as string }) as Error,
    );
  });

  it("is nothing to approve when nothing is left", () => {
    const set = [change("a.txt", LONG, EDITED)];
    expect(() => amendChanges(set, { edits: [{ path: "a.txt", content: LONG }] }, blobs)).toThrow(/nothing of the change set is left/u);
  });

  it("can be divided where a text has several hunks", () => {
    const binary = change("b.bin", Buffer.from([0, 1, 2]), Buffer.from([0, 3]));
    expect(divisibleFiles([...SET, binary], blobs)).toEqual(["a.txt"]);
  });

  it("is told to the worker with what was taken, what not, and the person's words", () => {
    const found = amended({ parts: [{ path: "a.txt", hunks: [1] }, { path: "run.sh" }], edits: [{ path: "run.sh", content: "z\n" }] });
    if (found === null) throw new Error("something was left out");
    const told = tellAmended(found, "keep the old one");
    expect(told).toContain("says: keep the old one.");
    expect(told).toContain("Applied: `a.txt`, `run.sh`.");
    expect(told).toContain("only some of your changes were taken: `a.txt`.");
    expect(told).toContain("wrote these themselves: `run.sh`.");
    expect(told).toContain("Not approved, and as before: `new.txt`, `old.txt`.");
  });

  it("of all hunks is the worker's file, of none the old one, of some neither more nor less than these", () => {
    const word = fc.constantFrom("a", "b", "c", "", "@@ -1 +1 @@", "\\ No newline", "--- x", "é\r");
    const text = fc.array(word, { maxLength: 30 }).chain((words) => fc.constantFrom(words.join("\n"), `${words.join("\n")}\n`));
    fc.assert(
      fc.property(text, text, fc.nat(), (before, after, seed) => {
        const set = [change("f", before, after)];
        const count = before === after ? 0 : (hunksOf(before, after)?.length ?? 0);
        if (count === 0) return;
        const all = Array.from({ length: count }, (_, index) => index + 1);
        expect(amendChanges(set, { parts: [{ path: "f", hunks: all }] }, blobs)).toBeNull();
        const some = all.filter((hunk) => ((seed >> (hunk % 16)) & 1) === 1);
        if (some.length === 0 || some.length === count) return;
        const first = textOf(amendChanges(set, { parts: [{ path: "f", hunks: some }] }, blobs)?.changes[0]?.after);
        if (first === null) throw new Error("some hunks change something");
        // What was left out, taken on top, makes the whole.
        expect(hunksOf(first, after)?.length ?? 0).toBeGreaterThan(0);
        const rest = all.filter((hunk) => !some.includes(hunk));
        const second = textOf(amendChanges(set, { parts: [{ path: "f", hunks: rest }] }, blobs)?.changes[0]?.after);
        expect(second).not.toBe(first);
      }),
    );
  });
});
