import { describe, expect, it } from "vitest";
import { read, repositoryFiles } from "./source-files.ts";

/** What would let time, chance, the machine or the collector into a deterministic function. */
const IMPURE =
  /\b(Date|setTimeout|setInterval|setImmediate|queueMicrotask|crypto|fetch|process|WeakRef|WeakMap|FinalizationRegistry|Intl|performance|globalThis|console|Buffer)\b(?=\s*[.(<])|\bMath\.random\b|\bnew (Date|WeakRef|FinalizationRegistry)\b|\.(toLocale\w+|localeCompare)\b|\bimport\(/;

function codeOnly(text: string): string {
  return text
    .replaceAll(/\/\*[\s\S]*?\*\//g, "")
    .replaceAll(/\/\/[^\n]*/g, "")
    .replaceAll(/"(?:[^"\\\n]|\\.)*"/g, '""')
    .replaceAll(/`(?:[^`\\$]|\\.)*`/g, "``");
}

describe("the supervisor", () => {
  const files = repositoryFiles().filter((name) => name.startsWith("mcp-server/supervisor/") && name.endsWith(".ts"));

  it.each(files)("%s touches no clock, chance, locale or machine", (name) => {
    expect(IMPURE.exec(codeOnly(read(name) ?? ""))?.[0]).toBeUndefined();
  });

  it.each(["Date.now()", "new Date()", "Math.random()", "setTimeout(f, 1)", "x.localeCompare(y)", 'import("./x.ts")', "process.env"])(
    "would be caught with %s",
    (code) => {
      expect(IMPURE.test(codeOnly(code))).toBe(true);
    },
  );
});
