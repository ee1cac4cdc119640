/** `bosun usage` with the real program. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { UsageReport } from "../../shared/reports.ts";
import { openPlace } from "../support/real-program.ts";
import type { Place, StartOptions } from "../support/real-program.ts";

async function usage(place: Place, args: readonly string[], options: StartOptions = {}): Promise<UsageReport> {
  const end = await place.run(["usage", "--json", ...args], options);
  expect(end.code, end.stderr).toBe(0);
  return JSON.parse(end.stdout) as UsageReport;
}

it("adds up what the runs of a workspace came to, and of all workspaces if asked", async (test) => {
  const place = await openPlace(test, { config: { models: { prices: { "openai:test": { in: 1_000, out: 1_000 } } } } });
  const other = join(place.folder, "other");
  mkdirSync(other);
  const elsewhere = { env: { BOSUN_WORKSPACE: other } };
  expect((await place.run(["usage"])).stdout).toMatch(/^No model was asked yet\. /u);
  const first = await place.run(["run", "do it", "--worker", "coder", "--session", "s1", "--json"]);
  await place.run(["run", "do it again", "--worker", "coder"]);
  await place.run(["run", "do it there", "--worker", "writer"], elsewhere);

  const spent = first.view().usage;
  expect(spent.usd).toBeGreaterThan(0);
  const one = await usage(place, ["--by", "run", "--session", "s1"]);
  const { calls, prompt_tokens, completion_tokens, usd, source } = one.total;
  expect({ calls, prompt_tokens, completion_tokens, usd, source }).toEqual({
    calls: spent.model_calls,
    prompt_tokens: spent.prompt_tokens,
    completion_tokens: spent.completion_tokens,
    usd: spent.usd,
    source: spent.source,
  });
  expect(one.usage.map((row) => row.run_id)).toEqual([first.runId()]);
  expect((await usage(place, ["--by", "worker"])).usage.map((row) => row.worker)).toEqual(["coder"]);
  const all = await usage(place, ["--by", "worker", "--all", "--days", "2"]);
  expect(new Set(all.usage.map((row) => row.worker))).toEqual(new Set(["coder", "writer"]));
  expect((await usage(place, ["--all", "--by", "model"], elsewhere)).usage.map((row) => row.model)).toEqual(["openai:test"]);

  const table = await place.run(["usage", "--by", "model", "--all"]);
  expect(table.stdout).toMatch(/^model +calls +prompt +cached +answer +cost\nopenai:test +3 .*\$\d+\.\d+\ntotal +3 /u);
});
