/** Lets every single file operation of an application fail once, as a full or failing disk does. */
import type * as Fs from "node:fs";
import { describe, expect, it, vi } from "vitest";

const faults = vi.hoisted(() => ({ operation: "", at: 0, code: "EIO", count: 0, forever: false }));

vi.mock("node:fs", async (original) => {
  const real = await original<typeof Fs>();
  const failing = (name: string, run: (...args: never[]) => unknown) => {
    const faulty = (...args: never[]): unknown => {
      if (name === faults.operation) {
        faults.count += 1;
        if (faults.count === faults.at || (faults.forever && faults.count >= faults.at))
          throw Object.assign(new Error(`${faults.code}: injected`), { code: faults.code });
      }
      return run(...args);
    };
    return faulty;
  };
  const names = ["openSync", "writeSync", "fsyncSync", "renameSync", "linkSync", "unlinkSync", "mkdirSync", "fchmodSync"] as const;
  return { ...real, ...Object.fromEntries(names.map((name) => [name, failing(name, real[name] as (...args: never[]) => unknown)])) };
});

const { applyChanges, probeApply } = await import("../../../mcp-server/changes/apply.ts");
const { applyCase } = await import("./apply-case.ts");
const { failureOf, snapshot } = await import("./fixture.ts");

function inject(operation: string, at: number, code: string, forever = false): void {
  Object.assign(faults, { operation, at, code, count: 0, forever });
}

/** How often an application calls the operation. */
function callsOf(operation: string): number {
  const { request } = applyCase();
  inject(operation, 0, "EIO");
  applyChanges(request);
  const { count } = faults;
  inject("", 0, "");
  return count;
}

describe("a disk that refuses", () => {
  const OPERATIONS = [
    ["openSync", "EACCES"],
    ["writeSync", "ENOSPC"],
    ["fsyncSync", "EIO"],
    ["renameSync", "EROFS"],
    ["linkSync", "ENOSPC"],
    ["unlinkSync", "EACCES"],
    ["mkdirSync", "ENOSPC"],
    ["fchmodSync", "EPERM"],
  ] as const;
  it.each(OPERATIONS)("%s with %s, at each call: all of the change set or nothing of it", async (operation, code) => {
    const calls = callsOf(operation);
    expect(calls).toBeGreaterThan(0);
    const whole = applyCase();
    const before = snapshot(whole.made.root);
    applyChanges(whole.request);
    const after = snapshot(whole.made.root);
    for (let at = 1; at <= calls; at += 1) {
      const { made, request } = applyCase();
      inject(operation, at, code);
      let outcome = "done";
      try {
        applyChanges(request);
      } catch (error) {
        outcome = (error as { code: string }).code;
      }
      inject("", 0, "");
      const where = `${operation} ${at}: ${outcome}`;
      if (outcome === "done") expect(snapshot(made.root), where).toEqual(after);
      else if (outcome === "uncertain_effect") expect(probeApply(request), where).toMatchObject({ state: "done" });
      else {
        expect(["tool_failed", "conflict"], where).toContain(outcome);
        expect(snapshot(made.root), where).toEqual(before);
        expect(probeApply(request), where).toEqual({ state: "not_started" });
      }
    }
  });

  it("is named in the error: full, read-only, no permission", async () => {
    for (const [code, words] of [
      ["ENOSPC", "the disk is full"],
      ["EROFS", "read-only"],
      ["EACCES", "permission is missing"],
    ] as const) {
      const { request } = applyCase();
      inject("writeSync", 2, code);
      const failure = await failureOf(() => applyChanges(request));
      inject("", 0, "");
      expect(failure).toMatchObject({ code: "tool_failed", message: expect.stringContaining(words) });
      expect(failure.message).toContain("Nothing was changed");
    }
  });

  it("that lets nothing be put back leaves the rest to the next try, and says so", async () => {
    const { made, request } = applyCase();
    inject("renameSync", 3, "EIO", true);
    const failure = await failureOf(() => applyChanges(request));
    expect(failure).toMatchObject({ code: "uncertain_effect", message: expect.stringContaining("Still changed: `run.sh`") });
    inject("", 0, "");
    expect(probeApply(request)).toMatchObject({ state: "done" });
    expect(snapshot(made.root)).toMatchObject({ "src/a.ts": "644 a\r\nnew\r\n" });
  });
});
