/** Run as a process of its own, to be killed: `apply-child.ts apply|probe <case file>`; prints the outcome as JSON. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { applyChanges, probeApply } from "../../../mcp-server/changes/apply.ts";
import { createWorkspace } from "../../../mcp-server/tools/workspace.ts";
import { toErrorValue } from "../../../shared/errors.ts";

const [, , verb, file = ""] = process.argv;
const { root, dataDir, changes, contents } = JSON.parse(readFileSync(file, "utf8"));
const blobs = new Map<string, Buffer>(
  contents.map((text: string) => {
    const bytes = Buffer.from(text, "base64");
    return [createHash("sha256").update(bytes).digest("hex"), bytes];
  }),
);
const store = {
  put: () => {
    throw new Error("not needed");
  },
  get: (hash: string) => blobs.get(hash) ?? Buffer.alloc(0),
  has: (hash: string) => blobs.has(hash),
};
const request = {
  workspace: createWorkspace({ root, bosunHome: dataDir }),
  blobs: store,
  dataDir,
  assertOwner: () => undefined,
  changeSetId: "chg_1",
  changes,
};
try {
  process.stdout.write(JSON.stringify(verb === "probe" ? probeApply(request) : { state: "done", output: applyChanges(request) }));
} catch (error) {
  process.stdout.write(JSON.stringify({ state: "threw", error: toErrorValue(error) }));
}
