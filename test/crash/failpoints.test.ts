/** SIGKILL at every named point: each boundary of the journal and each point of applying a change set. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildDriver } from "../support/build-driver.ts";
import type { CrashCase } from "../support/crash-case.ts";
import { finishAndCheck, openCrashCase } from "../support/crash-case.ts";

let driver = "";
beforeAll(async () => {
  driver = await buildDriver();
});
afterAll(() => rmSync(driver, { force: true }));

async function withCase(run: (at: CrashCase) => Promise<void>): Promise<void> {
  const at = await openCrashCase(driver);
  try {
    await run(at);
  } finally {
    await at.close();
  }
}

describe("a process killed at a named point", () => {
  it("loses nothing and repeats nothing, whichever point it is", async () => {
    const points: string[] = [];
    await withCase(async (at) => {
      const log = join(at.folder, "points.log");
      expect(await at.drive({ env: { BOSUN_FAILPOINT_LOG: log } })).toMatchObject({ code: 0 });
      const hits = new Map<string, number>();
      for (const name of readFileSync(log, "utf8").trim().split("\n")) {
        hits.set(name, (hits.get(name) ?? 0) + 1);
        points.push(`${name}:${hits.get(name) ?? 0}`);
      }
      await finishAndCheck(at, 0);
    });
    expect(points.filter((point) => point.startsWith("journal.")).length).toBeGreaterThan(20);
    expect(points.filter((point) => point.startsWith("apply.")).length).toBeGreaterThan(20);
    const todo = [...points];
    const worker = async (): Promise<void> => {
      for (let point = todo.shift(); point !== undefined; point = todo.shift()) {
        const at = point;
        await withCase(async (crash) => {
          const killed = await crash.drive({ env: { BOSUN_FAILPOINT: at } });
          // Commits are grouped by what happens to come together, so the last hits of a journal point may not come up again.
          if (killed.signal === null) expect(at, killed.stderr).toMatch(/^journal\./u);
          else expect(killed.signal).toBe("SIGKILL");
          await finishAndCheck(crash, 1).catch((error: unknown) => {
            throw new Error(`killed at ${at}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
          });
        });
      }
    };
    await Promise.all([worker(), worker()]);
  }, 240_000);
});
