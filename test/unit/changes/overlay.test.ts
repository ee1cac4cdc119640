import { chmodSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createOverlay } from "../../../mcp-server/changes/overlay.ts";
import { failureOf, fixture } from "./fixture.ts";

const text = (value: string): Buffer => Buffer.from(value);

describe("the overlay", () => {
  it("lets later reads of the run see what was written, while the disk stays as it is", () => {
    const { overlay, root, saw } = fixture({ "a.txt": "old" });
    overlay.write("a.txt", text("new"), { step: "s1", seen: saw("a.txt") });
    overlay.write("sub/b.txt", text("b"), { step: "s1", seen: {} });
    expect(overlay.read("./a.txt")?.bytes.toString()).toBe("new");
    expect(readFileSync(join(root, "a.txt"), "utf8")).toBe("old");
    expect(overlay.entries(".")).toEqual([
      { name: "a.txt", kind: "file" },
      { name: "sub", kind: "folder" },
    ]);
    expect(overlay.entries("sub")).toEqual([{ name: "b.txt", kind: "file" }]);
    expect(overlay.stat("sub")).toEqual({ path: "sub", kind: "folder" });
  });

  it("hides what was removed", () => {
    const { overlay, saw } = fixture({ "a.txt": "old", "b.txt": "b" });
    overlay.remove("a.txt", { step: "s1", seen: saw("a.txt") });
    expect(overlay.read("a.txt")).toBeNull();
    expect(overlay.entries(".")).toEqual([{ name: "b.txt", kind: "file" }]);
  });

  it("leaves out git's and Bosun's own data of a folder", () => {
    const { overlay } = fixture({ ".git/config": "x", ".bosun-staged-x.0": "x", "a.txt": "x" });
    expect(overlay.entries(".")).toEqual([{ name: "a.txt", kind: "file" }]);
  });

  it("refuses to overwrite or remove what the step has not read", async () => {
    const { overlay } = fixture({ "a.txt": "old" });
    for (const act of [
      () => overlay.write("a.txt", text("x"), { step: "s1", seen: {} }),
      () => overlay.remove("a.txt", { step: "s1", seen: {} }),
      () => overlay.move("a.txt", "b.txt", { step: "s1", seen: {} }),
    ]) {
      expect(await failureOf(act)).toMatchObject({ code: "conflict", message: expect.stringContaining("has not read it") });
    }
    expect(overlay.changesOf("s1")).toEqual([]);
  });

  it("takes no inherited property for a file that was read", async () => {
    const { overlay } = fixture({ constructor: "x" });
    expect((await failureOf(() => overlay.write("constructor", text("y"), { step: "s1", seen: {} }))).code).toBe("conflict");
  });

  it("refuses a write when the person edited the file after the step read it", async () => {
    const { overlay, saw, disk } = fixture({ "a.txt": "old" });
    const seen = saw("a.txt");
    disk("a.txt", "the person's");
    expect(await failureOf(() => overlay.write("a.txt", text("x"), { step: "s1", seen }))).toMatchObject({
      code: "conflict",
      message: expect.stringContaining("read it again"),
    });
    overlay.write("a.txt", text("x"), { step: "s1", seen: saw("a.txt") });
  });

  it("refuses a write when the person edited the file after the run first changed it, and lets the step begin anew", async () => {
    const { overlay, saw, disk } = fixture({ "a.txt": "old" });
    const first = overlay.write("a.txt", text("mine"), { step: "s1", seen: saw("a.txt") });
    disk("a.txt", "the person's");
    const seen = saw("a.txt");
    expect(await failureOf(() => overlay.write("a.txt", text("mine 2"), { step: "s1", seen }))).toMatchObject({ code: "conflict" });
    const dropped = overlay.dropStale("a.txt", "s1");
    expect(dropped).toMatchObject({ path: "a.txt", before: dropped?.after });
    expect(overlay.read("a.txt")?.bytes.toString()).toBe("the person's");
    expect(overlay.changesOf("s1")).toEqual([]);
    const again = overlay.write("a.txt", text("mine 2"), { step: "s1", seen: saw("a.txt") });
    expect(again.before).not.toEqual(first.before);
  });

  it("counts a changed mode and a deletion on the disk as the person's edits", async () => {
    const { overlay, saw, root } = fixture({ "a.txt": "old", "b.txt": "old" });
    overlay.write("a.txt", text("mine"), { step: "s1", seen: saw("a.txt") });
    overlay.write("b.txt", text("mine"), { step: "s1", seen: saw("b.txt") });
    chmodSync(join(root, "a.txt"), 0o755);
    rmSync(join(root, "b.txt"));
    for (const path of ["a.txt", "b.txt"])
      expect((await failureOf(() => overlay.write(path, text("2"), { step: "s1", seen: saw(path) }))).code).toBe("conflict");
    expect(overlay.dropStale("a.txt", "s2")).toBeNull();
    expect(overlay.dropStale("b.txt", "s1")?.after).toBeNull();
  });

  it("says that a file appeared which the step saw absent", async () => {
    const { overlay, disk } = fixture();
    disk("a.txt", "the person's");
    expect(await failureOf(() => overlay.write("a.txt", text("x"), { step: "s1", seen: { "a.txt": null } }))).toMatchObject({
      code: "conflict",
      message: expect.stringContaining("was created"),
    });
  });

  it("gives a file to the step that changed it until that is applied or discarded", async () => {
    const { overlay, saw } = fixture({ "a.txt": "old" });
    overlay.write("a.txt", text("mine"), { step: "coder", seen: saw("a.txt") });
    const other = () => overlay.write("a.txt", text("other's"), { step: "writer", seen: saw("a.txt") });
    expect(await failureOf(other)).toMatchObject({ code: "conflict", message: expect.stringContaining("`coder`") });
    overlay.discard("coder");
    other();
    expect(overlay.changesOf("writer")).toHaveLength(1);
  });

  it("keeps `before` as it was at the first touch, and forgets it when the change is applied", () => {
    const { overlay, saw, disk } = fixture({ "a.txt": "one" });
    const first = overlay.write("a.txt", text("two"), { step: "s1", seen: saw("a.txt") });
    const second = overlay.write("a.txt", text("three"), { step: "s1", seen: saw("a.txt") });
    expect(second.before).toEqual(first.before);
    disk("a.txt", "three");
    overlay.settle("s1");
    expect(overlay.changesOf("s1")).toEqual([]);
    expect(overlay.write("a.txt", text("four"), { step: "s1", seen: saw("a.txt") }).before).toEqual(second.after);
  });

  it("forgets a change that returns to what was there", () => {
    const { overlay, saw } = fixture({ "a.txt": "one" });
    overlay.write("a.txt", text("two"), { step: "s1", seen: saw("a.txt") });
    overlay.write("a.txt", text("one"), { step: "s1", seen: saw("a.txt") });
    overlay.write("new.txt", text("x"), { step: "s1", seen: {} });
    overlay.remove("new.txt", { step: "s1", seen: saw("new.txt") });
    expect(overlay.changesOf("s1")).toEqual([]);
  });

  it("lets no file be where a folder is, and the other way round, on the disk and in the overlay", async () => {
    const { overlay, saw } = fixture({ file: "x", "folder/a.txt": "x" });
    const by = { step: "s1", seen: saw("file", "folder/a.txt") };
    overlay.write("made/deep/x", text("x"), by);
    overlay.write("plain", text("x"), by);
    for (const path of ["folder", "file/below", "made", "made/deep", "plain/below"]) {
      expect(await failureOf(() => overlay.write(path, text("y"), by))).toMatchObject({
        code: "invalid_input",
        message: expect.stringContaining(path),
      });
    }
    overlay.remove("file", by);
    expect((await failureOf(() => overlay.write("file/below", text("y"), by))).code).toBe("invalid_input");
  });

  it("moves bytes and mode to a free name only", async () => {
    const { overlay, saw, disk, blobs } = fixture({ "taken.txt": "x" });
    disk("run.sh", "#!/bin/sh\r\n", 0o755);
    const by = { step: "s1", seen: saw("run.sh") };
    expect((await failureOf(() => overlay.move("run.sh", "taken.txt", by))).code).toBe("invalid_input");
    expect((await failureOf(() => overlay.move("absent.sh", "b.sh", by))).code).toBe("not_found");
    expect((await failureOf(() => overlay.move("run.sh", "run.sh/x", by))).code).toBe("invalid_input");
    expect((await failureOf(() => overlay.move("run.sh", "run.sh", by))).code).toBe("invalid_input");
    const [removal, creation] = overlay.move("run.sh", "bin/go.sh", by);
    expect(removal).toMatchObject({ path: "run.sh", before: { mode: 0o755 }, after: null });
    expect(creation).toMatchObject({ path: "bin/go.sh", before: null, after: { mode: 0o755 } });
    expect(blobs.get(creation.after?.content.$blob ?? "").toString()).toBe("#!/bin/sh\r\n");
  });

  it("keeps the mode of what it rewrites, and gives new files 0o644", () => {
    const { overlay, saw, disk } = fixture();
    disk("run.sh", "a", 0o750);
    expect(overlay.write("run.sh", text("b"), { step: "s1", seen: saw("run.sh") }).after?.mode).toBe(0o750);
    expect(overlay.write("new.sh", text("b"), { step: "s1", seen: {} }).after?.mode).toBe(0o644);
  });

  it("is the same when it is rebuilt from its changes", () => {
    const { overlay, saw, workspace, blobs } = fixture({ "a.txt": "a", "b.txt": "b" });
    const written = [
      overlay.write("a.txt", text("1"), { step: "s1", seen: saw("a.txt") }),
      overlay.write("a.txt", text("2"), { step: "s1", seen: saw("a.txt") }),
      ...overlay.move("b.txt", "c.txt", { step: "s1", seen: saw("b.txt") }),
      overlay.write("d.txt", text("d"), { step: "s1", seen: {} }),
      overlay.remove("d.txt", { step: "s1", seen: saw("d.txt") }),
    ];
    const rebuilt = createOverlay({ workspace, blobs });
    for (const change of written) rebuilt.apply("s1", change);
    expect(rebuilt.changesOf("s1")).toEqual(overlay.changesOf("s1"));
    expect(rebuilt.changesOf("s1").map((change) => change.path)).toEqual(["a.txt", "b.txt", "c.txt"]);
  });
});
