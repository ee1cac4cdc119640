import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { failureOf, fixture, tempFolder } from "../changes/fixture.ts";
import { caller } from "./call.ts";

const TREE = {
  "src/a.ts": "const needle = 1;\r\nother\nneedle",
  "src/sub/b.test.ts": "needle.*needle",
  "README.md": "# Needle",
  ".gitignore": "dist/\n*.log\n!keep.log\n/only-root.txt\n",
  "dist/out.js": "needle",
  "debug.log": "needle",
  "keep.log": "x",
  "only-root.txt": "x",
  "src/only-root.txt": "x",
  "src/.gitignore": "generated\n!important.log\n",
  "src/generated/x.ts": "needle",
  "src/important.log": "needle in log",
  "node_modules/pkg/index.js": "needle",
  ".git/config": "needle",
  ".env": "needle=1",
};

function lines(text: string): string[] {
  return text.split("\n").slice(1);
}

describe("list_files", () => {
  it("lists what .gitignore files leave, sorted, without git's own data", async () => {
    const call = caller(fixture(TREE));
    expect(lines(await call("list_files", {}))).toEqual([
      ".env (secret, not readable)",
      ".gitignore",
      "README.md",
      "keep.log",
      "src/.gitignore",
      "src/a.ts",
      "src/important.log",
      "src/only-root.txt",
      "src/sub/b.test.ts",
    ]);
  });

  it("takes globs for names at any depth and for paths below the folder", async () => {
    const call = caller(fixture(TREE));
    expect(lines(await call("list_files", { glob: "*.ts" }))).toEqual(["src/a.ts", "src/sub/b.test.ts"]);
    expect(lines(await call("list_files", { glob: "src/*.ts" }))).toEqual(["src/a.ts"]);
    expect(lines(await call("list_files", { path: "src", glob: "sub/**" }))).toEqual(["src/sub/b.test.ts"]);
    expect(await call("list_files", { glob: "*.nothing" })).toBe('0 files in the workspace that match "*.nothing"');
  });

  it("lists an ignored folder that is named", async () => {
    const call = caller(fixture(TREE));
    expect(lines(await call("list_files", { path: "dist" }))).toEqual(["dist/out.js"]);
    expect(lines(await call("list_files", { path: "node_modules/pkg" }))).toEqual(["node_modules/pkg/index.js"]);
  });

  it("shows links but does not follow them", async () => {
    const made = fixture({ "src/a.ts": "x" });
    const outside = tempFolder("outside");
    writeFileSync(join(outside, "private.txt"), "x");
    symlinkSync(outside, join(made.root, "out"));
    symlinkSync("..", join(made.root, "src", "loop"));
    const call = caller(made);
    expect(lines(await call("list_files", {}))).toEqual(["out (symbolic link)", "src/a.ts", "src/loop (symbolic link)"]);
    expect((await failureOf(() => call("list_files", { path: "out" }))).code).toBe("policy_denied");
  });

  it("sees the overlay", async () => {
    const made = fixture({ "a.txt": "a", "b.txt": "b" });
    const call = caller(made);
    await call("read_file", { path: "a.txt" });
    await call("delete_file", { path: "a.txt" });
    await call("write_file", { path: "new/c.txt", content: "c" });
    expect(lines(await call("list_files", {}))).toEqual(["b.txt", "new/c.txt"]);
    expect(lines(await call("list_files", { path: "new" }))).toEqual(["new/c.txt"]);
  });

  it("is cut with a marker that says how many are missing", async () => {
    const made = fixture();
    for (let index = 0; index < 1003; index += 1) writeFileSync(join(made.root, `f${index}`), "");
    const text = await caller(made)("list_files", {});
    expect(text).toMatch(/^1003 files in the workspace\n/u);
    expect(text).toMatch(/\n\[cut: 3 more files are not shown; narrow it down by path or glob\]$/u);
    expect(text.split("\n")).toHaveLength(1002);
  });

  it("refuses what is no folder, and globs that could take for ever", async () => {
    const call = caller(fixture(TREE));
    expect((await failureOf(() => call("list_files", { path: "absent" }))).code).toBe("not_found");
    expect((await failureOf(() => call("list_files", { path: "README.md" }))).code).toBe("invalid_input");
    expect((await failureOf(() => call("list_files", { path: "../" }))).code).toBe("invalid_input");
    expect((await failureOf(() => call("list_files", { path: ".git" }))).code).toBe("policy_denied");
    for (const glob of ["*a*a*a*a*a*b", "**/a/**/b/**/c/**/d", "x".repeat(600)])
      expect((await failureOf(() => call("list_files", { glob }))).code).toBe("invalid_input");
  });

  it("is not held up by a hostile .gitignore", async () => {
    const made = fixture({ ".gitignore": `${"*a".repeat(30)}b\n`, ["a".repeat(250)]: "x" });
    const start = performance.now();
    expect(lines(await caller(made)("list_files", {}))).toContain("a".repeat(250));
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it("shows names as they are, without letting them act on a terminal", async () => {
    const made = fixture();
    writeFileSync(join(made.root, "a\u001b[2J\nb"), "");
    expect(lines(await caller(made)("list_files", {}))).toEqual(["a\\u{1b}[2J\\u{a}b"]);
  });
});

describe("search_text", () => {
  it("finds literal text line by line, as path:line: text", async () => {
    const call = caller(fixture(TREE));
    const text = await call("search_text", { pattern: "needle" });
    expect(lines(text)).toEqual([
      "src/a.ts:1: const needle = 1;",
      "src/a.ts:3: needle",
      "src/important.log:1: needle in log",
      "src/sub/b.test.ts:1: needle.*needle",
      "[not searched: 1 secret]",
    ]);
    expect(text).toMatch(/^4 matches in 8 files searched/u);
    expect(lines(await call("search_text", { pattern: "needle.*needle" }))[0]).toBe("src/sub/b.test.ts:1: needle.*needle");
  });

  it("finds regular expressions when asked to", async () => {
    const call = caller(fixture(TREE));
    expect(lines(await call("search_text", { pattern: "^(?i)# needle$", regex: true }))).toContain("README.md:1: # Needle");
    expect(lines(await call("search_text", { pattern: "1;$", regex: true }))).toContain("src/a.ts:1: const needle = 1;");
  });

  it("looks into a file, a folder, or what a glob leaves", async () => {
    const call = caller(fixture(TREE));
    expect(lines(await call("search_text", { pattern: "needle", path: "src/sub" }))).toEqual(["src/sub/b.test.ts:1: needle.*needle"]);
    expect(lines(await call("search_text", { pattern: "needle", path: "src/a.ts" }))).toHaveLength(2);
    expect(lines(await call("search_text", { pattern: "needle", glob: "*.log" }))).toEqual(["src/important.log:1: needle in log"]);
  });

  it("never shows a secret, nor says whether it has a match, by whatever way it is asked", async () => {
    const made = fixture({ ".env": "needle", "keys/id_rsa": "needle" });
    symlinkSync(".env", join(made.root, "link"));
    const call = caller(made);
    const text = await call("search_text", { pattern: "needle" });
    expect(text).toBe("0 matches in 0 files searched\n[not searched: 2 secret]");
    for (const path of [".env", "keys/id_rsa", "link"])
      expect((await failureOf(() => call("search_text", { pattern: "needle", path }))).code).toBe("policy_denied");
  });

  it("sees the overlay", async () => {
    const made = fixture({ "a.txt": "needle" });
    const call = caller(made);
    await call("read_file", { path: "a.txt" });
    await call("write_file", { path: "a.txt", content: "nothing" });
    await call("write_file", { path: "b.txt", content: "a needle" });
    expect(lines(await call("search_text", { pattern: "needle" }))).toEqual(["b.txt:1: a needle"]);
  });

  it("skips binary, not UTF-8 and large files, and says so", async () => {
    const made = fixture({ bin: Buffer.from("needle\0"), latin: Buffer.from([0x6e, 0xfc]), large: "needle\n".repeat(400_000) });
    expect(await caller(made)("search_text", { pattern: "needle" })).toBe(
      "0 matches in 0 files searched\n[not searched: 2 binary or not UTF-8, 1 larger than 2 MiB]",
    );
  });

  it("is cut in number of matches and in length of lines", async () => {
    const made = fixture({ many: "needle\n".repeat(500), wide: `${"x".repeat(5000)}needle${"y".repeat(5000)}` });
    const call = caller(made);
    const many = await call("search_text", { pattern: "needle", path: "many" });
    expect(many).toMatch(/^200 matches/u);
    expect(many).toContain("[cut: only the first 200 matches are shown");
    const [wide = ""] = lines(await call("search_text", { pattern: "needle", path: "wide" }));
    expect(wide.length).toBeLessThan(330);
    expect(wide).toMatch(/^wide:1: \[cut\] x+needley+ \[cut\]$/u);
  });

  it("takes linear time for patterns that ruin other engines", async () => {
    const made = fixture({ f: `${"a".repeat(50_000)}!\n` });
    const start = performance.now();
    await caller(made)("search_text", { pattern: "^(a+)+$", regex: true });
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it.each([
    ["", false],
    ["a\nb", false],
    ["(", true],
    ["(?=x)", true],
    ["(a)\\1", true],
    ["x".repeat(1001), false],
  ])("refuses the pattern %j", async (pattern, regex) => {
    expect((await failureOf(() => caller(fixture())("search_text", { pattern, regex }))).code).toBe("invalid_input");
  });

  it("stops when the call is cancelled", async () => {
    const made = fixture({ "a.txt": "x" });
    const controller = new AbortController();
    controller.abort();
    for (const tool of ["search_text", "list_files"])
      expect((await failureOf(() => caller(made)(tool, { pattern: "x" }, { signal: controller.signal }))).code).toMatch(
        /cancelled|invalid_input/u,
      );
    expect((await failureOf(() => caller(made)("search_text", { pattern: "x" }, { signal: controller.signal }))).code).toBe("cancelled");
  });

  it("says that a path is not there", async () => {
    const made = fixture();
    mkdirSync(join(made.root, "empty"));
    expect((await failureOf(() => caller(made)("search_text", { pattern: "x", path: "absent" }))).code).toBe("not_found");
    expect(await caller(made)("search_text", { pattern: "x", path: "empty" })).toBe("0 matches in 0 files searched");
  });
});
