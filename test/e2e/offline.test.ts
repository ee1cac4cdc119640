/** Without a language model: what is found is told, what cannot be done is said, and all of it is a run like any other. */
import { describe, expect, it } from "vitest";
import type { RunView } from "../../shared/run-view.ts";
import { openPlace, type Place, type TestEnd } from "../support/real-program.ts";

const FILES = {
  "src/backoff.ts":
    "/** Waits longer with each attempt. */\nexport function backoffMs(attempt: number): number {\n  return 100 * 2 ** attempt;\n}\n",
  "src/client.ts":
    'import { backoffMs } from "./backoff.ts";\n\nexport async function send(): Promise<void> {\n  // Retries up to three times.\n  for (let attempt = 0; attempt < 3; attempt += 1) await post(backoffMs(attempt));\n}\n',
  "src/colours.ts": 'export const RED = "#f00";\n',
  "test/client.test.ts": 'it("retries", () => {});\n',
  "README.md": "# Sample\n\nSends things.\n",
};

/** A place without any model. */
async function open(test: TestEnd, files: Readonly<Record<string, string>> = FILES) {
  const place = await openPlace(test, { files });
  const env = { BOSUN_MODEL: "", OPENAI_API_KEY: "", OPENAI_BASE_URL: "" };
  return { place, run: (...args: readonly string[]) => place.run(args, { env }) };
}

function shown(view: RunView): readonly string[] {
  return [...(view.answer ?? view.error?.message ?? "").matchAll(/^\*\*(.+:\d+)\*\*$/gmu)].map((match) => match[1] ?? "");
}

const offlineModels = (place: Place): boolean => place.requests.length === 0;

describe("offline", () => {
  it.concurrent("a question is answered by passages with path:line, and says that no language model was used", async (test) => {
    const { place, run } = await open(test);
    const done = await run("run", "where are retries handled?", "--json");
    expect(done.code, done.stderr).toBe(0);
    const view = done.view();
    expect(view.answer).toMatch(/^No language model was used/u);
    expect(view.answer).toContain("Searched for: retry, attempt or backoff.");
    expect(view.answer).toContain("Set OPENAI_API_KEY");
    expect(shown(view)[0]).toMatch(/^src\/client\.ts:\d$/u);
    expect(view.answer).toContain("4    // Retries up to three times.");
    expect(view.workers).toEqual(["researcher"]);
    expect(view.usage).toMatchObject({ prompt_tokens: 0, completion_tokens: 0, usd: 0 });
    expect(offlineModels(place)).toBe(true);
    const trace = await run("trace", view.run_id);
    expect(trace.stdout).toContain("offline:search");
    expect((await run("replay", view.run_id)).code).toBe(0);
    expect((await run("verify", view.run_id)).code).toBe(0);
  });

  it.concurrent("a task that needs somebody who writes ends with what was found, why it stops, and what to set", async (test) => {
    const { run } = await open(test);
    const done = await run("run", "add jitter to the backoff");
    expect(done.code).toBe(1);
    expect(done.stdout).toContain("**src/backoff.ts:");
    expect(done.stdout).toContain("export function backoffMs");
    expect(done.stderr).toMatch(
      /^bosun: tool_failed: the coder gave up: this task changes files, which needs a language model, and none is configured\. Set OPENAI_API_KEY[^␊]*\n$/u,
    );
    const json = (await run("run", "add jitter to the backoff", "--json")).view();
    expect(json.status).toBe("failed");
    expect(shown(json)[0]).toMatch(/^src\/backoff\.ts/u);
  });

  it.concurrent("a stack trace leads to its frames", async (test) => {
    const { run } = await open(test);
    const task =
      "TypeError: boom\n    at backoffMs (/srv/app/src/backoff.ts:3:10)\n    at Module.run (node:internal/x:1:1)\n    at other (/usr/lib/deep/unknown.js:9:1)";
    const view = (await run("run", task, "--json")).view();
    expect(view.answer).toContain("- src/backoff.ts:3\n");
    expect(view.answer).toContain("- /usr/lib/deep/unknown.js:9 (not in this workspace)");
    expect(shown(view)[0]).toBe("src/backoff.ts:3");
    expect(view.answer).toContain("3    return 100 * 2 ** attempt;");
  });

  it.concurrent("where there is nothing to search for, the person is asked what to look for", async (test) => {
    const { run } = await open(test);
    const done = await run("run", "how do I do it?", "--json");
    expect(done.code).toBe(3);
    expect(done.view().question?.text).toMatch(/^Without a language model I can only search this workspace\./u);
  });

  it.concurrent("what is not there is said not to be there", async (test) => {
    const { run } = await open(test);
    const view = (await run("run", "where is the blockchain?", "--json")).view();
    expect(view.answer).toMatch(/^No language model was used, and a search of the workspace found nothing\./u);
    expect((await run("run", "where is anything?", "--json")).code).toBe(0);
  });

  it.concurrent("an empty workspace, binary files and huge lines are no trouble", async (test) => {
    const { run } = await open(test, {
      "data.bin": "\0\u0001binary",
      "wide.ts": `const retry = "${"x".repeat(50_000)}";\n`,
      "```.ts": "retry ``` here\n",
    });
    const done = await run("run", "where are retries?", "--json");
    expect(done.code, done.stderr).toBe(0);
    expect((done.view().answer ?? "").length).toBeLessThan(10_000);
  });

  it.concurrent("--model offline asks no model although a key is set", async (test) => {
    const place = await openPlace(test, { files: FILES });
    const done = await place.run(["run", "where are retries handled?", "--model", "offline", "--json"]);
    expect(done.code, done.stderr).toBe(0);
    expect(done.view().answer).toMatch(/^No language model was used/u);
    expect(place.requests).toEqual([]);
  });

  it.concurrent("data by a schema needs a language model, and says so", async (test) => {
    const { run } = await open(test);
    const done = await run("run", "where are retries handled?", "--worker", "researcher", "--json");
    expect(done.code).toBe(0);
    const plan = await run("plan", "where are retries handled?");
    expect(plan.stdout).toContain("search › researcher");
  });

  it.concurrent("the doctor is content, and says what to set", async (test) => {
    const { run } = await open(test);
    const { stdout } = await run("doctor", "--json");
    const models = (JSON.parse(stdout) as { checks: { name: string; ok: boolean; detail: string }[] }).checks.find(
      (check) => check.name === "models",
    );
    expect(models).toMatchObject({ ok: true });
    expect(models?.detail).toMatch(/^offline: no language model.*Set OPENAI_API_KEY/u);
  });
});
