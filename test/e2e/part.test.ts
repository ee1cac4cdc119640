/** A person approves a part of a change set, or writes a file themselves: exactly that is applied, and the worker hears of it. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openService } from "../../mcp-server/compose.ts";
import type { RunView } from "../../shared/run-view.ts";
import { call, crew } from "../support/crew-replies.ts";
import { noTerminal, openPlace, type Place } from "../support/real-program.ts";

const LONG = Array.from({ length: 40 }, (_, index) => `line ${index + 1}\n`).join("");
const changing = crew({
  steps: [{ id: "mend", worker: "coder" }],
  turns: {
    coder: [
      call("read_file", { path: "long.txt" }),
      call("edit_file", { path: "long.txt", old_text: "line 5\n", new_text: "five\n" }),
      call("edit_file", { path: "long.txt", old_text: "line 30\n", new_text: "thirty\n" }),
      call("write_file", { path: "new.txt", content: "new\n" }),
    ],
  },
});

const read = (place: Place, path: string): string => readFileSync(join(place.workspace, path), "utf8");
const told = (place: Place): string =>
  place.requests.map(({ body }) => String(body.messages.at(-1)?.content)).find((text) => text.includes("approved a part")) ?? "";

async function opened(test: Parameters<typeof openPlace>[0]): Promise<{ readonly place: Place; readonly run: RunView }> {
  const place = await openPlace(test, { files: { "long.txt": LONG }, reply: changing });
  return { place, run: (await place.run(["run", "mend it", "--json"])).view() };
}

describe("a part of a change set", () => {
  it.skipIf(noTerminal !== null).concurrent(
    "is chosen on a terminal, by files and hunks; the rest stays as it was, and is said",
    async (test) => {
      const { place, run } = await opened(test);
      const approve = place.terminal(["approve", run.approvals[0]?.approval_id ?? ""]);
      await approve.waitFor("Apply these changes?");
      approve.type("p\r");
      await approve.waitFor("long.txt: [y]es / [n]o / numbers of its 2 hunks");
      approve.type("7\r");
      await approve.waitFor("numbers from 1 to 2");
      approve.type("2\r");
      await approve.waitFor("new.txt: [y]es / [n]o");
      approve.type("n\r");
      await approve.waitFor("Apply this part: long.txt (hunk 2)?");
      approve.type("y\r");
      expect((await approve.end).code).toBe(0);
      expect(read(place, "long.txt")).toBe(LONG.replace("line 30\n", "thirty\n"));
      expect(() => read(place, "new.txt")).toThrow(/ENOENT/u);
      expect(told(place)).toContain("Not approved, and as before: `new.txt`");
      const view = (await place.run(["show", run.run_id, "--json"])).view();
      expect(view).toMatchObject({ status: "completed" });
      await place.expectReplay(run.run_id);
      expect((await place.run(["verify"])).code).toBe(0);
      expect((await place.run(["audit"])).stdout).toContain("approved in part on cli (terminal)");
      const revert = place.terminal(["revert", run.run_id]);
      await revert.waitFor("Apply these changes?");
      revert.type("y\r");
      expect((await revert.end).code).toBe(0);
      expect(read(place, "long.txt")).toBe(LONG);
    },
  );

  it.skipIf(noTerminal !== null).concurrent(
    "is named on the command line; a file that is not in it is refused and nothing decided",
    async (test) => {
      const { place, run } = await opened(test);
      const id = run.approvals[0]?.approval_id ?? "";
      const wrong = place.terminal(["approve", id, "--files", "other.txt"]);
      await wrong.waitFor("Apply these changes?");
      wrong.type("y\r");
      const ended = await wrong.end;
      expect([ended.code, ended.stdout]).toEqual([2, expect.stringContaining("is not in the change set")]);
      const right = place.terminal(["approve", id, "--files", "new.txt"]);
      await right.waitFor("Only this would be applied: new.txt");
      right.type("y\r");
      expect((await right.end).code).toBe(0);
      expect([read(place, "long.txt"), read(place, "new.txt")]).toEqual([LONG, "new\n"]);
    },
  );

  it.concurrent("is written by the person themselves; the run's changes say so", async (test) => {
    const { place, run } = await opened(test);
    const service = openService({
      system: { platform: process.platform, env: place.env, homeDir: place.folder },
      workspace: place.workspace,
      folder: place.workspace,
    });
    const [approval] = run.approvals;
    const { digest, divisible } = service.getApproval(approval?.approval_id ?? "");
    expect(divisible).toEqual(["long.txt"]);
    await service.findModels();
    await service.decide(approval?.approval_id ?? "", {
      decision: "approve",
      digest,
      edits: [{ path: "new.txt", content: "mine\n" }],
      channel: "vscode",
      reason: "shorter",
    });
    expect((await service.settled(run.run_id)).status).toBe("completed");
    const { changes = [] } = service.getRun(run.run_id, ["changes"]);
    expect(changes).toHaveLength(1);
    expect(changes[0]?.diff).toContain("+mine");
    expect(changes[0]?.files.map(({ path }) => path)).toEqual(["long.txt", "new.txt"]);
    expect(service.audit({ run_id: run.run_id })).toMatchObject([{ outcome: "approved", amended: true, channel: "vscode", problem: null }]);
    expect(service.verify()).toMatchObject({ ok: true });
    await service.close();
    expect([read(place, "long.txt"), read(place, "new.txt")]).toEqual([
      LONG.replace("line 5\n", "five\n").replace("line 30\n", "thirty\n"),
      "mine\n",
    ]);
    expect(told(place)).toContain("says: shorter.");
  });
});

describe("a file that the person edits while its change waits", () => {
  const theirs = LONG.replace("line 20\n", "twenty, by hand\n");
  const both = theirs.replace("line 5\n", "five\n").replace("line 30\n", "thirty\n");

  it.skipIf(noTerminal !== null).concurrent(
    "is merged, shown once more, and keeps the edit; putting back keeps a later one",
    async (test) => {
      const { place, run } = await opened(test);
      writeFileSync(join(place.workspace, "long.txt"), theirs);
      const approve = place.terminal(["approve", run.approvals[0]?.approval_id ?? ""]);
      await approve.waitFor("Apply these changes?");
      approve.type("y\r");
      await approve.waitFor("merged with what changed meanwhile in `long.txt`");
      await approve.waitFor("Apply these changes?");
      expect(read(place, "long.txt")).toBe(theirs);
      approve.type("y\r");
      expect((await approve.end).code).toBe(0);
      expect(read(place, "long.txt")).toBe(both);
      const { status, changes = [] } = await runOf(place, run.run_id);
      expect([status, ...changes.map((set) => set.status)]).toEqual(["completed", "discarded", "applied"]);
      await place.expectReplay(run.run_id);
      expect((await place.run(["verify"])).code).toBe(0);

      writeFileSync(join(place.workspace, "long.txt"), both.replace("line 38\n", "later\n"));
      const revert = place.terminal(["revert", run.run_id]);
      await revert.waitFor("merged with what changed meanwhile");
      await revert.waitFor("Apply these changes?");
      revert.type("y\r");
      expect((await revert.end).code).toBe(0);
      expect(read(place, "long.txt")).toBe(theirs.replace("line 38\n", "later\n"));
      expect(() => read(place, "new.txt")).toThrow(/ENOENT/u);
    },
  );

  it.skipIf(noTerminal !== null).concurrent(
    "in the same place is the person's: nothing is applied, and the worker reads again",
    async (test) => {
      const { place, run } = await opened(test);
      const edited = LONG.replace("line 5\n", "cinq\n");
      writeFileSync(join(place.workspace, "long.txt"), edited);
      const approve = place.terminal(["approve", run.approvals[0]?.approval_id ?? ""]);
      await approve.waitFor("Apply these changes?");
      approve.type("y\r");
      await approve.end;
      expect(read(place, "long.txt")).toBe(edited);
      expect(() => read(place, "new.txt")).toThrow(/ENOENT/u);
      expect(place.requests.some(({ body }) => String(body.messages.at(-1)?.content).includes("approved but could not be applied"))).toBe(
        true,
      );
    },
  );
});

async function runOf(place: Place, runId: string): Promise<RunView> {
  const service = openService({
    system: { platform: process.platform, env: place.env, homeDir: place.folder },
    workspace: place.workspace,
    folder: place.workspace,
  });
  try {
    return service.getRun(runId, ["changes"]);
  } finally {
    await service.close();
  }
}
