import { describe, expect, it } from "vitest";
import type { FileChange } from "../../../shared/change.ts";
import { noNotes, notesText, withCall } from "../../../mcp-server/supervisor/work-notes.ts";

const call = (name: string, args: unknown, writes: readonly FileChange[] = []) => ({ name, arguments: JSON.stringify(args), writes });
const read = (path: string, start?: number, end?: number) => call("read_file", { path, start_line: start, end_line: end });
const state = { content: { $blob: "00", size: 1 }, mode: 0o644 };
const edit = (path: string) => call("edit_file", { path }, [{ path, before: state, after: state }]);
const create = (path: string) => call("write_file", { path }, [{ path, before: null, after: state }]);
const remove = (path: string, existed: boolean) => call("delete_file", { path }, [{ path, before: existed ? state : null, after: null }]);
const all = (tools: readonly string[], ...calls: ReturnType<typeof call>[]) => calls.reduce(withCall, noNotes(tools));

const CODER = ["read_file", "edit_file"];
const DEBUGGER = ["read_file", "edit_file", "note_hypothesis"];

describe("a step's notes", () => {
  it("hold what the worker's tools can tell", () => {
    expect(noNotes(["read_file"]).kind).toBe("researcher");
    expect(noNotes(CODER).kind).toBe("coder");
    expect(noNotes(DEBUGGER).kind).toBe("debugger");
    expect(noNotes(["read_file", "note_decision"]).kind).toBe("architect");
  });

  it("of a researcher are its sources, lines put together, a whole file as a whole", () => {
    expect(all(["read_file"], read("a.ts", 1, 20), read("./a.ts", 40), read("a.ts", 1, 20), read("b.ts", 3, 9), read("b.ts"))).toEqual({
      kind: "researcher",
      sources: [
        { path: "a.ts", lines: ["1-20", "40-"] },
        { path: "b.ts", lines: [] },
      ],
    });
  });

  it("of a coder are files read and changed, as they will be on the disk", () => {
    const notes = all(
      CODER,
      read("a.ts"),
      edit("a.ts"),
      create("new.ts"),
      create("gone.ts"),
      remove("gone.ts", false),
      remove("old.ts", true),
    );
    expect(notes).toMatchObject({
      files_read: [{ path: "a.ts", lines: [] }],
      files_changed: [
        { path: "a.ts", action: "modify" },
        { path: "new.ts", action: "create" },
        { path: "old.ts", action: "delete" },
      ],
      last_check: null,
    });
  });

  it("say whether what was changed was looked at since", () => {
    const looked = all(CODER, edit("a.ts"), read("a.ts"));
    expect(looked).toMatchObject({ last_check: { tool: "read_file", path: "a.ts", stale: false } });
    expect(withCall(looked, edit("b.ts"))).toMatchObject({ last_check: { path: "a.ts", stale: true } });
    expect(all(CODER, read("a.ts"), edit("a.ts"))).toMatchObject({ last_check: null });
    expect(all(CODER, edit("a.ts"), call("git_diff", {}))).toMatchObject({ last_check: { tool: "git_diff", path: null, stale: false } });
  });

  it("of a debugger hold each hypothesis as it was noted last", () => {
    const first = { id: "h1", statement: "the cache is stale", confidence: 0.6, evidence_for: ["a.ts:3 keeps it"] };
    const notes = all(
      DEBUGGER,
      call("note_hypothesis", first),
      call("note_hypothesis", { id: "h2", statement: "wrong unit", confidence: 0.3 }),
      call("note_hypothesis", { ...first, confidence: 0, evidence_against: ["b.ts:9 clears it"] }),
    );
    expect(notes).toMatchObject({
      hypotheses: [
        { id: "h1", confidence: 0, evidence_for: ["a.ts:3 keeps it"], evidence_against: ["b.ts:9 clears it"] },
        { id: "h2", confidence: 0.3, evidence_for: [], evidence_against: [] },
      ],
    });
    expect(notesText(notes)).toBe(
      [
        "Hypothesis h1 (confidence 0.00): the cache is stale; for: a.ts:3 keeps it; against: b.ts:9 clears it",
        "Hypothesis h2 (confidence 0.30): wrong unit",
      ].join("\n"),
    );
  });

  it("of an architect hold decisions with what was weighed", () => {
    const notes = all(
      ["read_file", "note_decision"],
      read("a.ts", 2),
      call("note_decision", {
        id: "d1",
        decision: "one table",
        reason: "a.ts:2 reads both",
        alternatives: [{ option: "two tables", why_not: "a join in each read" }],
      }),
    );
    expect(notesText(notes)).toBe("Decision d1: one table. Why: a.ts:2 reads both. Not: two tables (a join in each read)\nRead: a.ts:2-");
  });

  it("take nothing from arguments that are not what the tool asks for", () => {
    const broken = { name: "read_file", arguments: "{", writes: [] };
    expect(all(DEBUGGER, call("note_hypothesis", { id: "h1" }), broken, call("read_file", { path: 3 }))).toEqual(noNotes(DEBUGGER));
  });

  it("stay small, whatever a worker does", () => {
    const many = Array.from({ length: 500 }, (_, index) => read(`f${index}.ts`));
    const notes = all(["read_file"], ...many);
    expect(notes).toMatchObject({ sources: { length: 100 } });
    expect(notesText(notes)).toContain("f19.ts, and 80 more");
  });
});
