import { describe, expect, it } from "vitest";
import { findCycle, RULES } from "./rules.ts";
import { type Import, importsOf, read, repositoryFiles } from "./source-files.ts";

const files = repositoryFiles();
const sources = files.filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"));
const edges = sources.flatMap((name) => importsOf(name, read(name) ?? ""));

describe("imports", () => {
  it("are found at all", () => {
    expect(edges.length).toBeGreaterThan(50);
    expect(edges.some((edge) => edge.from === "mcp-server/service.ts" && edge.to === "shared/errors.ts")).toBe(true);
  });

  it.each(Object.entries(RULES))("%s", (_name, rule) => {
    expect(edges.map(rule).filter((broken) => broken !== null)).toEqual([]);
  });

  it("form no cycle", () => {
    expect(findCycle(edges)).toBeNull();
  });

  it("take zod as a namespace: by name it brings its translations into the program", () => {
    const shipped = sources.filter((name) => /^(client|extension|mcp-server|shared)\//.test(name));
    expect(shipped.filter((name) => /^import\s+(?!(type\s+)?\*)[^;]*from "zod";/m.test(read(name) ?? ""))).toEqual([]);
  });

  it("name files that exist", () => {
    const known = new Set(files);
    const missing = edges.filter((edge) => edge.ours && /\.(ts|md|json)$/.test(edge.to) && !known.has(edge.to));
    expect(missing.filter((edge) => !edge.from.startsWith("test/architecture/"))).toEqual([]);
  });
});

describe("the scanner and the rules", () => {
  const broken = (from: string, code: string): readonly string[] =>
    importsOf(from, code).flatMap((edge) => Object.entries(RULES).flatMap(([name, rule]) => (rule(edge) === null ? [] : [name])));

  it.each([
    ["shared/a.ts", 'import { x } from "../mcp-server/service.ts";', "shared imports nothing of ours"],
    ["shared/a.ts", 'import { x } from "node:fs";', "shared depends on zod alone"],
    [
      "mcp-server/supervisor/a.ts",
      'import type {\n  X,\n} from "../engine/port.ts";',
      "the supervisor imports shared and itself only, and nothing dynamically",
    ],
    [
      "mcp-server/supervisor/a.ts",
      'const x = await import("../../shared/plan.ts");',
      "the supervisor imports shared and itself only, and nothing dynamically",
    ],
    ["extension/a.ts", 'export * from "../mcp-server/service.ts";', "the extension never imports the server"],
    ["mcp-server/engine/a.ts", 'import "../journal/sqlite-journal.ts";', "only the composition roots name concrete adapters"],
    ["mcp-server/engine/a.ts", 'import { open } from "../compose.ts";', "nobody imports the composition roots"],
    ["mcp-server/cli/a.ts", 'import { x } from "../journal/port.ts";', "the command line knows the service, shared and itself"],
  ])("%s with %j breaks: %s", (from, code, name) => {
    expect(broken(from, code)).toContain(name);
  });

  it("let what is allowed pass", () => {
    expect(broken("mcp-server/journal/open.ts", 'import { x } from "./sqlite-journal.ts";')).toEqual([]);
    expect(broken("mcp-server/compose.ts", 'import { x } from "./journal/sqlite-journal.ts";')).toEqual([]);
    expect(broken("mcp-server/engine/a.ts", '// import { x } from "../compose.ts";')).toEqual([]);
  });

  it("see a cycle", () => {
    const edge = (from: string, to: string): Import => ({ from, to, ours: true, dynamic: false });
    expect(findCycle([edge("a", "b"), edge("b", "c"), edge("c", "b")])).toEqual(["b", "c", "b"]);
  });
});

describe("disabling comments", () => {
  it("never switch off the rules about imports and purity", () => {
    const held = /(no-restricted-(imports|globals|properties)|no-cycle)/;
    const offenders = sources.filter((name) =>
      (read(name) ?? "")
        .split("\n")
        .some((line) => /(ox|es)lint-disable/.test(line) && (held.test(line) || !/disable(-next)?(-line)?\s+\S+/.test(line))),
    );
    expect(offenders.filter((name) => name !== "test/architecture/imports.test.ts")).toEqual([]);
  });
});
