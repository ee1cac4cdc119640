import { describe, expect, it } from "vitest";
import { plainText } from "../../../mcp-server/cli/render/line.ts";
import { usageLines } from "../../../mcp-server/cli/render/usage-lines.ts";
import { runCli } from "../../../mcp-server/cli/run-cli.ts";
import type { UsageReport, UsageTotal } from "../../../shared/reports.ts";
import { FakeService } from "./fake-service.ts";
import { FakeTerminal } from "./fake-terminal.ts";

const total = (more: Partial<UsageTotal>): UsageTotal => ({
  calls: 1,
  prompt_tokens: 1_200,
  completion_tokens: 340,
  cached_tokens: 0,
  usd: 0.0123,
  known_usd: 0.0123,
  source: "reported",
  ...more,
});

const BY_MODEL: UsageReport = {
  usage: [
    { model: "openai:gpt-5", ...total({ calls: 1_204, prompt_tokens: 2_345_678, cached_tokens: 1_000_000, usd: 12.5, known_usd: 12.5 }) },
    { model: "groq:fast", ...total({ source: "estimated" }) },
    { model: "ollama:a-model-with-a-name-that-goes-on-and-on\u001B[2J", ...total({ usd: null, known_usd: 0 }) },
  ],
  total: total({ calls: 1_206, prompt_tokens: 2_348_078, cached_tokens: 1_000_000, usd: null, known_usd: 12.5123, source: "estimated" }),
  left_out: [],
};
const EMPTY: UsageReport = { usage: [], total: total({}), left_out: [] };

function shown(report: UsageReport, by: string, width: number): string {
  return `\n${usageLines(report, by, width).map(plainText).join("\n")}\n`;
}

async function cli(
  argv: readonly string[],
  usage: UsageReport = EMPTY,
): Promise<{ code: number; terminal: FakeTerminal; service: FakeService }> {
  const terminal = new FakeTerminal();
  const service = new FakeService({ usage });
  const examine = (): Promise<never> => Promise.reject(new Error("nothing is examined"));
  const code = await runCli(argv, terminal.io, () => Promise.resolve(service), examine);
  return { code, terminal, service };
}

describe("the table of usage", () => {
  it("has columns, a total, and says which money is not known", () => {
    expect(shown(BY_MODEL, "model", 100)).toBe(`
model                                    calls     prompt     cached  answer                    cost
openai:gpt-5                             1,204  2,345,678  1,000,000     340                  $12.50
groq:fast                                    1      1,200          0     340           about $0.0123
ollama:a-model-with-a-name-that-goes-o…      1      1,200          0     340                 unknown
total                                    1,206  2,348,078  1,000,000     340  about $12.51 + unknown
`);
  });

  it("gives up the cached tokens and most of a long name on a narrow terminal, and lets nothing through that a terminal acts on", () => {
    expect(shown(BY_MODEL, "model", 62)).toBe(`
model         calls     prompt  answer                    cost
openai:gpt-5  1,204  2,345,678     340                  $12.50
groq:fast         1      1,200     340           about $0.0123
ollama:a-mo…      1      1,200     340                 unknown
total         1,206  2,348,078     340  about $12.51 + unknown
`);
    expect(shown(BY_MODEL, "model", 200)).not.toContain("\u001B");
  });

  it("calls the supervisor by its name", () => {
    const report = {
      ...EMPTY,
      usage: [
        { worker: "coder", ...total({}) },
        { worker: null, ...total({}) },
      ],
    };
    expect(shown(report, "worker", 100)).toContain("\nsupervisor      1");
  });
});

describe("bosun usage", () => {
  it("asks for days by itself, and for what it is told", async () => {
    expect((await cli(["usage"])).service.calls).toEqual(['usage {"by":"day","all":false}']);
    const all = await cli(["usage", "--by", "model", "--days", "7", "--session", "s1", "--all", "--json"], BY_MODEL);
    expect(all.service.calls).toEqual(['usage {"by":"model","all":true,"days":7,"session_id":"s1"}']);
    expect(JSON.parse(all.terminal.out)).toEqual(BY_MODEL);
    expect(all.code).toBe(0);
  });

  it("refuses what it does not know", async () => {
    for (const argv of [["--by", "hour"], ["--days", "0"], ["--days", "1.5"], ["--days", "x"], ["--days="]])
      expect((await cli(["usage", ...argv])).code, argv.join(" ")).toBe(2);
  });

  it("says that there is nothing, and what was not counted", async () => {
    expect((await cli(["usage"])).terminal.out).toBe("No model was asked yet. `bosun usage --all` looks into all your workspaces.\n");
    expect((await cli(["usage", "--days", "1", "--session", "s\u001B1"])).terminal.out).toBe(
      "No model call fits --days 1 --session s⟨U+001B⟩1.\n",
    );
    expect((await cli(["usage", "--all"], { ...EMPTY, left_out: ["/a/journal.db"] })).terminal.out).toBe(
      "No model call fits --all.\nNot counted, for 1 journal cannot be read:\n  /a/journal.db\n",
    );
  });
});
