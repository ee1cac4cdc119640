import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type ApplyRequest, applyChanges, probeApply } from "../../../mcp-server/changes/apply.ts";
import { forgetApplied } from "../../../mcp-server/changes/manifest.ts";
import { reverseOf } from "../../../mcp-server/changes/revert.ts";
import { applyCase } from "./apply-case.ts";
import { failureOf, snapshot } from "./fixture.ts";

const APPLIED = {
  "keep.txt": "644 untouched",
  "new/": "folder",
  "new/c.bin": "640 \0\u0001",
  "new/deep/": "folder",
  "new/deep/b.ts": "644 ï»¿b",
  "run.sh": "755 #!/bin/sh\necho\n",
  "src/": "folder",
  "src/a.ts": "644 a\r\nnew\r\n",
  "src/new.ts": "644 new",
};

describe("applying a change set", () => {
  it("brings every file to its new bytes and mode, and gives a receipt with hashes", () => {
    const { made, request } = applyCase();
    const receipt = applyChanges(request);
    expect(snapshot(made.root)).toEqual(APPLIED);
    expect(receipt).toMatchObject({ change_set_id: "chg_1", folders: ["new", "new/deep"] });
    expect(receipt.files.map(({ path, action }) => `${action} ${path}`)).toEqual([
      "create new/c.bin",
      "create new/deep/b.ts",
      "modify run.sh",
      "modify src/a.ts",
      "delete src/gone.ts",
      "create src/new.ts",
    ]);
    const [, , script] = receipt.files;
    expect(script).toMatchObject({
      before_mode: 0o755,
      after_mode: 0o755,
      before_hash: request.changes[3]?.before?.content.$blob,
      after_hash: request.changes[3]?.after?.content.$blob,
    });
  });

  it("leaves the folder when its last file is deleted", () => {
    const { made, request } = applyCase();
    made.disk("lonely/x", "x", 0o644);
    applyChanges({
      ...request,
      changes: [{ path: "lonely/x", before: { content: made.blobs.put(Buffer.from("x")), mode: 0o644 }, after: null }],
    });
    expect(snapshot(made.root)["lonely/"]).toBe("folder");
  });

  it("is done once: asked again, it gives the same receipt and touches nothing", () => {
    const { made, request } = applyCase();
    const receipt = applyChanges(request);
    made.disk("src/a.ts", "edited later");
    expect(applyChanges(request)).toEqual(receipt);
    expect(probeApply(request)).toEqual({ state: "done", output: receipt });
    expect(snapshot(made.root)["src/a.ts"]).toBe("644 edited later");
    forgetApplied(request);
    expect(readdirSync(join(made.dataDir, "applying"))).toEqual([]);
  });

  it("refuses an id that cannot be a file name", async () => {
    const { request } = applyCase();
    for (const changeSetId of ["../x", "", "a/b", "x".repeat(101)])
      expect((await failureOf(() => applyChanges({ ...request, changeSetId }))).code).toBe("internal");
  });

  const EDITS: readonly (readonly [string, (root: string) => void, string])[] = [
    ["a file was edited", (root) => writeFileSync(join(root, "src/a.ts"), "mine"), "`src/a.ts` was edited"],
    ["a mode was changed", (root) => chmodSync(join(root, "run.sh"), 0o700), "the mode of `run.sh` was changed"],
    ["a file is gone", (root) => rmSync(join(root, "src/a.ts")), "`src/a.ts` is gone"],
    ["a file to be deleted was edited", (root) => writeFileSync(join(root, "src/gone.ts"), "mine"), "`src/gone.ts` was edited"],
    ["a new file exists already", (root) => writeFileSync(join(root, "src/new.ts"), "mine"), "`src/new.ts` exists now"],
    [
      "a new file exists already, with the same content",
      (root) => writeFileSync(join(root, "src/new.ts"), "new", { mode: 0o644 }),
      "`src/new.ts` has the new content already",
    ],
    ["a folder took the name", (root) => mkdirSync(join(root, "src/new.ts")), "`src/new.ts` is a folder now"],
    ["a parent folder became a link", (root) => symlinkSync("src", join(root, "new")), "symbolic link"],
  ];
  it.each(EDITS)("changes nothing when %s", async (_, edit, why) => {
    const { made, request } = applyCase();
    edit(made.root);
    const before = snapshot(made.root);
    const failure = await failureOf(() => applyChanges(request));
    expect(failure).toMatchObject({ code: "conflict", message: expect.stringContaining(why) });
    expect(snapshot(made.root)).toEqual(before);
    expect(existsSync(join(made.dataDir, "applying", "chg_1.json"))).toBe(false);
  });

  it("refuses a path that workers may not write, whatever the change set says", async () => {
    const { made, request } = applyCase();
    for (const path of [".git/hooks/pre-commit", "../out.txt", ".bosun/config.json", ".env"]) {
      const changes = [{ path, before: null, after: { content: made.blobs.put(Buffer.from("x")), mode: 0o755 } }];
      expect((await failureOf(() => applyChanges({ ...request, changes }))).code).toBe("conflict");
    }
  });

  it("refuses content that is not what its hash says", async () => {
    const { made, request } = applyCase();
    const before = snapshot(made.root);
    const blobs: ApplyRequest["blobs"] = { ...made.blobs, get: () => Buffer.from("something else") };
    expect((await failureOf(() => applyChanges({ ...request, blobs }))).code).toBe("internal");
    expect(snapshot(made.root)).toEqual(before);
  });
});

describe("probing", () => {
  it("finds an untouched workspace not started, and cleans up staged files", () => {
    const { made, request } = applyCase();
    const before = snapshot(made.root);
    made.disk("src/.bosun-staged-chg_1.0", "half");
    made.disk("src/.bosun-staged-chg_10.0", "another change set's");
    expect(probeApply(request)).toEqual({ state: "not_started" });
    expect(snapshot(made.root)).toEqual({ ...before, "src/.bosun-staged-chg_10.0": expect.anything() });
  });

  it("takes files that are all at their new content for done, even without a record", () => {
    const { request } = applyCase();
    const receipt = applyChanges(request);
    forgetApplied(request);
    expect(probeApply(request)).toMatchObject({ state: "done", output: { files: receipt.files } });
  });

  it("says that nothing was applied when the person edited a file meanwhile", () => {
    const { made, request } = applyCase();
    made.disk("src/a.ts", "mine");
    const before = snapshot(made.root);
    expect(probeApply(request)).toMatchObject({ state: "failed", error: { code: "conflict" } });
    expect(snapshot(made.root)).toEqual(before);
  });

  it("leaves a damaged record to a person", () => {
    const { made, request } = applyCase();
    mkdirSync(join(made.dataDir, "applying"));
    writeFileSync(join(made.dataDir, "applying", "chg_1.json"), "{");
    expect(probeApply(request)).toMatchObject({ state: "uncertain", why: expect.stringContaining("damaged") });
  });
});

describe("reverting", () => {
  it("puts back bytes, modes, deleted and created files, and the folders that were made", () => {
    const { made, request } = applyCase();
    const before = snapshot(made.root);
    const receipt = applyChanges(request);
    applyChanges({ ...request, changeSetId: "chg_2", changes: reverseOf(request.changes), prune: receipt.folders });
    expect(snapshot(made.root)).toEqual(before);
  });

  it("leaves a folder in which somebody put something", () => {
    const { made, request } = applyCase();
    const receipt = applyChanges(request);
    made.disk("new/mine.txt", "mine");
    applyChanges({ ...request, changeSetId: "chg_2", changes: reverseOf(request.changes), prune: receipt.folders });
    expect(snapshot(made.root)).toMatchObject({ "new/mine.txt": expect.stringContaining("mine") });
    expect(snapshot(made.root)).not.toHaveProperty("new/deep/");
  });
});
