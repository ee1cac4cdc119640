/** SIGKILL at named points of one run: each boundary of the journal and each point of applying a change set. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { CrashCase } from "./crash-case.ts";
import { finishAndCheck, openCrashCase } from "./crash-case.ts";

/** What really changes the disk; a point is noted before the process is killed at it. */
const EFFECT = "apply.after-rename";

/** Names of the points that were passed, over all processes of the case. */
function passed(at: CrashCase): readonly string[] {
  return readFileSync(join(at.folder, "points.log"), "utf8").trim().split("\n");
}

async function withCase(driver: string, run: (at: CrashCase) => Promise<void>): Promise<void> {
  const at = await openCrashCase(driver, (folder) => ({ BOSUN_FAILPOINT_LOG: join(folder, "points.log") }));
  try {
    await run(at);
  } finally {
    await at.close();
  }
}

/** @param isTried whether a kill at this point (`name:hit`) is tried; every point by default */
export async function killAtPoints(driver: string, isTried: (point: string) => boolean = () => true): Promise<void> {
  const points: string[] = [];
  let effects = 0;
  await withCase(driver, async (at) => {
    expect(await at.drive({})).toMatchObject({ code: 0 });
    const hits = new Map<string, number>();
    for (const name of passed(at)) {
      hits.set(name, (hits.get(name) ?? 0) + 1);
      points.push(`${name}:${hits.get(name) ?? 0}`);
    }
    effects = hits.get(EFFECT) ?? 0;
    await finishAndCheck(at, 0);
  });
  expect(points.filter((point) => point.startsWith("journal.")).length).toBeGreaterThan(20);
  expect(points.filter((point) => point.startsWith("apply.")).length).toBeGreaterThan(20);
  expect(effects).toBeGreaterThanOrEqual(4);
  const todo = points.filter(isTried);
  const worker = async (): Promise<void> => {
    for (let point = todo.shift(); point !== undefined; point = todo.shift()) {
      const at = point;
      await withCase(driver, async (crash) => {
        const killed = await crash.drive({ env: { BOSUN_FAILPOINT: at } });
        // Commits are grouped by what happens to come together, so the last hits of a journal point may not come up again.
        if (killed.signal === null) expect(at, killed.stderr).toMatch(/^journal\./u);
        else expect(killed.signal).toBe("SIGKILL");
        await finishAndCheck(crash, 1).catch((error: unknown) => {
          throw new Error(`killed at ${at}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
        });
        // Between the link and the note of a new file a kill hides one; a change made twice would show as one more.
        expect(passed(crash).filter((name) => name === EFFECT).length, `killed at ${at}`).toBeLessThanOrEqual(effects);
      });
    }
  };
  await Promise.all([worker(), worker()]);
}
