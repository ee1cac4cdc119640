/**
 * What happens where the system refuses. Root is refused nothing, so when the tests run as root a child process takes another user; where that user
 * cannot even read this project (its folder is closed to others), the test is skipped, for nothing could be learned.
 */
import { spawnSync, type SpawnSyncOptionsWithStringEncoding } from "node:child_process";
import { chmodSync, chownSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { fixture, snapshot } from "./fixture.ts";

const NOBODY = 65534;
const CHILD = join(import.meta.dirname, "no-permission-child.ts");
const isRoot = process.getuid?.() === 0;
const options: SpawnSyncOptionsWithStringEncoding = {
  encoding: "utf8",
  env: { PATH: process.env["PATH"] ?? "" },
  ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
};
const canRun =
  process.platform !== "win32" &&
  spawnSync(process.execPath, ["-e", `require("node:fs").readFileSync(${JSON.stringify(CHILD)})`], options).status === 0;

it.skipIf(!canRun)("a file, a folder, a removal that the system refuses: said clearly, and nothing is half done", () => {
  const made = fixture({ "open/a.txt": "a", "readonly/a.txt": "a", "closed/a.txt": "needle", "unreadable.txt": "needle" });
  chmodSync(dirname(made.root), 0o755);
  for (const path of ["open", "readonly", "closed", "open/a.txt", "readonly/a.txt", "closed/a.txt", "unreadable.txt", ".", "../home"])
    if (isRoot) chownSync(join(made.root, path), NOBODY, NOBODY);
  const before = snapshot(made.root);
  chmodSync(join(made.root, "unreadable.txt"), 0);
  chmodSync(join(made.root, "closed"), 0);
  chmodSync(join(made.root, "readonly"), 0o555);
  const child = spawnSync(process.execPath, ["--no-warnings", CHILD, made.root, made.dataDir], options);
  chmodSync(join(made.root, "unreadable.txt"), 0o644);
  chmodSync(join(made.root, "closed"), 0o755);
  chmodSync(join(made.root, "readonly"), 0o755);
  expect(child.stderr).toBe("");
  const results = JSON.parse(child.stdout) as Record<string, { readonly done?: string; readonly code?: string; readonly message?: string }>;
  expect(results["readFile"]).toMatchObject({
    code: "tool_failed",
    message: expect.stringContaining("`unreadable.txt` cannot be read: permission is missing"),
  });
  expect(results["readInFolder"]).toMatchObject({ code: "tool_failed", message: expect.stringContaining("permission is missing") });
  expect(results["listing"]?.done).toContain("[not readable: `closed`]");
  expect(results["search"]?.done).toContain("[not searched: 2 not readable]");
  expect(results["stagingRefused"]).toMatchObject({
    code: "tool_failed",
    message: expect.stringMatching(/`readonly\/new\.txt` could not be written: permission is missing\. Nothing was changed\./u),
  });
  expect(results["removalRefused"]).toMatchObject({
    code: "tool_failed",
    message: expect.stringContaining("`readonly/a.txt` could not be removed: permission is missing. Everything was put back"),
  });
  expect(snapshot(made.root)).toEqual(before);
});
