import { describe, expect, it } from "vitest";
import { loadBuiltinWorkers } from "../../../mcp-server/workers/builtin.ts";

const READING = ["read_file", "list_files", "search_text", "git_diff", "git_log", "give_up"];
const NOTING = ["note_hypothesis", "note_decision"];
const WRITING = ["write_file", "edit_file", "delete_file", "move_file"];

describe("the built-in workers", () => {
  const workers = loadBuiltinWorkers([...READING, ...NOTING, ...WRITING]);

  it("are the six", () => {
    expect(workers.map((worker) => worker.name)).toEqual(["architect", "coder", "debugger", "researcher", "reviewer", "writer"]);
  });

  it.each(workers.map((worker) => [worker.name, worker] as const))(
    "%s can read, can give up, and has a prompt worth reading",
    (_name, worker) => {
      expect(worker.tools).toEqual(expect.arrayContaining(READING));
      const lines = worker.prompt.split("\n").length;
      expect(lines).toBeGreaterThanOrEqual(25);
      expect(lines).toBeLessThanOrEqual(60);
      expect(worker.prompt).toContain("`path:line`");
      expect(worker.prompt).toContain("`give_up`");
      expect(worker.prompt).toMatch(/\bdata\b/);
      expect(worker.examples.length).toBeGreaterThanOrEqual(3);
    },
  );

  it.each(["architect", "researcher", "reviewer"])("%s cannot write", (name) => {
    expect(workers.find((worker) => worker.name === name)?.tools.filter((tool) => WRITING.includes(tool))).toEqual([]);
  });

  it("name in their prompts no tool that they do not have", () => {
    for (const worker of workers) {
      const named = [...READING, ...NOTING, ...WRITING].filter((tool) => worker.prompt.includes(`\`${tool}\``));
      expect(named.filter((tool) => !worker.tools.includes(tool))).toEqual([]);
    }
  });

  it("are refused, by file and line, when a tool they need is not built", () => {
    expect(() => loadBuiltinWorkers([...READING, ...NOTING])).toThrow(/builtin\/coder\.md:\d+: `tools`/);
  });
});
