import { describe, expect, it } from "vitest";
import { checkLines } from "../../../mcp-server/cli/commands/doctor.ts";
import { plainText } from "../../../mcp-server/cli/render/line.ts";
import { bytes } from "../../../mcp-server/cli/render/numbers.ts";
import { runCli } from "../../../mcp-server/cli/run-cli.ts";
import type { Examination } from "../../../mcp-server/service.ts";
import { FakeService } from "./fake-service.ts";
import { FakeTerminal } from "./fake-terminal.ts";

const SICK: Examination = {
  ok: false,
  checks: [
    { name: "node", ok: true, detail: "Node 24" },
    { name: "data folder", ok: false, detail: "/a/b is open to others\u001B[2J (mode 755): `chmod 700 /a/b`" },
  ],
};

async function cli(argv: readonly string[]): Promise<{ code: number; terminal: FakeTerminal; service: FakeService }> {
  const terminal = new FakeTerminal();
  const service = new FakeService();
  const code = await runCli(
    argv,
    terminal.io,
    () => Promise.resolve(service),
    () => Promise.resolve(SICK),
  );
  return { code, terminal, service };
}

describe("upkeep on the command line", () => {
  it("shows each check in a column, a long one below itself, and never what a terminal acts on", () => {
    expect(checkLines(SICK.checks, 60).map(plainText)).toEqual([
      "✓ node         Node 24",
      "✗ data folder  /a/b is open to others⟨U+001B⟩[2J (mode 755):",
      "               `chmod 700 /a/b`",
      "",
      "1 thing to look after.",
    ]);
  });

  it("doctor ends with 1 when something is wrong, and opens no service for it", async () => {
    const { code, terminal, service } = await cli(["doctor", "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(terminal.out)).toEqual(SICK);
    expect(service.closed).toBe(false);
  });

  it("gc hands on its days and says what was removed", async () => {
    const { code, terminal, service } = await cli(["gc", "--days", "7"]);
    expect(code).toBe(0);
    expect(service.calls).toContain('gc {"days":7,"dry_run":false}');
    expect(terminal.out).toBe(
      "Removed 2 runs that ended more than 7 days ago, and 7 payloads (2.5 MB) that no other run names.\n" +
        "Removed 1 mark of change sets that a kill had left behind.\nThe journal's files are 1.3 MB smaller.\n",
    );
    expect((await cli(["gc", "--dry-run"])).terminal.out).toMatch(/^Would remove 2 runs .*\n$/);
    for (const days of ["-1", "1.5", "x", ""]) expect((await cli(["gc", `--days=${days}`])).code, days).toBe(2);
  });

  it("rebuild says of how many runs", async () => {
    expect((await cli(["rebuild"])).terminal.out).toBe("Built again from the events of 3 runs.\n");
  });

  it("sizes are short", () => {
    expect([0, 999, 1_000, 123_456, 2_500_000].map(bytes)).toEqual(["0 B", "999 B", "1.0 kB", "123 kB", "2.5 MB"]);
  });
});
