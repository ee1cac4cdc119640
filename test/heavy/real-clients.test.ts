/**
 * Claude Code and Copilot CLI as a user runs them, without a person: their model is a loopback server that has them call `run_task` and
 * then repeats what came back. Nothing else is reached: what they would call elsewhere goes to a proxy that is not there.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startAnthropicServer, toolResultsOf } from "../support/anthropic-server.ts";
import { call, crew, toolResults } from "../support/crew-replies.ts";
import { type Finished, installProgram, runProgram, skipFor } from "../support/npm-program.ts";
import { startOpenAiServer } from "../support/openai-server.ts";
import { openPlace, type Place, type TestEnd } from "../support/real-program.ts";

const TASK = "Say what a.txt holds.";
/** What only Bosun's own crew says. */
const ANSWER = "It holds the word quokka.";

async function openWorkplace(test: TestEnd): Promise<Place> {
  const turns = { researcher: [call("read_file", { path: "a.txt" }), { content: ANSWER }] };
  return openPlace(test, { files: { "a.txt": "quokka\n" }, reply: crew({ steps: [{ id: "look", worker: "researcher" }], turns }) });
}

/** As the README has it: `bosun install` writes the configuration, and the person adds what the server shall have in its environment. */
async function install(place: Place, client: string, file: string): Promise<void> {
  const { code, stderr } = await place.run(["install", client, "--write"]);
  expect(code, stderr).toBe(0);
  const written = JSON.parse(readFileSync(file, "utf8")) as { readonly mcpServers: { readonly bosun: object } };
  writeFileSync(file, JSON.stringify({ mcpServers: { bosun: { ...written.mcpServers.bosun, env: place.env } } }));
}

/** The client's environment: nothing of ours, and no way out of this machine. */
function clientEnv(place: Place, more: Readonly<Record<string, string>>): Record<string, string> {
  const nowhere = "http://127.0.0.1:9";
  const ways = { HTTP_PROXY: nowhere, HTTPS_PROXY: nowhere, http_proxy: nowhere, https_proxy: nowhere, NO_PROXY: "127.0.0.1,localhost" };
  return { PATH: process.env["PATH"] ?? "", HOME: place.folder, LC_ALL: "C.UTF-8", ...ways, ...more };
}

/** The run that the client began, by the command line of Bosun. */
async function expectRun(place: Place): Promise<void> {
  const { runs } = JSON.parse((await place.run(["runs", "--json"])).stdout) as { readonly runs: readonly object[] };
  expect(runs).toMatchObject([{ task: TASK, status: "completed", answer: ANSWER }]);
  expect((await place.run(["daemon", "stop"])).code).toBe(0);
}

describe("a real client calls `run_task` and gets the answer:", () => {
  it("Claude Code", { timeout: 600_000 }, async (test) => {
    const client = await installProgram(test, "@anthropic-ai/claude-code@2.1.332");
    if ("reason" in client) return skipFor(test, client.reason);
    const place = await openWorkplace(test);
    const model = await startAnthropicServer((request) => {
      const names = (request.tools ?? []).map(({ name }) => name);
      const last = toolResultsOf(request).at(-1);
      if (last?.includes(ANSWER)) return { text: `The crew says: ${last}` };
      const task = names.find((name) => name.endsWith("run_task"));
      if (task !== undefined) return { tool: task, input: { task: TASK } };
      // It keeps the tools of servers back until the model looks for them.
      return names.includes("ToolSearch") ? { tool: "ToolSearch", input: { query: "select:mcp__bosun__run_task" } } : { text: "Nothing." };
    });
    test.onTestFinished(() => model.close());
    const env = clientEnv(place, {
      ANTHROPIC_BASE_URL: model.url,
      ANTHROPIC_API_KEY: "sk-loopback",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      DISABLE_AUTOUPDATER: "1",
      DISABLE_ERROR_REPORTING: "1",
      DISABLE_TELEMETRY: "1",
    });
    const ask = async (...more: string[]): Promise<Finished> => {
      const args = [join(client.folder, "cli-wrapper.cjs"), "-p", "Have the crew do it.", "--model", "loopback", "--output-format", "json"];
      args.push("--allowedTools", "mcp__bosun__run_task", ...more);
      return runProgram(process.execPath, args, { env, cwd: place.workspace, timeoutMs: 200_000 });
    };
    await install(place, "claude-code", join(place.workspace, ".mcp.json"));
    // The servers of a project are used once the person has agreed to them.
    const { code, stdout, stderr } = await ask("--settings", JSON.stringify({ enableAllProjectMcpServers: true }));
    if (model.requests.length === 0) return skipFor(test, `it did not run: ${code} ${stdout.slice(-500)} ${stderr.slice(-500)}`);
    expect(code, `${stdout}${stderr}`).toBe(0);
    expect(stdout).toContain(ANSWER);
    await expectRun(place);
    // Over HTTP, too, with what `bosun serve` says of itself.
    const server = place.start(["serve", "--json"]);
    await server.waitFor("token_file");
    const { url, token_file } = JSON.parse(server.text()) as { readonly url: string; readonly token_file: string };
    const headers = { Authorization: `Bearer ${readFileSync(token_file, "utf8")}` };
    const over = await ask(
      "--strict-mcp-config",
      "--mcp-config",
      JSON.stringify({ mcpServers: { bosun: { type: "http", url, headers } } }),
    );
    expect(over.code, `${over.stdout}${over.stderr}`).toBe(0);
    expect(over.stdout).toContain(ANSWER);
    server.kill("SIGTERM");
    expect((await server.end).code).toBe(0);
    const { runs } = JSON.parse((await place.run(["runs", "--json"])).stdout) as { readonly runs: readonly object[] };
    expect(runs).toHaveLength(2);
  });

  it("Copilot CLI", { timeout: 600_000 }, async (test) => {
    const client = await installProgram(test, "@github/copilot@1.0.102");
    if ("reason" in client) return skipFor(test, client.reason);
    const place = await openWorkplace(test);
    const model = await startOpenAiServer({
      models: ["loopback"],
      reply: (request) => {
        const last = toolResults(request).at(-1);
        if (last?.includes(ANSWER)) return { content: `The crew says: ${last}` };
        const names = (request.body.tools ?? []).map((tool) => (tool as { function: { name: string } }).function.name);
        const task = names.find((name) => name.endsWith("run_task"));
        return task === undefined ? { content: "Nothing." } : call(task, { task: TASK });
      },
    });
    test.onTestFinished(() => model.close());
    await install(place, "copilot-cli", join(place.folder, ".copilot/mcp-config.json"));
    const args = [join(client.folder, "npm-loader.js"), "-p", "Have the crew do it.", "--allow-all-tools", "--no-auto-update"];
    args.push("--disable-builtin-mcps", "--no-custom-instructions", "--no-color");
    const env = clientEnv(place, {
      COPILOT_PROVIDER_BASE_URL: model.url,
      COPILOT_MODEL: "loopback",
      COPILOT_OFFLINE: "true",
    });
    const { code, stdout, stderr } = await runProgram(process.execPath, args, { env, cwd: place.workspace, timeoutMs: 240_000 });
    if (model.requests.length === 0) return skipFor(test, `it did not run: ${code} ${stdout.slice(-500)} ${stderr.slice(-500)}`);
    expect(code, `${stdout}${stderr}`).toBe(0);
    expect(stdout).toContain(ANSWER);
    await expectRun(place);
  });
});
