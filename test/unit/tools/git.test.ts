import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findProgram } from "../../../mcp-server/tools/find-program.ts";
import { openGit, resolveRevision } from "../../../mcp-server/tools/git.ts";
import { type Fixture, failureOf, fixture, tempFolder } from "../changes/fixture.ts";
import { caller } from "./call.ts";

const PERSON = {
  GIT_AUTHOR_NAME: "Ann",
  GIT_AUTHOR_EMAIL: "a@example.org",
  GIT_COMMITTER_NAME: "Ann",
  GIT_COMMITTER_EMAIL: "a@example.org",
  GIT_AUTHOR_DATE: "2024-01-02T03:04:05Z",
  GIT_COMMITTER_DATE: "2024-01-02T03:04:05Z",
};

function git(cwd: string, ...args: string[]): string {
  const env = { PATH: process.env["PATH"] ?? "", GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1", ...PERSON };
  return execFileSync("git", ["-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main", ...args], {
    cwd,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** A repository with one commit of the given files. */
function repository(files: Record<string, string>): Fixture {
  const made = fixture(files);
  git(made.root, "init", "-q");
  git(made.root, "add", "-A", "-f");
  git(made.root, "commit", "-q", "--allow-empty", "-m", "first");
  return made;
}

describe("git_diff", () => {
  it("shows what differs from the last commit, and what is new to git", async () => {
    const made = repository({ "a.txt": "one\ntwo\n", "b.txt": "b\n" });
    made.disk("a.txt", "one\n2\n");
    made.disk("new file.txt", "x");
    const text = await caller(made)("git_diff", {});
    expect(text).toContain("--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n");
    expect(text).not.toContain("b.txt");
    expect(text).toContain("[new to git: `new file.txt`]");
  });

  it("compares with a commit, a branch, or two of them", async () => {
    const made = repository({ "a.txt": "1\n" });
    made.disk("a.txt", "2\n");
    git(made.root, "commit", "-qam", "second");
    git(made.root, "branch", "feature/x");
    const call = caller(made);
    expect(await call("git_diff", {})).toBe("No differences to HEAD.");
    for (const ref of ["HEAD~1", "feature/x~1", "HEAD~1..feature/x", "HEAD~1...", "main@{0}^"])
      expect(await call("git_diff", { ref })).toContain("-1\n+2\n");
  });

  it.each([
    "--output=pwned",
    "-o",
    "--help",
    "HEAD --output=pwned",
    "HEAD:.env",
    ":/first",
    "absent",
    "a..b..c",
    "$(touch pwned)",
    "HEAD\n--output=pwned",
    "^HEAD",
    "x".repeat(300),
  ])("takes no option and no malformed revision for a ref: %j", async (ref) => {
    const made = repository({ "a.txt": "1\n", ".env": "KEY=1\n" });
    expect((await failureOf(() => caller(made)("git_diff", { ref }))).code).toBe("invalid_input");
    expect(existsSync(join(made.root, "pwned"))).toBe(false);
  });

  it("never shows secrets, not even from history, nor when one was renamed", async () => {
    const made = repository({
      ".env": "KEY=old-secret\n",
      "conf/server.pem": "old-secret\n",
      "weird[1]/.env.local": "old-secret\n",
      "a.txt": "1\n",
    });
    made.disk(".env", "KEY=new-secret\n");
    made.disk("conf/server.pem", "new-secret\n");
    made.disk("weird[1]/.env.local", "new-secret\n");
    made.disk("a.txt", "2\n");
    const call = caller(made);
    const text = await call("git_diff", {});
    expect(text).toContain("+2");
    expect(text).not.toContain("secret\n");
    expect(text).toContain("[left out: `.env`, `conf/server.pem`, `weird[1]/.env.local`, which may hold secrets]");
    git(made.root, "commit", "-qam", "secrets");
    rmSync(join(made.root, ".env"));
    expect(await call("git_diff", { ref: "HEAD~1" })).not.toContain("secret\n");
  });

  it("says that there is no repository, no commit, no git", async () => {
    const made = fixture({ "a.txt": "1" });
    expect(await failureOf(() => caller(made)("git_diff", {}))).toMatchObject({
      code: "not_found",
      message: expect.stringContaining("not in a git repository"),
    });
    git(made.root, "init", "-q");
    expect(await caller(made)("git_diff", {})).toBe("The repository has no commit yet.\n[new to git: `a.txt`]");
    expect(await caller(made)("git_log", {})).toBe("The repository has no commit yet.");
    expect(findProgram("git", made.root, "")).toBeNull();
  });

  it("stays in the workspace when that is a part of a repository", async () => {
    const outer = repository({ "private.txt": "1\n", "pkg/a.txt": "1\n" });
    outer.disk("private.txt", "2\n");
    outer.disk("pkg/a.txt", "2\n");
    const inner = { ...outer, root: join(outer.root, "pkg") };
    const { createWorkspace } = await import("../../../mcp-server/tools/workspace.ts");
    const workspace = createWorkspace({ root: inner.root, bosunHome: outer.dataDir });
    const text = await caller({ ...outer, context: (options) => ({ ...outer.context(options), workspace }) })("git_diff", {});
    expect(text).toContain("+++ b/a.txt");
    expect(text).not.toContain("private");
  });

  it("does not change the repository: no index is refreshed, no lock is taken", async () => {
    const made = repository({ "a.txt": "1\n" });
    const before = execFileSync("sha256sum", [join(made.root, ".git/index")], { encoding: "utf8" });
    made.disk("a.txt", "1\n");
    writeFileSync(join(made.root, ".git/index.lock"), "");
    await caller(made)("git_diff", {});
    expect(execFileSync("sha256sum", [join(made.root, ".git/index")], { encoding: "utf8" })).toBe(before);
  });
});

describe("git_log", () => {
  it("shows commits, newest first, of a path if one is given", async () => {
    const made = repository({ "a.txt": "1\n" });
    made.disk("b.txt", "1\n");
    git(made.root, "add", "-A");
    git(made.root, "commit", "-qm", "second \u001b[31m subject");
    const call = caller(made);
    const [head, second, first] = (await call("git_log", {})).split("\n");
    expect(head).toBe("Last commits, newest first");
    expect(second).toMatch(/^[0-9a-f]{7,} {2}2024-01-02T03:04:05(?:Z|\+00:00) {2}Ann {2}second \\u\{1b\}\[31m subject$/u);
    expect(first).toContain("first");
    expect(await call("git_log", { path: "a.txt" })).not.toContain("second");
    expect(await call("git_log", { path: "*.txt" })).toBe("No commits that changed `*.txt`.");
    expect(await call("git_log", { limit: 1 })).toContain("[cut: only the last 1 commits are shown; raise limit for more]");
    for (const path of ["../x", ".env"])
      expect(["invalid_input", "policy_denied"]).toContain((await failureOf(() => call("git_log", { path }))).code);
  });
});

describe("a hostile repository", () => {
  /** A program that leaves a mark when it is run. */
  function trap(): { readonly command: string; readonly sprung: () => boolean } {
    const folder = tempFolder("trap");
    const [program, mark] = [join(folder, "run"), join(folder, "mark")];
    writeFileSync(program, `#!/bin/sh\ntouch '${mark}'\nexit 0\n`);
    chmodSync(program, 0o755);
    return { command: program, sprung: () => existsSync(mark) };
  }

  /** Runs plain git, to prove that the trap would spring. */
  function plain(root: string, ...args: string[]): void {
    spawnSync("git", args, {
      cwd: root,
      env: { PATH: process.env["PATH"] ?? "", HOME: root, GIT_CONFIG_NOSYSTEM: "1" },
      input: "",
      timeout: 5000,
    });
  }

  async function useAll(made: Fixture): Promise<void> {
    const call = caller(made);
    for (const [tool, args] of [
      ["git_diff", {}],
      ["git_diff", { ref: "HEAD~0" }],
      ["git_log", {}],
      ["git_log", { path: "a.txt" }],
    ] as const)
      await call(tool, args);
  }

  const CONFIGS: readonly (readonly [string, (command: string) => Record<string, string>, string, readonly string[]])[] = [
    ["an external diff", (command) => ({ "diff.external": command }), "", ["diff"]],
    ["a diff driver", (command) => ({ "diff.evil.command": command }), "* diff=evil\n", ["diff"]],
    ["a textconv", (command) => ({ "diff.evil.textconv": command }), "* diff=evil\n", ["diff"]],
    ["a clean filter", (command) => ({ "filter.evil.clean": command }), "* filter=evil\n", ["diff"]],
    [
      "a required clean filter with an odd name",
      (command) => ({ "filter.e=vil.clean": command, "filter.e=vil.required": "true" }),
      "* filter=e=vil\n",
      ["diff"],
    ],
    ["a process filter", (command) => ({ "filter.evil.process": command, "filter.evil.clean": command }), "* filter=evil\n", ["diff"]],
    ["a file system monitor", (command) => ({ "core.fsmonitor": command }), "", ["diff"]],
    ["an order file that is not there, and so make git fail", () => ({ "diff.orderFile": "/absent" }), "", []],
    ["a pager", (command) => ({ "core.pager": command, "pager.diff": command, "pager.log": command }), "", []],
    ["a signature check", (command) => ({ "log.showSignature": "true", "gpg.program": command }), "", []],
  ];
  it.each(CONFIGS)("cannot run a program by %s", async (_, config, attributes, proof) => {
    const made = repository({ "a.txt": "1\n" });
    const { command, sprung } = trap();
    for (const [key, value] of Object.entries(config(command))) git(made.root, "config", key, value);
    if (attributes !== "") made.disk(".gitattributes", attributes);
    made.disk("a.txt", "2\n");
    await useAll(made);
    expect(sprung()).toBe(false);
    if (proof.length > 0) {
      plain(made.root, ...proof);
      expect(sprung(), "the trap works without hardening").toBe(true);
    }
  });

  it("cannot run a program by an included configuration", async () => {
    const made = repository({ "a.txt": "1\n" });
    const { command, sprung } = trap();
    writeFileSync(join(made.root, "more.cfg"), `[filter "evil"]\n\tclean = ${command}\n`);
    git(made.root, "config", "include.path", "../more.cfg");
    made.disk(".gitattributes", "*.txt filter=evil\n");
    made.disk("a.txt", "2\n");
    await useAll(made);
    expect(sprung()).toBe(false);
    plain(made.root, "diff");
    expect(sprung(), "the trap works without hardening").toBe(true);
  });

  it("cannot run a program by hooks", async () => {
    const made = repository({ "a.txt": "1\n" });
    const { command, sprung } = trap();
    mkdirSync(join(made.root, ".git/hooks"), { recursive: true });
    for (const hook of ["post-index-change", "pre-commit", "post-checkout"]) symlinkSync(command, join(made.root, ".git/hooks", hook));
    git(made.root, "update-index", "--refresh");
    made.disk("a.txt", "1\n");
    rmSync(join(made.root, ".git/hooks/pre-commit"));
    const mark = sprung();
    await useAll(made);
    expect(sprung()).toBe(mark);
  });

  it("cannot run a program by a submodule's own configuration", async () => {
    const inner = repository({ "s.txt": "1\n" });
    const made = repository({ "a.txt": "1\n" });
    git(made.root, "submodule", "add", "-q", inner.root, "sub");
    git(made.root, "commit", "-qm", "submodule");
    const { command, sprung } = trap();
    git(join(made.root, "sub"), "config", "filter.inner.clean", command);
    made.disk("sub/.gitattributes", "* filter=inner\n");
    git(made.root, "config", "diff.submodule", "diff");
    made.disk("sub/s.txt", "2\n");
    await useAll(made);
    expect(sprung()).toBe(false);
    plain(made.root, "diff");
    expect(sprung(), "the trap works without hardening").toBe(true);
  });

  it("cannot fetch what it lacks", async () => {
    const made = repository({ "a.txt": "1\n" });
    const { command, sprung } = trap();
    made.disk("a.txt", "2\n");
    const blob = git(made.root, "rev-parse", "HEAD:a.txt").trim();
    for (const [key, value] of Object.entries({
      "core.repositoryFormatVersion": "1",
      "extensions.partialClone": "evil",
      "remote.evil.promisor": "true",
      "remote.evil.url": `ext::${command}`,
      "protocol.ext.allow": "always",
    }))
      git(made.root, "config", key, value);
    rmSync(join(made.root, ".git/objects", blob.slice(0, 2), blob.slice(2)));
    expect((await failureOf(() => caller(made)("git_diff", {}))).code).toBe("tool_failed");
    expect(sprung()).toBe(false);
    plain(made.root, "diff");
    expect(sprung(), "the trap works without hardening").toBe(true);
  });

  it("cannot show files outside by pointing its work tree elsewhere", async () => {
    const outside = tempFolder("outside");
    writeFileSync(join(outside, "a.txt"), "outside\n");
    const made = repository({ "a.txt": "1\n" });
    git(made.root, "config", "core.worktree", outside);
    const text = await failureOf(() => caller(made)("git_diff", {}));
    expect(text.code).toMatch(/not_found|tool_failed/u);
    expect(text.message).not.toContain("outside\n");
  });

  it("cannot bring its own git, and the person's variables play no part", async () => {
    const made = repository({ "a.txt": "1\n" });
    const { command, sprung } = trap();
    mkdirSync(join(made.root, "bin"));
    symlinkSync(command, join(made.root, "bin", "git"));
    const path = process.env["PATH"];
    process.env["PATH"] = `${join(made.root, "bin")}:bin:.:${path}`;
    process.env["GIT_EXTERNAL_DIFF"] = command;
    process.env["GIT_DIR"] = "/nowhere";
    try {
      made.disk("a.txt", "2\n");
      expect(await caller(made)("git_diff", {})).toContain("+2");
    } finally {
      process.env["PATH"] = path;
      delete process.env["GIT_EXTERNAL_DIFF"];
      delete process.env["GIT_DIR"];
    }
    expect(sprung()).toBe(false);
  });

  it("is stopped when the call is cancelled", async () => {
    const made = repository({ "a.txt": "1\n" });
    const controller = new AbortController();
    controller.abort();
    expect((await failureOf(() => caller(made)("git_diff", {}, { signal: controller.signal }))).code).toBe("cancelled");
  });
});

it("a revision becomes object ids, so nothing of the model's text reaches a command that takes options", async () => {
  const made = repository({ "a.txt": "1\n" });
  const opened = await openGit(made.root, new AbortController().signal);
  expect(await resolveRevision(opened, "HEAD")).toMatch(/^[0-9a-f]{40}$/u);
  expect(await resolveRevision(opened, "HEAD..HEAD")).toMatch(/^[0-9a-f]{40}\.\.[0-9a-f]{40}$/u);
});
