import { linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isGitInternal, pathParts } from "../../../mcp-server/tools/path-rules.ts";
import { isSecret } from "../../../mcp-server/tools/secrets.ts";
import { createWorkspace } from "../../../mcp-server/tools/workspace.ts";
import { failureOf, fixture, tempFolder } from "../changes/fixture.ts";

describe("a path that a model wrote", () => {
  it.each([
    ["../secret", "`..`"],
    ["a/../../secret", "`..`"],
    ["a/..", "`..`"],
    ["/etc/passwd", "absolute"],
    ["//server/share", "absolute"],
    ["C:/Windows", "absolute"],
    ["C:secret", "absolute"],
    ["~/.bashrc", "`~`"],
    ["~", "`~`"],
    ["~root/x", "`~`"],
    ["a\0b", "NUL"],
    ["a\\..\\b", "backslash"],
    ["a\ud800b", "well-formed"],
    [`${"d/".repeat(2100)}x`, "longer than"],
    ["n".repeat(256), "part longer than"],
    ["ä".repeat(128), "part longer than"],
  ])("is refused as malformed: %j", async (path, why) => {
    const { workspace } = fixture();
    for (const resolve of [workspace.forReading, workspace.forWriting, workspace.forListing]) {
      const failure = await failureOf(() => resolve(path));
      expect(failure.code).toBe("invalid_input");
      expect(failure.message).toContain(why);
    }
  });

  it("is named in the error, with what cannot be seen escaped", async () => {
    const { workspace } = fixture();
    expect((await failureOf(() => workspace.forReading("../x"))).message).toContain("`../x`");
    expect((await failureOf(() => workspace.forReading("/a\u001b[2J\u202e"))).message).toContain('"/a\\u{1b}[2J\\u{202e}"');
  });

  it.each([
    "CON",
    "sub/nul.txt",
    "com1",
    "LPT9.log",
    "aux .c",
    "name.",
    "name ",
    "dir./x",
    "tab\tname",
    "a\nb",
    "rtl\u202ecod.exe",
    "zero\u200fwidth",
  ])("cannot name a new file: %j", async (path) => {
    const { workspace } = fixture();
    expect((await failureOf(() => workspace.forWriting(path))).code).toBe("invalid_input");
  });

  it("may name an existing file that Windows could not have", () => {
    const { workspace, disk } = fixture();
    disk("aux.c", "x");
    expect(workspace.forReading("aux.c").kind).toBe("file");
    expect(workspace.forWriting("aux.c").path).toBe("aux.c");
  });

  it("takes backslashes for separators on Windows alone, and refuses streams and device names there", () => {
    expect(pathParts("a\\b\\.\\c", "win32")).toEqual(["a", "b", "c"]);
    expect(() => pathParts("file.txt:stream", "win32")).toThrow(/colon/u);
    expect(() => pathParts("sub\\con", "win32")).toThrow(/device/u);
    expect(() => pathParts("\\\\server\\share", "win32")).toThrow(/absolute/u);
    expect(() => pathParts("a\\..\\b", "win32")).toThrow(/`\.\.`/u);
  });

  it("loses empty and `.` parts; nothing left is the root", () => {
    const { workspace } = fixture({ "a/b.txt": "x" });
    expect(workspace.forReading("./a//b.txt").path).toBe("a/b.txt");
    expect(workspace.forReading("a/").kind).toBe("folder");
    for (const root of ["", ".", "./"]) expect(workspace.forReading(root).path).toBe(".");
  });

  it("cannot mean the workspace itself when writing", async () => {
    const { workspace } = fixture();
    expect((await failureOf(() => workspace.forWriting("."))).code).toBe("invalid_input");
  });

  it("finds the file of the other Unicode normalisation, and names new files in NFC", () => {
    const { workspace, disk } = fixture();
    const [composed, decomposed] = ["caf\u00e9.txt", "cafe\u0301.txt"];
    disk(decomposed, "x");
    expect(workspace.forReading(composed)).toMatchObject({ path: decomposed, kind: "file" });
    expect(workspace.forWriting("neue\u0301.txt").path).toBe("neu\u00e9.txt");
  });

  it("says what blocks it when a part is a file", () => {
    const { workspace } = fixture({ "a.txt": "x" });
    expect(workspace.forReading("a.txt/b/c")).toMatchObject({ path: "a.txt/b/c", kind: null, blocker: "a.txt" });
  });
});

describe("symbolic links", () => {
  it("are followed for reading while they stay inside, and the answer is the file they lead to", () => {
    const { root, workspace } = fixture({ "real/a.txt": "x" });
    symlinkSync("real/a.txt", join(root, "link.txt"));
    symlinkSync("real", join(root, "linked"));
    expect(workspace.forReading("link.txt").path).toBe("real/a.txt");
    expect(workspace.forReading("linked/a.txt").path).toBe("real/a.txt");
    expect(workspace.forReading("linked/absent.txt")).toMatchObject({ path: "real/absent.txt", kind: null });
  });

  it("that lead out are refused, as file and as parent folder, relative and absolute, through a second link", async () => {
    const { root, workspace } = fixture();
    const outside = tempFolder("outside");
    writeFileSync(join(outside, "secret.txt"), "x");
    symlinkSync(join(outside, "secret.txt"), join(root, "file"));
    symlinkSync(outside, join(root, "folder"));
    symlinkSync("folder", join(root, "second"));
    symlinkSync("../..", join(root, "up"));
    for (const path of ["file", "folder/secret.txt", "folder/new.txt", "second/secret.txt", "up", "up/x"]) {
      const failure = await failureOf(() => workspace.forReading(path));
      expect(failure).toMatchObject({ code: "policy_denied", message: expect.stringContaining(`\`${path}\``) });
    }
  });

  it("are never written through, wherever they lead", async () => {
    const { root, workspace } = fixture({ "real/a.txt": "x" });
    symlinkSync("real/a.txt", join(root, "link.txt"));
    symlinkSync("real", join(root, "linked"));
    symlinkSync("nowhere", join(root, "dangling"));
    for (const path of ["link.txt", "linked/a.txt", "linked/new.txt", "dangling"]) {
      const failure = await failureOf(() => workspace.forWriting(path));
      expect(failure).toMatchObject({ code: "policy_denied", message: expect.stringContaining("symbolic link") });
    }
  });

  it("that lead nowhere or in circles are said to do so", async () => {
    const { root, workspace } = fixture();
    symlinkSync("nowhere", join(root, "dangling"));
    symlinkSync("b", join(root, "a"));
    symlinkSync("a", join(root, "b"));
    expect(await failureOf(() => workspace.forReading("dangling"))).toMatchObject({ code: "not_found" });
    expect(await failureOf(() => workspace.forReading("a"))).toMatchObject({ code: "invalid_input" });
  });

  it("to a secret or into .git do not open them", async () => {
    const { root, workspace } = fixture({ ".env": "KEY=1", ".git/config": "x" });
    symlinkSync(".env", join(root, "harmless.txt"));
    symlinkSync(".git", join(root, "history"));
    expect((await failureOf(() => workspace.forReading("harmless.txt"))).code).toBe("policy_denied");
    expect((await failureOf(() => workspace.forReading("history/config"))).code).toBe("policy_denied");
  });
});

describe("what workers are kept from", () => {
  it.each([
    ".git/config",
    ".GIT/hooks/pre-commit",
    "sub/.git/config",
    ".git",
    ".git./config",
    ".git /x",
    ".g\u200cit/config",
    "git~1/config",
  ])("git's own data is neither read, listed nor written: %j", async (path) => {
    const { workspace } = fixture();
    for (const resolve of [workspace.forReading, workspace.forWriting, workspace.forListing])
      expect((await failureOf(() => resolve(path))).code).toBe("policy_denied");
    expect(isGitInternal(path)).toBe(true);
  });

  it("files that only begin like it are not meant", () => {
    const { workspace } = fixture();
    for (const path of [".gitignore", ".github/workflows/ci.yml", "git/x"]) expect(workspace.forWriting(path).path).toBe(path);
  });

  it("Bosun's data folder is closed when it is inside, also before it exists", async () => {
    const root = tempFolder("root");
    const workspace = createWorkspace({ root, bosunHome: join(root, "data", "bosun"), closed: [join(root, "settings.json")] });
    for (const path of ["data/bosun", "data/bosun/journal.db", "settings.json"]) {
      for (const resolve of [workspace.forReading, workspace.forWriting])
        expect((await failureOf(() => resolve(path))).code).toBe("policy_denied");
      expect(workspace.isClosed(path)).toBe(true);
    }
    expect(workspace.forWriting("data/other").path).toBe("data/other");
  });

  it("Bosun's configuration is read but never written", async () => {
    const { workspace } = fixture({ ".bosun/config.json": "{}" });
    expect(workspace.forReading(".bosun/config.json").kind).toBe("file");
    for (const path of [".bosun/config.json", ".bosun/workers/x.md", ".BOSUN/x"])
      expect((await failureOf(() => workspace.forWriting(path))).code).toBe("policy_denied");
  });

  it.each([
    ".env",
    ".env.local",
    "sub/.ENV.production",
    "server.pem",
    "tls/private.key",
    "id_rsa",
    "id_rsa.pub",
    "id_ed25519",
    ".npmrc",
    "pkg/.npmrc",
    ".netrc",
    ".aws/config",
    "home/.ssh/known_hosts",
    ".docker/config.json",
    ".git-credentials",
    "credentials.json",
    ".aws/credentials",
    "client_secret_1.json",
    "my-service-account.json",
    "secrets.yaml",
    "store.p12",
    "prod.tfvars",
    ".env ",
  ])("a secret is neither read nor written, and the error says what a person can do: %j", async (path) => {
    const { workspace } = fixture();
    for (const resolve of [workspace.forReading, workspace.forWriting]) {
      expect(await failureOf(() => resolve(path))).toMatchObject({
        code: expect.stringMatching(/policy_denied/u),
        message: expect.stringContaining("by a rule"),
      });
    }
    expect(isSecret(path)).toBe(true);
  });

  it.each(["src/environment.ts", "credentials.ts", "src/secrets.ts", "keyboard.ts", "docs/pem.md", "package.json"])(
    "an ordinary file is no secret: %j",
    (path) => {
      expect(isSecret(path)).toBe(false);
    },
  );

  it("staged files of a change set that is being applied are Bosun's", async () => {
    const { workspace } = fixture();
    expect((await failureOf(() => workspace.forReading("src/.bosun-staged-x.0"))).code).toBe("policy_denied");
  });
});

describe("the workspace's root", () => {
  it("must be a folder that is there", async () => {
    const folder = tempFolder("root");
    writeFileSync(join(folder, "file"), "");
    expect((await failureOf(() => createWorkspace({ root: join(folder, "absent"), bosunHome: "/nowhere" }))).code).toBe("invalid_input");
    expect((await failureOf(() => createWorkspace({ root: join(folder, "file"), bosunHome: "/nowhere" }))).code).toBe("invalid_input");
    expect((await failureOf(() => createWorkspace({ root: folder, bosunHome: folder }))).code).toBe("invalid_input");
  });

  it("is known by its canonical path", () => {
    const folder = tempFolder("root");
    mkdirSync(join(folder, "real"));
    symlinkSync("real", join(folder, "link"));
    writeFileSync(join(folder, "real", "a.txt"), "x");
    const workspace = createWorkspace({ root: join(folder, "link"), bosunHome: join(folder, "home") });
    expect(workspace.root).toBe(join(folder, "real"));
    linkSync(join(folder, "real", "a.txt"), join(folder, "real", "b.txt"));
    expect(workspace.forReading("b.txt").path).toBe("b.txt");
  });
});
