import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { FileChange, FileState } from "../../../shared/change.ts";
import { type ChangeSetOrigin, createChangeSet } from "../../../mcp-server/changes/change-set.ts";
import { combineChanges, reverseOf, revertOntoDisk } from "../../../mcp-server/changes/revert.ts";
import { riskOf } from "../../../mcp-server/changes/risk.ts";
import { failureOf, fixture, memoryBlobs } from "./fixture.ts";

const blobs = memoryBlobs();
const ORIGIN: ChangeSetOrigin = { runId: "run_1", attempt: "step:a", root: "/w", worker: "coder" };

function state(content: string | Buffer, mode = 0o644): FileState {
  return { content: blobs.put(Buffer.from(content)), mode };
}

function change(path: string, before: string | null, after: string | null): FileChange {
  return { path, before: before === null ? null : state(before), after: after === null ? null : state(after) };
}

describe("the digest of a change set", () => {
  const changes = [change("a.txt", "1", "2"), change("b.txt", null, "b")];
  const digest = createChangeSet(ORIGIN, changes, blobs).digest;

  it("does not depend on the order of the changes", () => {
    expect(digest).toMatch(/^[0-9a-f]{64}$/u);
    expect(createChangeSet(ORIGIN, changes.toReversed(), blobs).digest).toBe(digest);
  });

  it("is the one that another program finds by the documented rule", () => {
    expect(digest).toBe("f4241911b2159efc83fc5488886ba3c1a9f4ed1536dad2b5a0a042ade4600a9d");
  });

  it("differs when anything that is decided about differs", () => {
    const [a, b] = changes as [FileChange, FileChange];
    const others = [
      createChangeSet({ ...ORIGIN, runId: "run_2" }, changes, blobs),
      createChangeSet({ ...ORIGIN, attempt: "step:b" }, changes, blobs),
      createChangeSet({ ...ORIGIN, root: "/v" }, changes, blobs),
      createChangeSet({ ...ORIGIN, revert: true }, changes, blobs),
      createChangeSet(ORIGIN, [a], blobs),
      createChangeSet(ORIGIN, [{ ...a, path: "c.txt" }, b], blobs),
      createChangeSet(ORIGIN, [{ ...a, after: state("3") }, b], blobs),
      createChangeSet(ORIGIN, [{ ...a, before: state("3") }, b], blobs),
      createChangeSet(ORIGIN, [{ ...a, before: null }, b], blobs),
      createChangeSet(ORIGIN, [{ ...a, after: null }, b], blobs),
      createChangeSet(ORIGIN, [{ ...a, after: state("2", 0o755) }, b], blobs),
      createChangeSet(ORIGIN, [{ ...a, before: state("1", 0o755) }, b], blobs),
    ];
    const all = new Set([digest, ...others.map((one) => one.digest)]);
    expect(all.size).toBe(others.length + 1);
  });
});

describe("a change set", () => {
  it("is called by what it does", () => {
    const set = (...changes: FileChange[]) => createChangeSet(ORIGIN, changes, blobs);
    expect(set(change("a", "1", "2"), change("b", null, "x"))).toMatchObject({
      kind: "write",
      title: "coder wants to change 2 files",
      files: ["a", "b"],
    });
    expect(set(change("src/a.ts", "1", "2")).title).toBe("coder wants to change `src/a.ts`");
    expect(set(change("b", null, "x")).title).toBe("coder wants to create `b`");
    expect(set(change("a", "1", null), change("b", "1", null))).toMatchObject({ kind: "delete", title: "coder wants to delete 2 files" });
    expect(createChangeSet({ ...ORIGIN, revert: true }, [change("a", "1", null)], blobs)).toMatchObject({
      kind: "revert",
      title: "Bosun asks to put back `a`",
    });
  });

  it("shows what is unusual in a name instead of being fooled by it", () => {
    const set = createChangeSet(ORIGIN, [change("a\u001b[31m\n+++ b/x", "1", "2")], blobs);
    expect(set.title).toContain("\\u{1b}");
    expect(set.diff).toContain("\\u{a}+++ b/x");
    expect(set.diff.split("\n").filter((line) => line.startsWith("+++"))).toHaveLength(1);
  });
});

describe("the diff of a change set", () => {
  const PAIRS: readonly (readonly [string, string | null, string | null])[] = [
    ["lf.txt", "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n", "one\n2\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n"],
    ["crlf.txt", "one\r\ntwo\r\nthree\r\n", "one\r\n2\r\nthree\r\n"],
    ["lonely-cr.txt", "a\rb\nc\n", "a\rb\nd\n"],
    ["separators.txt", "a\u2028b\u0085c\nd\n", "a\u2028b\u0085c\ne\n"],
    ["bom.txt", "\ufeffone\ntwo\n", "\ufeffone\n2\n"],
    ["gains-end.txt", "one\ntwo", "one\ntwo\n"],
    ["loses-end.txt", "one\ntwo\n", "one\ntwo"],
    ["keeps-none.txt", "one\ntwo", "1\ntwo"],
    ["empty-to-text.txt", "", "x\n"],
    ["text-to-empty.txt", "x\n", ""],
    ["new/created.txt", null, "x\ny"],
    ["new/empty.txt", null, ""],
    ["deleted.txt", "x\ny\n", null],
    ["deleted-empty.txt", "", null],
    ["only-blank-lines.txt", "\n\n", "\n\n\n"],
    [
      "rewritten.txt",
      `${Array.from({ length: 3000 }, (_, i) => `old ${i}`).join("\n")}\n`,
      Array.from({ length: 3000 }, (_, i) => `new ${i}`).join("\n"),
    ],
  ];

  it.each(PAIRS)("is taken by git apply, and gives exactly the new file: %s", (path, before, after) => {
    const { root, disk } = fixture(before === null ? {} : { [path]: before });
    const { diff } = createChangeSet(ORIGIN, [change(path, before, after)], blobs);
    const patch = join(root, "..", "patch");
    writeFileSync(patch, diff);
    const git = spawnSync("git", ["apply", "--whitespace=nowarn", patch], {
      cwd: root,
      encoding: "utf8",
      env: {
        PATH: process.env["PATH"] ?? "",
        GIT_CONFIG_GLOBAL: "/dev/null",
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_CEILING_DIRECTORIES: join(root, ".."),
      },
    });
    expect(git.stderr).toBe("");
    expect(readOrNull(join(root, path))).toBe(after);
    disk("x", "");
  });

  it("says of binary and other than UTF-8 files what they are, and shows no byte of them", () => {
    const one: FileChange = { path: "a.bin", before: state(Buffer.from([0, 1, 2])), after: state(Buffer.from([0, 1, 3, 4])) };
    const other: FileChange = { path: "b.txt", before: null, after: state(Buffer.from([0x66, 0xfc, 0x72])) };
    const { diff } = createChangeSet(ORIGIN, [one, other], blobs);
    expect(diff).toContain("Binary or not UTF-8 text: before: 3 bytes");
    expect(diff).toContain("after: 4 bytes");
    expect(diff).not.toContain("\0");
    expect(diff).toContain("before: absent; after: 3 bytes");
  });

  it("shows a changed mode", () => {
    const { diff } = createChangeSet(ORIGIN, [{ path: "run.sh", before: state("x"), after: state("x", 0o755) }], blobs);
    expect(diff).toBe("diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n");
  });

  it("is cut for a huge file, and says how much is missing", () => {
    const { diff } = createChangeSet(ORIGIN, [change("huge.txt", null, "0123456789\n".repeat(100_000))], blobs);
    expect(diff.length).toBeLessThan(300_000);
    expect(diff).toMatch(/\[diff cut: \d+ more lines, \d+ characters, are not shown\]\n$/u);
  });

  it("is cut when all together is too much, and names the files that are missing", () => {
    const changes = Array.from({ length: 30 }, (_, index) =>
      change(`f${String(index).padStart(2, "0")}.txt`, null, `${index}\n`.repeat(80_000)),
    );
    const { diff } = createChangeSet(ORIGIN, changes, blobs);
    expect(diff.length).toBeLessThan(2.2 * 1024 * 1024);
    expect(diff).toMatch(/\[diff cut: \d+ more files are not shown: f\d\d\.txt/u);
  });

  it("says when a content was forgotten", () => {
    const gone: FileChange = { path: "a", before: null, after: { content: { $blob: "0".repeat(64), size: 3 }, mode: 0o644 } };
    expect(createChangeSet(ORIGIN, [gone], blobs).diff).toContain("content was removed");
  });
});

function readOrNull(path: string): string | null {
  const cat = spawnSync("cat", [path]);
  return cat.status === 0 ? cat.stdout.toString("utf8") : null;
}

describe("risk", () => {
  it.each([
    ".vscode/tasks.json",
    ".mcp.json",
    ".claude/settings.json",
    ".bosun/config.json",
    ".github/workflows/ci.yml",
    "AGENTS.md",
    "docs/agents.md",
    "pkg/.vscode/settings.json",
    ".husky/pre-commit",
    "CLAUDE.md",
    ".GitHub/x",
  ])("is high for what others follow: %s", (path) => {
    expect(riskOf([change(path, "1", "2")], blobs)).toMatchObject({ risk: "high", reasons: [expect.stringContaining(path)] });
  });

  it("is high when scripts of a package.json change, and medium when something else in it does", () => {
    const json = (scripts: object | undefined, rest: object = {}): string => JSON.stringify({ name: "x", scripts, ...rest });
    const risk = (before: string | null, after: string | null) => riskOf([change("pkg/package.json", before, after)], blobs);
    expect(risk(json({ test: "a" }), json({ test: "b" })).risk).toBe("high");
    expect(risk(json(undefined), json({ postinstall: "x" })).risk).toBe("high");
    expect(risk(null, json({ postinstall: "x" })).risk).toBe("high");
    expect(risk("{", "{}").risk).toBe("high");
    expect(risk(json({ test: "a" }), json({ test: "a" }, { version: "2" }))).toEqual({
      risk: "medium",
      reasons: ["changes `pkg/package.json`, which decides what is installed"],
    });
    expect(risk(null, json(undefined)).risk).toBe("medium");
  });

  it("is medium for deletions, moves and programs, high for many deletions, low for the rest", () => {
    expect(riskOf([change("a", "x", null)], blobs)).toEqual({ risk: "medium", reasons: ["deletes `a`"] });
    expect(riskOf([change("a", "x", null), change("b", null, "x")], blobs)).toEqual({ risk: "medium", reasons: ["moves `a` to `b`"] });
    expect(riskOf([{ path: "run.sh", before: state("1", 0o755), after: state("2", 0o755) }], blobs).risk).toBe("medium");
    const many = Array.from({ length: 6 }, (_, index) => change(`f${index}`, "x", null));
    expect(riskOf(many, blobs)).toMatchObject({ risk: "high", reasons: expect.arrayContaining(["deletes 6 files"]) });
    expect(riskOf([change("src/hooks/use-x.ts", "1", "2"), change("b", null, "x")], blobs)).toEqual({ risk: "low", reasons: [] });
  });
});

describe("undoing", () => {
  it("turns every change round, and twice gives the same again", () => {
    const changes = [change("a", "1", "2"), change("b", null, "x"), change("c", "x", null)];
    expect(reverseOf(changes)[1]).toEqual({ path: "b", before: changes[1]?.after, after: null });
    expect(reverseOf(reverseOf(changes))).toEqual(changes);
  });

  it("takes several change sets as one, without what ended as it began", () => {
    const sets = [
      [change("a", "1", "2"), change("b", null, "x")],
      [change("a", "2", "3"), change("b", "x", null)],
      [change("c", "1", "2")],
    ];
    expect(combineChanges(sets)).toEqual([change("a", "1", "3"), change("c", "1", "2")]);
  });

  it("does not lose what the person edited between two change sets", async () => {
    const sets = [[change("a", "1", "2")], [change("a", "the person's", "3")]];
    expect(await failureOf(() => combineChanges(sets))).toMatchObject({ code: "conflict", message: expect.stringContaining("`a`") });
  });

  it("leaves out what is as it was before already, and is refused, with names, where somebody's edit would be lost", async () => {
    const { workspace, disk } = fixture({ a: "2", b: "x" });
    const changes = [change("a", "1", "2"), change("b", null, "x"), change("c", "x", null)];
    const paths = (): readonly string[] => revertOntoDisk(workspace, changes, blobs).changes.map(({ path }) => path);
    expect(paths()).toEqual(["a", "b", "c"]);
    disk("c", "x");
    expect(paths()).toEqual(["a", "b"]);
    disk("a", "edited");
    const failure = await failureOf(() => paths());
    expect(failure).toMatchObject({ code: "conflict" });
    expect(failure.message).toMatch(/`a` was edited/u);
  });
});
