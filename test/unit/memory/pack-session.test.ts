import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packSession } from "../../../mcp-server/memory/pack-session.ts";
import type { EarlierRun } from "../../../mcp-server/memory/pack-session.ts";

const run = (more: Partial<EarlierRun> = {}): EarlierRun => ({
  task: "do it",
  status: "completed",
  workers: ["coder"],
  changed: [],
  answer: "done",
  error: null,
  ...more,
});

const bytes = (text: string): number => Buffer.byteLength(text);

describe("what a session's earlier runs came to", () => {
  it("is told in order, with worker, files and last error", () => {
    const text = packSession(
      [
        run({ task: "find the bug", workers: ["debugger"], answer: null, status: "failed", error: "the debugger gave up:\nno trace" }),
        run({ task: "mend it", changed: ["src/a.ts", "src/b.ts"], answer: "Mended.\n\nTwo files." }),
      ],
      1000,
    );
    expect(text).toBe(
      [
        "## 1. find the bug\nStatus: failed; workers: debugger\nError: the debugger gave up: no trace",
        "## 2. mend it\nStatus: completed; workers: coder; changed: src/a.ts, src/b.ts\nAnswer: Mended.\n\nTwo files.",
      ].join("\n\n"),
    );
  });

  it("is nothing without runs, and nothing when not even the newest fits", () => {
    expect(packSession([], 1000)).toBe("");
    expect(packSession([run()], 3)).toBe("");
  });

  it("keeps the newest as a whole, cuts older ones short and says how many are left out", () => {
    const long = "word ".repeat(400);
    const runs = Array.from({ length: 30 }, (_, index) => run({ task: `task ${index + 1}`, answer: `${index + 1}: ${long}` }));
    const text = packSession(runs, 1500);
    expect(text).toContain(`Answer: 30: ${long}`);
    expect(text).toMatch(/^\(\d+ earlier runs are left out\)\n\n## \d+\. task \d+/u);
    expect(text).not.toContain("## 1. ");
    expect(text).toContain("## 29. task 29\nStatus: completed; workers: coder\nAnswer: 29: word");
  });

  it("cuts the newest answer where it does not fit, and no character in half", () => {
    const text = packSession([run({ answer: "日本語のテキスト".repeat(500) })], 300);
    expect(text).toMatch(/\[cut\]$/u);
    expect(text).not.toContain("\uFFFD");
  });

  it("never takes more than its budget, and is the same for the same runs", () => {
    const runs = fc.array(
      fc.record({
        task: fc.string({ maxLength: 600, unit: "grapheme" }),
        status: fc.constantFrom("completed" as const, "failed" as const, "running" as const),
        workers: fc.array(fc.constantFrom("coder", "debugger"), { maxLength: 3 }),
        changed: fc.array(fc.string({ maxLength: 40 }), { maxLength: 30 }),
        answer: fc.option(fc.string({ maxLength: 3000, unit: "grapheme" })),
        error: fc.option(fc.string({ maxLength: 600 })),
      }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(runs, fc.integer({ min: 0, max: 3000 }), (given, tokens) => {
        const text = packSession(given, tokens);
        expect(bytes(text)).toBeLessThanOrEqual(tokens * 4);
        expect(packSession(given, tokens)).toBe(text);
      }),
    );
  });
});
