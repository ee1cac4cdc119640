import { describe, expect, it } from "vitest";
import { diffLines } from "../../../mcp-server/cli/render/diff-lines.ts";
import { paint, plainText } from "../../../mcp-server/cli/render/line.ts";

const DIFF = [
  "diff --git a/x b/x",
  "--- a/x",
  "+++ b/x",
  "@@ -1,2 +1,2 @@",
  " same",
  "--- not a header",
  "+++ nor this",
  "\\ No newline at end of file",
  "diff --git a/y b/y",
  "--- a/y",
].join("\n");

describe("diffLines", () => {
  it("tells headers from content that looks like one", () => {
    expect(diffLines(DIFF, null).map((line) => line[0]?.tone)).toEqual([
      "strong",
      "strong",
      "strong",
      "hunk",
      "plain",
      "removed",
      "added",
      "plain",
      "strong",
      "strong",
    ]);
  });

  it("colours added and removed lines, or uses no control code at all", () => {
    const line = diffLines("@@ -1 +1 @@\n+new", null)[1] ?? [];
    expect(paint(line, true)).toBe("\u001B[32m+new\u001B[0m");
    expect(paint(line, false)).toBe("+new");
  });

  it("cuts a long diff and very long lines, saying so, but shows all when asked", () => {
    const long = `@@ -1 +1 @@\n+${"x".repeat(3_000)}\n+b\n+c\n`;
    expect(diffLines(long, 2).map(plainText)).toEqual([
      "@@ -1 +1 @@",
      `+${"x".repeat(999)}… [+2001 characters]`,
      "… 2 more lines are not shown",
    ]);
    expect(diffLines(long, null).map(plainText)[1]).toHaveLength(3_001);
  });
});
