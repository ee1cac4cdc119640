/** The protocol's own Inspector, by its command line, on the real `bosun mcp`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { call, crew } from "../support/crew-replies.ts";
import { installProgram, runProgram, skipFor } from "../support/npm-program.ts";
import { openPlace, root } from "../support/real-program.ts";

const looking = crew({ steps: [{ id: "look", worker: "researcher" }], turns: { researcher: [call("read_file", { path: "a.txt" })] } });

it("the Inspector lists and calls, of both eras", { timeout: 600_000 }, async (test) => {
  const inspector = await installProgram(test, "@modelcontextprotocol/inspector@2.12.0");
  if ("reason" in inspector) return skipFor(test, inspector.reason);
  const place = await openPlace(test, { files: { "a.txt": "hello\n" }, reply: looking });
  // It hands on no variable but those of the file.
  const config = join(place.folder, "mcp.json");
  const bosun = { command: process.execPath, args: [join(root, "dist/bosun.mjs"), "mcp"], env: place.env };
  writeFileSync(config, JSON.stringify({ mcpServers: { bosun } }));
  const inspect = async (...args: string[]): Promise<{ readonly code: number | null; readonly said: unknown }> => {
    const launcher = join(inspector.folder, "clients/launcher/build/index.js");
    const command = [launcher, "--cli", "--config", config, "--server", "bosun", "--format", "json", ...args];
    const { code, stdout, stderr } = await runProgram(process.execPath, command, {
      env: place.env,
      cwd: place.workspace,
      timeoutMs: 120_000,
    });
    const text = stdout.trim() === "" ? stderr.slice(stderr.indexOf("{")) : stdout;
    return { code, said: JSON.parse(text) };
  };
  for (const era of ["legacy", "modern"]) {
    const listed = await inspect("--protocol-era", era, "--method", "tools/list", "--strict");
    expect(listed, JSON.stringify(listed)).toMatchObject({ code: 0, said: { result: { tools: expect.any(Array) } } });
    const { tools } = (listed.said as { result: { tools: { name: string }[] } }).result;
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(["run_task", "wait_run", "ask_researcher"]));
    expect(
      await inspect("--protocol-era", era, "--method", "tools/call", "--tool-name", "run_task", "--tool-arg", "task=look"),
    ).toMatchObject({
      code: 0,
      said: { result: { structuredContent: { status: "completed", answer: "Report of the researcher." } } },
    });
    expect(await inspect("--protocol-era", era, "--method", "resources/read", "--uri", "bosun://runs")).toMatchObject({
      code: 0,
      said: { result: { contents: [{ uri: "bosun://runs", text: expect.stringContaining('"completed"') }] } },
    });
    expect((await inspect("--protocol-era", era, "--method", "tools/call", "--tool-name", "no_such_tool")).code).not.toBe(0);
  }
  expect((await place.run(["daemon", "stop"])).code).toBe(0);
});
