import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { read, repositoryFiles } from "./source-files.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const files = repositoryFiles();

describe("the repository", () => {
  it("names no path of the machine it was written on", () => {
    const homes = [dirname(root), homedir()].filter((path) => path.length > 4);
    const named = new RegExp(`(^|[^\\w/.-])(${homes.map((path) => path.replaceAll(/[^\w/]/g, "\\$&")).join("|")})/`, "m");
    expect(files.filter((name) => named.test(read(name) ?? ""))).toEqual([]);
  });

  it("names no registry host in the lock file or in npm's settings", () => {
    const lock = read("package-lock.json") ?? "";
    expect(lock).not.toContain('"resolved"');
    expect(lock + (read(".npmrc") ?? "")).not.toMatch(/registry\s*=|https?:\/\/[^"]*\.tgz/);
  });

  it("pins every dependency, with a line in docs/dependencies.md", () => {
    const manifest = JSON.parse(read("package.json") ?? "{}") as Record<"dependencies" | "devDependencies", Record<string, string>>;
    const all = { ...manifest.dependencies, ...manifest.devDependencies };
    expect(Object.entries(all).filter(([, version]) => !/^(?:npm:.+@)?\d/u.test(version))).toEqual([]);
    const told = read("docs/dependencies.md") ?? "";
    expect(Object.keys(all).filter((name) => !told.includes(name))).toEqual([]);
  });

  it("has what the README's commands need", () => {
    expect(
      ["LICENSE", ".ci/run", "AGENTS.md", "CONTRIBUTING.md", "docs/dependencies.md"].filter((name) => !existsSync(join(root, name))),
    ).toEqual([]);
  });
});
