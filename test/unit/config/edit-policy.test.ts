/** Rules put into and taken out of the person's own file. */
import { existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { insertRule, removeRule } from "../../../mcp-server/config/edit-policy.ts";

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "bosun-test-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}
const RULE = { decide: "allow", path: "docs/**" } as const;

describe("the person's file", () => {
  it("is made when there is none, for the person alone", () => {
    const file = join(folder(), "config", "bosun.json");
    insertRule(file, RULE);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ policy: [RULE] });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("keeps its layout outside of the list, and says what it said once the rule is taken out again", () => {
    const file = join(folder(), "bosun.json");
    const before = '{\n\t"run": { "maxSteps":   7 },\n\t"policy": [\n\t\t{ "decide":"deny",   "path": "x" }\n\t]\n}\n';
    writeFileSync(file, before, { mode: 0o640 });
    insertRule(file, RULE);
    const after = readFileSync(file, "utf8");
    expect(after).toContain('"maxSteps":   7');
    expect((JSON.parse(after) as { policy: unknown }).policy).toEqual([{ decide: "deny", path: "x" }, RULE]);
    expect(statSync(file).mode & 0o777).toBe(0o640);
    removeRule(file, 1);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(JSON.parse(before));
  });

  it("stays a link where it is one", () => {
    const at = folder();
    writeFileSync(join(at, "real.json"), "{}");
    symlinkSync("real.json", join(at, "bosun.json"));
    insertRule(join(at, "bosun.json"), RULE);
    expect(lstatSync(join(at, "bosun.json")).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(at, "real.json"), "utf8")).toContain("docs/**");
  });

  it.each(["{ not json", '{"policy": {}}', '{"nonsense": 1}'])("is left alone when it is not valid: %s", (text) => {
    const file = join(folder(), "bosun.json");
    writeFileSync(file, text);
    expect(() => insertRule(file, RULE)).toThrow(/is not valid/u);
    expect(readFileSync(file, "utf8")).toBe(text);
    expect(existsSync(`${file}.${process.pid}.tmp`)).toBe(false);
  });
});
