import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCli } from "../../../mcp-server/cli/run-cli.ts";
import { FakeService } from "./fake-service.ts";
import { FakeTerminal, type FakeTerminalOptions } from "./fake-terminal.ts";
import { approvalView, runView } from "./views.ts";

const packageRoot = fileURLToPath(new URL("../../..", import.meta.url));
const waiting = runView({ status: "waiting_approval", approvals: [approvalView()] });
const done = runView({ status: "completed", answer: "Fixed.", finished_at: "2026-01-02T03:04:05.000Z" });

describe("the demonstration", () => {
  let dataFolder: string;
  beforeEach(() => {
    dataFolder = mkdtempSync(join(tmpdir(), "bosun-demo-"));
  });
  afterEach(() => {
    rmSync(dataFolder, { recursive: true, force: true });
  });

  async function demo(service: FakeService, options: FakeTerminalOptions = {}, packageFolder = packageRoot) {
    const terminal = new FakeTerminal({ ...options, dataFolder, packageRoot: packageFolder });
    const seen: string[] = [];
    const code = await runCli(["demo"], terminal.io, ({ home, workspace, model }) => {
      seen.push(`${home} ${workspace} ${model}`, ...readdirSync(workspace ?? ""));
      return Promise.resolve(service);
    });
    return { code, terminal, seen };
  }
  const personSays = (...typed: string[]): FakeTerminalOptions => ({ stdinTTY: true, stdoutTTY: true, typed });

  it("works on a copy in a folder of its own and discards it", async () => {
    const { code, seen, terminal } = await demo(new FakeService({ states: [done] }), personSays());
    const folder = join(dataFolder, "demo");
    expect(code).toBe(0);
    expect(seen[0]).toBe(`${join(folder, "home")} ${join(folder, "workspace")} scripted:${join(folder, "script.json")}`);
    expect(seen).toContain("package.json");
    expect(terminal.out).toContain("built-in scripted model");
    expect(existsSync(folder)).toBe(false);
  });

  it("without a terminal shows the change set, decides nothing, discards all, and ends with 0", async () => {
    const service = new FakeService({ states: [waiting, done] });
    const { code, terminal } = await demo(service, { typed: ["y"] });
    expect(code).toBe(0);
    expect(service.calls).toEqual([]);
    expect(terminal.out).toContain("+min");
    expect(terminal.out).toContain("only `y` and Enter applies it");
    expect(existsSync(join(dataFolder, "demo"))).toBe(false);
  });

  it("keeps an undecided run and takes it up at the next start, saying so", async () => {
    const first = await demo(new FakeService({ states: [waiting] }), personSays(""));
    expect(first.code).toBe(3);
    expect(existsSync(join(dataFolder, "demo", "workspace"))).toBe(true);
    const service = new FakeService({ states: [waiting, done] });
    const second = await demo(service, personSays("y"));
    expect(second.terminal.out).toContain("It goes on where it was");
    expect(service.requests).toEqual([]);
    expect(service.calls).toEqual(["recover", "approve apr_0123456789abcdef d1"]);
    expect(second.code).toBe(0);
    expect(existsSync(join(dataFolder, "demo"))).toBe(false);
  });

  it("begins anew when the earlier one had ended", async () => {
    await demo(new FakeService({ states: [waiting] }), personSays(""));
    const service = new FakeService({ states: [done] });
    const { terminal } = await demo(service, personSays());
    expect(service.requests).toHaveLength(1);
    expect(terminal.out).not.toContain("left unfinished");
  });

  it("says when its files are missing", async () => {
    const { code, terminal } = await demo(new FakeService(), {}, dataFolder);
    expect(code).toBe(2);
    expect(terminal.err).toMatch(/^bosun: not_found: The demonstration's files are missing/);
  });

  it("has edits in its script that fit the example exactly once", () => {
    const script = JSON.parse(readFileSync(join(packageRoot, "examples/demo/script.json"), "utf8")) as {
      reply: { tool_calls?: { name: string; arguments: Record<string, string> }[] };
    }[];
    const calls = script.flatMap((rule) => rule.reply.tool_calls ?? []);
    const edits = calls.filter((call) => call.name === "edit_file");
    expect(edits).toHaveLength(4);
    for (const { path, old_text } of edits.map((call) => call.arguments)) {
      const text = readFileSync(join(packageRoot, "examples/retry-helper", path ?? ""), "utf8");
      expect(text.split(old_text ?? "\0")).toHaveLength(2);
    }
    for (const { arguments: args } of calls.filter((call) => call.name === "read_file")) {
      expect(existsSync(join(packageRoot, "examples/retry-helper", args["path"] ?? ""))).toBe(true);
    }
  });
});
