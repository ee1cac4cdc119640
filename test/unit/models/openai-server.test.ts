import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { createOpenAiModel } from "../../../mcp-server/models/openai-model.ts";
import { callContext, modelRequest } from "./model-request.ts";

test("the test server runs as a process of its own, answers by script and logs every request", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "bosun-server-"));
  const [script, log] = [path.join(folder, "s.json"), path.join(folder, "log.jsonl")];
  writeFileSync(
    script,
    JSON.stringify([
      { when: { worker: "coder", turn: 1 }, reply: { content: "once" }, times: 1, usage: { prompt_tokens: 3, completion_tokens: 2 } },
      { error: { status: 429, retry_after: 1 }, when: { turn: 1 } },
    ]),
  );
  const child = spawn(process.execPath, [path.resolve("test/support/openai-server.ts"), "--script", script, "--log", log, "--port", "0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [first] = (await once(child.stdout, "data")) as [Buffer];
    const model = createOpenAiModel({
      baseUrl: `http://127.0.0.1:${Number(first.toString())}/v1`,
      apiKey: "k",
      model: "m",
      provider: "p",
      idleTimeoutMs: 5000,
      callTimeoutMs: 5000,
    });
    expect(await model.complete(modelRequest(), callContext())).toMatchObject({
      message: { content: "once" },
      usage: { prompt_tokens: 3 },
    });
    await expect(model.complete(modelRequest(), callContext())).rejects.toMatchObject({ code: "rate_limited" });
    const messages = [...modelRequest().messages, { role: "assistant", content: "a" }] as const;
    await expect(model.complete(modelRequest({ messages }), callContext())).rejects.toThrow(/no rule for work, worker coder, turn 2/);
    const lines = readFileSync(log, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { headers: Record<string, string>; body: { model: string } });
    expect(lines.map(({ headers, body }) => [headers["x-bosun-run"], body.model])).toEqual(Array.from({ length: 3 }, () => ["run-1", "m"]));
  } finally {
    child.kill("SIGTERM");
    await once(child, "exit");
    rmSync(folder, { recursive: true, force: true });
  }
});
