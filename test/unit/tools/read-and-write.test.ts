import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { failureOf, fixture } from "../changes/fixture.ts";
import { caller } from "./call.ts";

describe("read_file", () => {
  it("shows the text below one header line", async () => {
    const call = caller(fixture({ "a.ts": "one\n  two\n\nfour\n" }));
    expect(await call("read_file", { path: "a.ts" })).toBe("`a.ts`, lines 1-4 of 4\none\n  two\n\nfour");
    expect(await call("read_file", { path: "a.ts", start_line: 2, end_line: 3 })).toBe("`a.ts`, lines 2-3 of 4\n  two\n");
    expect(await call("read_file", { path: "a.ts", start_line: 4, end_line: 99 })).toBe("`a.ts`, lines 4-4 of 4\nfour");
  });

  it("says what is unusual: CRLF, a byte order mark, no line end at the end, mixed line ends", async () => {
    const call = caller(fixture({ crlf: "\ufeffa\r\nb", mixed: "a\r\nb\n", cr: "a\rb\n" }));
    expect(await call("read_file", { path: "crlf" })).toBe(
      "`crlf`, lines 1-2 of 2 (line ends CRLF; starts with a byte order mark; no line end after the last line)\na\nb",
    );
    expect(await call("read_file", { path: "mixed" })).toBe("`mixed`, lines 1-2 of 2 (line ends partly CRLF, partly LF)\na\nb");
    expect(await call("read_file", { path: "cr" })).toBe("`cr`, lines 1-1 of 1\na\rb");
  });

  it("cuts long files with a marker that says how to get the rest", async () => {
    const call = caller(fixture({ long: Array.from({ length: 2500 }, (_, index) => `line ${index + 1}\n`).join("") }));
    const first = await call("read_file", { path: "long" });
    expect(first).toContain("lines 1-2000 of 2500");
    expect(first).toMatch(/line 2000\n\[cut: lines 2001-2500 are not shown; read them with start_line 2001\]$/u);
    expect(await call("read_file", { path: "long", start_line: 2001 })).toMatch(/lines 2001-2500 of 2500\nline 2001\n.*line 2500$/su);
  });

  it("cuts by size too, also in the middle of an endless line", async () => {
    const call = caller(fixture({ wide: `${"x".repeat(1000)}\n`.repeat(1000), endless: "y".repeat(3_000_000) }));
    const wide = await call("read_file", { path: "wide" });
    expect(wide.length).toBeLessThan(263_000);
    expect(wide).toMatch(/\[cut: lines 262-1000 are not shown; read them with start_line 262\]$/u);
    const endless = await call("read_file", { path: "endless" });
    expect(endless.length).toBeLessThan(263_000);
    expect(endless).toContain("more characters, which read_file cannot show");
  });

  it("says of binary and of other than UTF-8 files what they are, and shows no byte of them", async () => {
    const call = caller(fixture({ "a.bin": Buffer.from([1, 0, 2]), "latin.txt": Buffer.from([0x66, 0xfc, 0x72]), empty: "" }));
    expect(await call("read_file", { path: "a.bin" })).toMatch(/^\[`a\.bin` is binary: 3 bytes, SHA-256 [0-9a-f]{64}\./u);
    expect(await call("read_file", { path: "latin.txt" })).toContain("is not UTF-8 text");
    expect(await call("read_file", { path: "empty" })).toBe("[`empty` is empty.]");
  });

  it("refuses huge files, folders, pipes, and lines past the end", async () => {
    const made = fixture({ "dir/a": "x", "big.bin": Buffer.alloc(32 * 1024 * 1024 + 1), two: "a\nb\n" });
    execFileSync("mkfifo", [join(made.root, "pipe")]);
    const call = caller(made);
    expect(await failureOf(() => call("read_file", { path: "big.bin" }))).toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("33554433 bytes"),
    });
    expect(await failureOf(() => call("read_file", { path: "dir" }))).toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("is a folder"),
    });
    expect(await failureOf(() => call("read_file", { path: "pipe" }))).toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("pipe"),
    });
    expect(await failureOf(() => call("read_file", { path: "two", start_line: 3 }))).toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("has 2 lines"),
    });
    expect((await failureOf(() => call("read_file", { path: "two", start_line: 2, end_line: 1 }))).code).toBe("invalid_input");
  });

  it("names similar files when there is none", async () => {
    const call = caller(fixture({ "src/parser.ts": "x", "lib/util.ts": "x" }));
    expect(await failureOf(() => call("read_file", { path: "src/parsr.ts" }))).toMatchObject({
      code: "not_found",
      message: expect.stringContaining("`src/parser.ts`"),
    });
    expect((await failureOf(() => call("read_file", { path: "parser.ts" }))).message).toContain("`src/parser.ts`");
    expect((await failureOf(() => call("read_file", { path: "zzz/qqqqqqqq.xyz" }))).message).toContain("no folder `zzz`");
    expect((await failureOf(() => call("read_file", { path: "lib/util.ts/x" }))).code).toBe("not_found");
  });

  it("tells the step that its change was dropped because the person edited the file, and shows the person's", async () => {
    const made = fixture({ "a.txt": "old\n" });
    const call = caller(made);
    await call("read_file", { path: "a.txt" });
    await call("write_file", { path: "a.txt", content: "mine\n" });
    made.disk("a.txt", "the person's\n");
    expect((await failureOf(() => call("edit_file", { path: "a.txt", old_text: "mine", new_text: "x" }))).code).toBe("conflict");
    const text = await call("read_file", { path: "a.txt" });
    expect(text).toContain("Your change of it was dropped");
    expect(text).toContain("\nthe person's");
    expect(call.writes.at(-1)).toMatchObject({ path: "a.txt", before: call.writes.at(-1)?.after });
    expect(made.overlay.changesOf("s1")).toEqual([]);
    await call("edit_file", { path: "a.txt", old_text: "person", new_text: "worker" });
    expect(made.overlay.read("a.txt")?.bytes.toString()).toBe("the worker's\n");
  });
});

describe("write_file", () => {
  it("makes new files with their folders, and rewrites files that were read", async () => {
    const made = fixture({ "a.txt": "old" });
    const call = caller(made);
    expect(await call("write_file", { path: "new/deep/b.txt", content: "b" })).toBe("Created `new/deep/b.txt`, 1 bytes.");
    expect((await failureOf(() => call("write_file", { path: "a.txt", content: "x" }))).code).toBe("conflict");
    await call("read_file", { path: "a.txt" });
    expect(await call("write_file", { path: "a.txt", content: "new" })).toBe("Wrote `a.txt`, 3 bytes.");
    expect(await call("write_file", { path: "a.txt", content: "newer" })).toContain("Wrote");
    expect(call.writes.map((change) => change.path)).toEqual(["new/deep/b.txt", "a.txt", "a.txt"]);
  });

  it("keeps CRLF line ends and a byte order mark of the file it rewrites, and says so", async () => {
    const made = fixture({ "a.txt": "\ufeffa\r\nb\r\n" });
    const call = caller(made);
    await call("read_file", { path: "a.txt" });
    expect(await call("write_file", { path: "a.txt", content: "a\nc\n" })).toContain("kept its CRLF line ends and its byte order mark");
    expect(made.overlay.read("a.txt")?.bytes.toString()).toBe("\ufeffa\r\nc\r\n");
  });

  it("writes bytes of a new file exactly", async () => {
    const made = fixture();
    const call = caller(made);
    for (const content of ["", "no end", "a\r\nb\n", "\ufeffx", "\0", "emoji 🙂 \u2028"]) {
      await call("write_file", { path: "f", content });
      expect(made.overlay.read("f")?.bytes.toString()).toBe(content);
      await call("delete_file", { path: "f" });
    }
  });

  it("refuses text that UTF-8 cannot hold, instead of changing it silently", async () => {
    const call = caller(fixture());
    expect(await failureOf(() => call("write_file", { path: "f", content: "a\ud800" }))).toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("position 1"),
    });
  });

  it.each(["../x", "/tmp/x", ".git/config", ".git/hooks/pre-commit", ".bosun/config.json", ".env", "a\0b", "dir"])(
    "writes nothing to %j",
    async (path) => {
      const made = fixture();
      mkdirSync(join(made.root, "dir"));
      const failure = await failureOf(() => caller(made)("write_file", { path, content: "x" }));
      expect(["invalid_input", "policy_denied"]).toContain(failure.code);
      expect(made.overlay.changesOf("s1")).toEqual([]);
    },
  );

  it("leaves a file to the step that is changing it", async () => {
    const made = fixture({ "a.txt": "old" });
    const call = caller(made);
    await call("read_file", { path: "a.txt" }, { step: "one" });
    await call("write_file", { path: "a.txt", content: "one's" }, { step: "one" });
    expect(await call("read_file", { path: "a.txt" }, { step: "two" })).toContain("one's");
    expect(await failureOf(() => call("edit_file", { path: "a.txt", old_text: "one", new_text: "two" }, { step: "two" }))).toMatchObject({
      code: "conflict",
      message: expect.stringContaining("`one`"),
    });
  });
});

describe("edit_file", () => {
  async function edited(content: string | Buffer, old_text: string, new_text: string): Promise<string> {
    const made = fixture({ f: content });
    const call = caller(made);
    await call("read_file", { path: "f" });
    await call("edit_file", { path: "f", old_text, new_text });
    return made.overlay.read("f")?.bytes.toString() ?? "";
  }

  it("replaces one place and leaves every other byte as it is", async () => {
    expect(await edited("a\nb\nc", "b", "B")).toBe("a\nB\nc");
    expect(await edited("\ufeffa\r\nb\r\nc", "b\nc", "x\ny\nz")).toBe("\ufeffa\r\nx\r\ny\r\nz");
    expect(await edited("a\r\nb\nc\r\nd\n", "c", "C")).toBe("a\r\nb\nC\r\nd\n");
    expect(await edited("a\nb\nc\r\nd\r\n", "a\nb", "a\n1\nb")).toBe("a\n1\nb\nc\r\nd\r\n");
    expect(await edited("a\r\nb\r\n", "a\r\nb\r\n", "a\r\nx\r\n")).toBe("a\r\nx\r\n");
    expect(await edited("a\nb\n", "a", "x\r\ny")).toBe("x\ny\nb\n");
  });

  it("removes a place", async () => {
    expect(await edited("a\r\nb\r\nc\r\n", "b\n", "")).toBe("a\r\nc\r\n");
    expect(await edited("$& $1 a", "a", "$& $1")).toBe("$& $1 $& $1");
  });

  it.each([
    ["does not occur", "c", "x", "does not occur"],
    ["occurs often", "a", "x", "3 times, at lines 1, 2, 4"],
    ["overlaps itself", "zz", "x", "2 times, at lines 5, 5"],
    ["is empty", "", "x", "old_text is empty"],
    ["changes nothing", "b", "b", "nothing to change"],
    ["differs by white space", "b   b", "x", "like line 3"],
  ])("says what is wrong with a text that %s", async (_, old_text, new_text, why) => {
    const made = fixture({ f: "a\na\nb b\na\nzzz\nb\n" });
    const call = caller(made);
    await call("read_file", { path: "f" });
    expect(await failureOf(() => call("edit_file", { path: "f", old_text, new_text }))).toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining(why),
    });
    expect(made.overlay.changesOf("s1")).toEqual([]);
  });

  it("refuses a file that was not read, is not there, or is no text", async () => {
    const made = fixture({ f: "a", bin: Buffer.from([0]) });
    const call = caller(made);
    expect((await failureOf(() => call("edit_file", { path: "f", old_text: "a", new_text: "b" }))).code).toBe("conflict");
    expect((await failureOf(() => call("edit_file", { path: "g", old_text: "a", new_text: "b" }))).code).toBe("not_found");
    await call("read_file", { path: "bin" });
    expect((await failureOf(() => call("edit_file", { path: "bin", old_text: "a", new_text: "b" }))).message).toContain("binary");
  });

  it("refuses a file that the person edited after it was read", async () => {
    const made = fixture({ f: "a" });
    const call = caller(made);
    await call("read_file", { path: "f" });
    made.disk("f", "a, edited");
    expect((await failureOf(() => call("edit_file", { path: "f", old_text: "a", new_text: "b" }))).code).toBe("conflict");
  });
});

describe("delete_file and move_file", () => {
  it("work on files that were read, also on binary ones", async () => {
    const made = fixture({ "a.bin": Buffer.from([0, 1]), "b.txt": "b" });
    const call = caller(made);
    for (const path of ["a.bin", "b.txt"]) await call("read_file", { path });
    expect(await call("move_file", { from: "a.bin", to: "x/c.bin" })).toBe("Moved `a.bin` to `x/c.bin`.");
    expect(await call("delete_file", { path: "b.txt" })).toBe("Deleted `b.txt`.");
    expect(made.overlay.changesOf("s1").map((change) => [change.path, change.after === null])).toEqual([
      ["a.bin", true],
      ["b.txt", true],
      ["x/c.bin", false],
    ]);
    expect((await failureOf(() => call("read_file", { path: "b.txt" }))).code).toBe("not_found");
  });

  it("refuse what was not read, is not there, or leads out", async () => {
    const made = fixture({ "a.txt": "a" });
    symlinkSync("/etc", join(made.root, "out"));
    const call = caller(made);
    expect((await failureOf(() => call("delete_file", { path: "a.txt" }))).code).toBe("conflict");
    expect((await failureOf(() => call("delete_file", { path: "b.txt" }))).code).toBe("not_found");
    await call("read_file", { path: "a.txt" });
    for (const to of ["../a.txt", "out/a.txt", ".git/a", ".env"])
      expect(["invalid_input", "policy_denied"]).toContain((await failureOf(() => call("move_file", { from: "a.txt", to }))).code);
    expect(made.overlay.changesOf("s1")).toEqual([]);
  });
});
