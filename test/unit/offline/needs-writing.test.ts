import { expect, it } from "vitest";
import { needsWriting } from "../../../mcp-server/offline/needs-writing.ts";

it.each([
  ["coder", "add a flag", true],
  ["coder", "dark mode would be great", true],
  ["coder", "where is dark mode set?", false],
  ["writer", "write a readme", true],
  ["writer", "how is the readme made?", false],
  ["debugger", "TypeError in a.js line 3", false],
  ["debugger", "fix the TypeError in a.js", true],
  ["debugger", "why does it crash?", false],
  ["debugger", "behebe den Fehler", true],
  ["sql-expert", "add an index", true],
  ["sql-expert", "slow query in report.sql", false],
])("a task for the %s, %j, wants files changed: %s", (worker, task, wanted) => {
  expect(needsWriting(worker, task, true)).toBe(wanted);
  expect(needsWriting(worker, task, false)).toBe(false);
});
