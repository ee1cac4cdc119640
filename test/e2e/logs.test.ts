import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { call, crew } from "../support/crew-replies.ts";
import { openPlace } from "../support/real-program.ts";
import type { Place } from "../support/real-program.ts";

const SECRETS =
  /sk-e2e-KEYMARKER|TASK-MARK|GOAL-MARK|THOUGHT-MARK|CONTENT-MARK|PATTERN-MARK|WRITTEN-MARK|REPORT-MARK|REFUSAL-MARK|You are the/;

function logLines(place: Place): Record<string, unknown>[] {
  const text = readFileSync(join(place.data(), "logs/bosun.log"), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A run in which every kind of text occurs: key, prompts, answers, file contents, arguments, an endpoint's error. */
async function talkativeRun(place: Place, env: Record<string, string>): Promise<string> {
  const end = await place.run(["run", "TASK-MARK mend it"], { env });
  expect(end.code, end.stderr).toBe(3);
  return end.runId();
}

function talkative(): Parameters<typeof openPlace>[1] {
  let refused = false;
  return {
    files: { "a.txt": "CONTENT-MARK\n" },
    reply: (request, n) => {
      if (n === 1 && !refused) {
        refused = true;
        return { status: 500, body: { error: { message: "REFUSAL-MARK sk-e2e-KEYMARKER" } } };
      }
      return (
        crew({
          steps: [{ id: "a", worker: "coder", goal: "GOAL-MARK" }],
          turns: {
            coder: [
              { content: "THOUGHT-MARK", tool_calls: [{ name: "read_file", arguments: { path: "a.txt" } }] },
              call("search_text", { pattern: "PATTERN-MARK" }),
              call("write_file", { path: "b.txt", content: "WRITTEN-MARK" }),
              { content: "REPORT-MARK" },
            ],
          },
        })(request, n) ?? { content: "" }
      );
    },
  };
}

describe("the log", () => {
  it.concurrent("has JSON lines in the data folder, with run and span in each that is about a run", async (test) => {
    const place = await openPlace(test, talkative());
    const runId = await talkativeRun(place, {});
    const lines = logLines(place);
    expect(lines.map((line) => line["msg"])).toEqual(expect.arrayContaining(["run started", "attempt-ended", "approval requested"]));
    for (const line of lines) {
      expect(line["time"]).toMatch(/^\d{4}-.*Z$/);
      // The daily round is about no run.
      if (line["msg"] === "upkeep done") continue;
      expect(line["run_id"]).toBe(runId);
      expect(line["span_id"]).toMatch(/^[0-9a-f]{16}$/);
    }
  });

  it.concurrent.for(["info", "debug"])("never holds key, prompt, answer or file content at level %s", async (level, test) => {
    const place = await openPlace(test, talkative());
    await talkativeRun(place, { BOSUN_LOG_LEVEL: level });
    const text = readFileSync(join(place.data(), "logs/bosun.log"), "utf8");
    expect(text).toContain("run started");
    expect(text).not.toMatch(SECRETS);
    if (level === "debug") expect(text).toContain("call-completed");
  });

  it.concurrent("is not written at level silent", async (test) => {
    const place = await openPlace(test, talkative());
    await talkativeRun(place, { BOSUN_LOG_LEVEL: "silent" });
    expect(readdirSync(place.data())).not.toContain("logs");
  });
});

describe("the data folder", () => {
  it("is for its owner alone, with all that lies in it, and the key is nowhere in it", async (test) => {
    const place = await openPlace(test, talkative());
    const during = place.start(["run", "TASK-MARK mend it"]);
    await during.waitFor("approval asked for");
    expect((await during.end).code).toBe(3);
    expect(statSync(place.home).mode & 0o777).toBe(0o700);
    for (const entry of readdirSync(place.home, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      const mode = (statSync(path).mode & 0o777).toString(8);
      expect(`${entry.name} ${mode}`).toBe(`${entry.name} ${entry.isDirectory() ? "700" : "600"}`);
      if (entry.isFile()) expect(readFileSync(path).includes("sk-e2e-KEYMARKER"), entry.name).toBe(false);
    }
  });
});
