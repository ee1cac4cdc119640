/** Kills a real process at every failpoint of an application, and looks at what the next one makes of it. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type ApplyProbe, applyChanges, probeApply } from "../../../mcp-server/changes/apply.ts";
import { type ApplyCase, applyCase } from "./apply-case.ts";
import { snapshot } from "./fixture.ts";

const CHILD = join(import.meta.dirname, "apply-child.ts");

function child(verb: "apply" | "probe", at: ApplyCase, env: Record<string, string>): { signal: string | null; outcome: ApplyProbe | null } {
  const result = spawnSync(process.execPath, ["--no-warnings", CHILD, verb, at.file], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    encoding: "utf8",
  });
  if (result.signal === null && result.status !== 0) throw new Error(result.stderr);
  return { signal: result.signal, outcome: result.stdout === "" ? null : (JSON.parse(result.stdout) as ApplyProbe) };
}

/** Every failpoint that `verb` passes, as `<name>:<n>`. */
function passed(verb: "apply" | "probe", at: ApplyCase): string[] {
  const log = join(at.made.dataDir, "failpoints.log");
  child(verb, at, { BOSUN_FAILPOINT_LOG: log });
  const counts = new Map<string, number>();
  return readFileSync(log, "utf8")
    .trim()
    .split("\n")
    .map((name) => {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      return `${name}:${counts.get(name)}`;
    });
}

function killedAt(point: string, verb: "apply" | "probe" = "apply", at: ApplyCase = applyCase()): ApplyCase {
  expect(child(verb, at, { BOSUN_FAILPOINT: point }).signal).toBe("SIGKILL");
  return at;
}

function isOpen(at: ApplyCase): boolean {
  return existsSync(join(at.made.dataDir, "applying", "chg_1.json"));
}

describe("a process killed while it applies a change set", () => {
  it(
    "leaves a change set that is wholly applied or wholly not, at every failpoint, once another process looks",
    { timeout: 120_000 },
    () => {
      const whole = applyCase();
      const [before, points] = [snapshot(whole.made.root), passed("apply", whole)];
      const after = snapshot(whole.made.root);
      expect(new Set(points.map((point) => point.split(":")[0]))).toEqual(
        new Set(
          [
            "before-check",
            "before-stage",
            "after-stage",
            "before-manifest",
            "after-manifest",
            "before-folder",
            "after-folder",
            "before-rename",
            "linked",
            "after-rename",
            "before-manifest-removal",
            "after-manifest-removal",
          ].map((name) => `apply.${name}`),
        ),
      );
      const outcomes: Record<string, string> = {};
      for (const point of points) {
        const at = killedAt(point);
        const committed = isOpen(at);
        const probe = probeApply(at.request);
        outcomes[point] = probe.state;
        if (probe.state === "not_started") {
          expect(committed, point).toBe(false);
          expect(snapshot(at.made.root), point).toEqual(before);
          applyChanges(at.request);
        } else {
          expect(probe.state, point).toBe("done");
        }
        expect(snapshot(at.made.root), point).toEqual(after);
        expect(isOpen(at), point).toBe(false);
        expect(readdirSync(join(at.made.dataDir, "applying")), point).toEqual(["chg_1.done.json"]);
      }
      expect(outcomes["apply.before-manifest:1"]).toBe("not_started");
      expect(outcomes["apply.after-manifest:1"]).toBe("done");
    },
  );

  it("may be killed again while it recovers, at every failpoint", { timeout: 120_000 }, () => {
    const reference = killedAt("apply.after-rename:2");
    const points = passed("probe", reference);
    const after = snapshot(reference.made.root);
    expect(points).toContain("apply.before-manifest-removal:1");
    for (const point of points) {
      const at = killedAt(point, "probe", killedAt("apply.after-rename:2"));
      expect(probeApply(at.request), point).toMatchObject({ state: "done" });
      expect(snapshot(at.made.root), point).toEqual(after);
    }
  });

  it("rolls forward from the stored contents when a staged file was lost", () => {
    const at = killedAt("apply.after-manifest");
    const staged = readdirSync(join(at.made.root, "src")).filter((name) => name.startsWith(".bosun-staged-"));
    expect(staged.length).toBeGreaterThan(1);
    at.made.disk(`src/${staged[0]}`, "damaged");
    expect(probeApply(at.request)).toMatchObject({ state: "done" });
    expect(snapshot(at.made.root)).toMatchObject({ "src/a.ts": "644 a\r\nnew\r\n", "src/new.ts": "644 new" });
  });
});

describe("a person who edits a file while Bosun is down", () => {
  // Order of application: new/c.bin, new/deep/b.ts, run.sh, src/a.ts, src/gone.ts, src/new.ts.
  const EDITED = [
    ["one that was applied already", "run.sh"],
    ["one that was to be changed", "src/a.ts"],
    ["one that was to be deleted", "src/gone.ts"],
    ["one that was to be created", "src/new.ts"],
    ["one that was created", "new/deep/b.ts"],
  ] as const;
  it.each(EDITED)("keeps the edit of %s; everything else is put back, and the conflict is reported", (_, path) => {
    const before = snapshot(applyCase().made.root);
    const at = killedAt("apply.after-rename:3");
    at.made.disk(path, "the person's", 0o600);
    const probe = probeApply(at.request);
    expect(probe).toMatchObject({ state: "failed", error: { code: "conflict", message: expect.stringContaining(path) } });
    const now = snapshot(at.made.root);
    expect(now[path]).toBe("600 the person's");
    for (const folder of ["new/", "new/deep/"]) if (path.startsWith(folder)) delete now[folder];
    expect({ ...now, [path]: before[path] }).toEqual({ ...before, [path]: before[path] });
    expect(isOpen(at)).toBe(false);
  });

  it("is safe also when the roll-back is killed, at every failpoint", { timeout: 60_000 }, () => {
    const edited = (): ApplyCase => {
      const at = killedAt("apply.after-rename:3");
      at.made.disk("src/gone.ts", "the person's");
      return at;
    };
    const reference = edited();
    const points = passed("probe", reference);
    const end = snapshot(reference.made.root);
    expect(points).toEqual(expect.arrayContaining(["apply.before-restore:1", "apply.after-restore:3"]));
    for (const point of points) {
      const at = killedAt(point, "probe", edited());
      expect(probeApply(at.request), point).toMatchObject({ state: "failed", error: { code: "conflict" } });
      expect(snapshot(at.made.root), point).toEqual(end);
    }
  });
});
