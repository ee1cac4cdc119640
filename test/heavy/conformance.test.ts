/** The protocol's own suites on the real server and its HTTP transport. Nothing is expected to fail. */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, type TestContext } from "vitest";
import { serveFixtures } from "../conformance/serve-fixtures.ts";
import { root } from "../support/real-program.ts";

interface Check {
  readonly id: string;
  readonly status: string;
  readonly errorMessage?: string;
}

interface Outcome {
  readonly code: number | null;
  readonly output: string;
  /** By scenario, in the order of their folders. */
  readonly scenarios: ReadonlyMap<string, readonly Check[]>;
}

async function runSuite(test: TestContext, name: string, args: readonly string[]): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "bosun-conformance-"));
  test.onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const url = await serveFixtures(test);
  const program = join(root, "node_modules", name, "dist/index.js");
  const child = spawn(process.execPath, [program, "server", "--url", url, "--output-dir", folder, ...args], {
    env: { PATH: process.env["PATH"] ?? "", HOME: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += data.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.name === "checks.json");
  const scenarios = new Map(
    found.map((entry) => [
      entry.parentPath.slice(folder.length + 1),
      JSON.parse(readFileSync(join(entry.parentPath, entry.name), "utf8")) as Check[],
    ]),
  );
  return { code, output, scenarios };
}

interface Suite {
  readonly title: string;
  /** Folder in node_modules. */
  readonly package: string;
  readonly args: readonly string[];
  /** How many scenarios there are. Fewer would mean that it asked less than it does. */
  readonly scenarios: number;
  /** Checks that end neither well nor badly, with the reason. */
  readonly open: Readonly<Record<string, string>>;
}

const SUITES: readonly Suite[] = [
  {
    title: "0.1.16, all of it",
    package: "@modelcontextprotocol/conformance",
    args: ["--suite", "all"],
    scenarios: 32,
    open: {
      "server-sse-priming-event": "the suite calls in the name of 2025-03-26, which has no such event; the later suite sees it",
      "server-sse-retry-field": "the same",
    },
  },
  {
    title: "0.2.0-alpha.12, what 2025-11-25 requires",
    package: "conformance-next",
    args: ["--requirements", "2025-11-25"],
    scenarios: 33,
    open: {},
  },
  {
    title: "0.2.0-alpha.12, what 2026-07-28 requires",
    package: "conformance-next",
    args: ["--requirements", "2026-07-28"],
    scenarios: 50,
    open: { "sep-2575-server-sends-prompts-list-changed-on-subscription": "Bosun's prompts never change, and it says so" },
  },
];

describe("the protocol's own suites", () => {
  it.for(SUITES)("$title", { timeout: 300_000 }, async (suite, test) => {
    const { code, output, scenarios } = await runSuite(test, suite.package, suite.args);
    const total = /^Total: .*$/mu.exec(output)?.[0] ?? "no total";
    process.stdout.write(`${suite.title}: ${scenarios.size} scenarios. ${total}\n`);
    expect(scenarios.size, output).toBe(suite.scenarios);
    // Tasks are an extension, which Bosun does not offer: its runs are handles themselves. The suite runs them and scores none.
    const asked = [...scenarios].filter(([scenario]) => !scenario.startsWith("server-tasks-")).flatMap(([, checks]) => checks);
    expect(asked.length).toBeGreaterThan(suite.scenarios / 2);
    const unsettled = asked.filter(({ status }) => status !== "SUCCESS" && status !== "INFO");
    expect(unsettled.filter(({ id, status }) => status === "FAILURE" || suite.open[id] === undefined)).toEqual([]);
    expect(new Set(unsettled.map(({ id }) => id))).toEqual(new Set(Object.keys(suite.open)));
    expect(code, output).toBe(0);
  });
});
