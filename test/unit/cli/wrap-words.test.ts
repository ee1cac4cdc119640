import { describe, expect, it } from "vitest";
import { wrapWords } from "../../../mcp-server/cli/text-width.ts";

describe("wrapping", () => {
  it("breaks long lines between words and keeps the rest as it is", () => {
    expect(wrapWords("short\n\nthis line is too long", 12)).toBe("short\n\nthis line is\ntoo long");
  });

  it("indents what follows a list's mark", () => {
    expect(wrapWords("- one two three", 9)).toBe("- one two\n  three");
  });

  it("never breaks what stands in backticks, for it is there to be copied", () => {
    expect(wrapWords("then go on with `bosun resume run_a` here", 16)).toBe("then go on with\n`bosun resume run_a`\nhere");
    expect(wrapWords("an odd ` mark is  no code", 14)).toBe("an odd ` mark\nis  no code");
  });

  it("leaves a word whole that is wider than the terminal", () => {
    expect(wrapWords("see https://example.test/a/very/long/path now", 10)).toBe("see\nhttps://example.test/a/very/long/path\nnow");
  });
});
