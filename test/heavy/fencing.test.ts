import { describe, expect, it } from "vitest";
import { freezeAt, pointsOfRun } from "../support/fencing.ts";

describe.skipIf(process.platform === "win32")("an owner that was frozen, and is not the owner any more when it goes on", () => {
  it("changes no file, repeats no effect, writes nothing and says so, whichever point it was frozen at", async () => {
    const points = await pointsOfRun();
    expect(points.filter((point) => point.startsWith("apply.")).length).toBeGreaterThan(20);
    expect(points.filter((point) => point.startsWith("journal.")).length).toBeGreaterThan(8);
    const wrong: string[] = [];
    for (const point of points)
      await freezeAt(point).catch((error: unknown) => wrong.push(`${point}: ${error instanceof Error ? error.message : String(error)}`));
    expect(wrong).toEqual([]);
  }, 600_000);
});
