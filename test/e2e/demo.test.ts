import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { noTerminal, openPlace, root, snapshot } from "../support/real-program.ts";
import type { Place } from "../support/real-program.ts";

/** What `npm start` runs; npm tells the folder where it was called as INIT_CWD. */
function start(place: Place): { script: string; env: Record<string, string>; cwd: string } {
  return {
    script: join(root, "scripts/start.mjs"),
    cwd: root,
    env: { INIT_CWD: place.workspace, BOSUN_MODEL: "", OPENAI_API_KEY: "", OPENAI_BASE_URL: "" },
  };
}

describe("npm start", () => {
  it("is what package.json says", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> };
    expect(scripts["start"]).toBe("node scripts/start.mjs");
  });

  it.concurrent("without a terminal shows the change set, writes nothing, says how a person decides, and discards the run", async (test) => {
    const place = await openPlace(test, { files: { "mine.txt": "mine\n" } });
    const before = snapshot(place.workspace);
    const examples = snapshot(join(root, "examples"));
    const end = await place.run([], start(place));
    expect(end).toMatchObject({ code: 0, stderr: "" });
    expect(end.stdout).toContain("-  return Math.max(maxMs, baseMs * 2 ** attempt);\n+  return Math.min(maxMs, baseMs * 2 ** attempt);");
    expect(end.stdout).toMatch(/Nothing was written\. A person decides: on a terminal .*only `y` and Enter applies it/);
    expect(end.stdout).toContain("The throw-away run is discarded.");
    expect(end.stdout).toContain("scripted");
    expect(end.stdout).not.toContain("\u001B");
    expect(snapshot(place.workspace)).toEqual(before);
    expect(snapshot(join(root, "examples"))).toEqual(examples);
    expect(existsSync(join(place.home, "demo"))).toBe(false);
    expect(place.requests).toHaveLength(0);
  });

  it.skipIf(noTerminal !== null).concurrent(
    "on a terminal draws the tree, applies after y and Enter, and tells the answer; the copy is gone then",
    async (test) => {
      const place = await openPlace(test, { files: { "mine.txt": "mine\n" } });
      const before = snapshot(place.workspace);
      const examples = snapshot(join(root, "examples"));
      const demo = place.terminal([], start(place));
      await demo.waitFor("Apply these changes?");
      const copied = join(place.home, "demo/workspace/src/backoff.js");
      expect(readFileSync(copied, "utf8")).toContain("Math.max(");
      demo.type("y\r");
      await demo.waitFor("Applied to 4 files:");
      const end = await demo.end;
      expect(end.code, demo.text()).toBe(0);
      expect(demo.text()).toContain("The copy is discarded.");
      expect(demo.text().split("+++ b/src/backoff.js"), "the diff is shown once").toHaveLength(2);
      expect(end.stdout).toContain("\u001B[?25h");
      expect(existsSync(join(place.home, "demo"))).toBe(false);
      expect(snapshot(place.workspace)).toEqual(before);
      expect(snapshot(join(root, "examples"))).toEqual(examples);
    },
  );

  it.skipIf(noTerminal !== null).concurrent("killed with kill -9 goes on where it was when it is started again", async (test) => {
    const place = await openPlace(test);
    const first = place.start([], start(place));
    await first.waitFor("cause done");
    first.kill("SIGKILL");
    const killed = await first.end;
    expect(killed.signal).toBe("SIGKILL");
    const second = place.terminal([], start(place));
    await second.waitFor("An earlier demonstration was left unfinished. It goes on where it was");
    await second.waitFor("Apply these changes?");
    second.type("y\r");
    expect((await second.end).code, second.text()).toBe(0);
    expect(existsSync(join(place.home, "demo"))).toBe(false);
  });

  it.concurrent("with a task runs it on the folder where npm was called", async (test) => {
    const place = await openPlace(test, { files: { "mine.txt": "mine\n" } });
    const { script, cwd } = start(place);
    const end = await place.run(["look around", "--worker", "researcher"], {
      script,
      cwd,
      env: { INIT_CWD: place.workspace, BOSUN_WORKSPACE: "" },
    });
    expect(end.code, end.stderr).toBe(0);
    expect(end.stdout).toContain("Nothing to report.");
    const shown = await place.run(["runs"]);
    expect(shown.stdout).toContain("look around");
  });
});
