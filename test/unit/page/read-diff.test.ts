import fc from "fast-check";
import { structuredPatch } from "diff";
import { describe, expect, it } from "vitest";
import { readDiff } from "../../../mcp-server/page/ui/read-diff.ts";

describe("the two sides of a diff", () => {
  it("stand beside each other, with their lines' numbers", () => {
    const [file] = readDiff(
      "diff --git a/x.ts b/x.ts\n--- a/x.ts\n+++ b/x.ts\n@@ -4,3 +4,4 @@\n a\n-b\n+B\n+c\n d\n\\ No newline at end of file\n",
    );
    expect(file).toEqual({
      title: "x.ts",
      added: 2,
      removed: 1,
      hunks: 1,
      rows: [
        { kind: "note", text: "@@ -4,3 +4,4 @@" },
        { kind: "same", before: { line: 4, text: "a" }, after: { line: 4, text: "a" } },
        { kind: "changed", before: { line: 5, text: "b" }, after: { line: 5, text: "B" } },
        { kind: "changed", before: null, after: { line: 6, text: "c" } },
        { kind: "same", before: { line: 6, text: "d" }, after: { line: 7, text: "d" } },
        { kind: "note", text: "\\ No newline at end of file" },
      ],
    });
  });

  it.each([
    ["diff --git a/a b.md b/a b.md\nnew file mode 100644\n", "a b.md", ["new file mode 100644"]],
    [
      'diff --git "a/\\303\\244" "b/\\303\\244"\nold mode 100644\nnew mode 100755\n',
      '"\\303\\244"',
      ["old mode 100644", "new mode 100755"],
    ],
    ["diff --git a/x b/x\nBinary or not UTF-8 text: 1 to 2 bytes\n", "x", ["Binary or not UTF-8 text: 1 to 2 bytes"]],
    ["[diff cut: 3 more files are not shown: a, b, c]\n", "[diff cut: 3 more files are not shown: a, b, c]", undefined],
  ])("%j has a title and says what else is changed", (diff, title, notes) => {
    const [file] = readDiff(diff);
    expect(file?.title).toBe(title);
    if (notes !== undefined) expect(file?.rows).toEqual(notes.map((text) => ({ kind: "note", text })));
  });

  it("are what the diff was made of, whatever its lines begin with", () => {
    const line = fc.constantFrom("", "a", "b", "-c", "+d", "--- x", "+++ y", "@@ -1 +1 @@ z", " e", "diff --git a/f b/f");
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), fc.array(line, { maxLength: 12 }), (before, after) => {
        const text = (lines: readonly string[]): string => lines.map((each) => `${each}\n`).join("");
        const { hunks } = structuredPatch("", "", text(before), text(after), undefined, undefined, { context: 100 });
        const body = hunks.flatMap((hunk) => [
          `@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`,
          ...hunk.lines,
        ]);
        const [file] = readDiff(`diff --git a/x b/x\n--- a/x\n+++ b/x\n${body.join("\n")}\n`);
        const side = (name: "before" | "after"): readonly string[] =>
          (file?.rows ?? []).flatMap((row) => (row.kind === "note" ? [] : [row[name]?.text ?? null])).filter((each) => each !== null);
        if (hunks.length > 0) expect([side("before"), side("after")]).toEqual([before, after]);
      }),
    );
  });
});
