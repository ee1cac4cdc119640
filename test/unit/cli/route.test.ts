import { expect, it } from "vitest";
import { runCli } from "../../../mcp-server/cli/run-cli.ts";
import { FakeService } from "./fake-service.ts";
import { FakeTerminal } from "./fake-terminal.ts";

async function cli(argv: readonly string[], typed: readonly string[] = []) {
  const terminal = new FakeTerminal({ typed });
  const service = new FakeService();
  const code = await runCli(argv, terminal.io, () => Promise.resolve(service));
  return { code, out: terminal.out, err: terminal.err, service };
}

it("route says who, how sure, who says so, and who would be next", async () => {
  const { code, out, service } = await cli(["route", "do it"]);
  expect({ code, out }).toEqual({
    code: 0,
    out:
      "coder  60 %  says the local classifier\nthen debugger 30 %\n" +
      "Not quite sure: a plan this sure needs a second opinion that agrees, else you are asked.\n",
  });
  expect(service.calls).toContain("route do it null");
});

it("route answers line by line, a bad line with its error, and goes on", async () => {
  const typed = ['{"task":"one"}', "", "nonsense", '{"task":3}', "[]", '{"task":""}', '{"task":"two"}'];
  const { code, out, service } = await cli(["route", "--stdin", "--json", "--model", "offline"], typed);
  expect(code).toBe(0);
  const lines = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { worker?: string; error?: { code: string; message: string } });
  expect(lines.map((line) => line.worker ?? line.error?.message)).toEqual([
    "coder",
    "the line is not JSON",
    'the line is not {"task": "…"}',
    'the line is not {"task": "…"}',
    "the task is empty: say what shall be done",
    "coder",
  ]);
  expect(service.calls.filter((call) => call.startsWith("route"))).toEqual(["route one offline", "route  offline", "route two offline"]);
});

it("route wants a task or lines, not both and not neither", async () => {
  for (const argv of [["route"], ["route", "x", "--stdin", "--json"], ["route", "--stdin"]]) expect((await cli(argv)).code).toBe(2);
});
