/** Questions about this repository itself, whose true files are known. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { openService } from "../../mcp-server/compose.ts";

const root = join(import.meta.dirname, "../..");
const home = mkdtempSync(join(tmpdir(), "bosun-offline-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

it("at least 24 of 30 questions about this repository are answered with a true file among the first three", async () => {
  const service = openService({
    system: { platform: process.platform, env: { BOSUN_HOME: home, BOSUN_MODEL: "offline" }, homeDir: home },
    workspace: root,
    folder: root,
  });
  try {
    const asked = readFileSync(join(root, "test/data/offline-questions.jsonl"), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { question: string; files: readonly string[] });
    expect(asked).toHaveLength(30);
    const missed: string[] = [];
    for (const { question, files } of asked) {
      const { answer } = await service.settled(await service.startRun({ task: question }));
      const named = [...(answer ?? "").matchAll(/^\*\*(.+):\d+\*\*$/gmu)].map((match) => match[1] ?? "").slice(0, 3);
      if (!named.some((path) => files.includes(path))) missed.push(`${question} -> ${named.join(", ")}`);
    }
    expect(missed.length, missed.join("\n")).toBeLessThanOrEqual(6);
  } finally {
    await service.close();
  }
}, 120_000);
