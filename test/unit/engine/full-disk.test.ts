import { describe, expect, it } from "vitest";
import { BosunError } from "../../../shared/errors.ts";
import type { FakeWorld } from "../../support/fake-crew.ts";
import { openBench, plan } from "../../support/fake-crew.ts";

const WORLD: FakeWorld = {
  model: (request) => {
    if (request.purpose === "plan") return plan(["a", "coder"], ["b", "reviewer"]);
    if (request.purpose === "synthesise") return { content: "all" };
    return request.turn === 1 ? { tool_calls: [{ name: "look", arguments: {} }] } : { content: "report" };
  },
};

/** Lets so many commits pass; then the disk is full. */
function benchOnDisk(commits: number): ReturnType<typeof openBench> {
  const bench = openBench(WORLD);
  const commit = bench.journal.commit.bind(bench.journal);
  let left = commits;
  bench.journal.commit = (appends, durable) => {
    if (left === 0) throw new BosunError("internal", "the disk is full");
    left -= 1;
    return commit(appends, durable);
  };
  return bench;
}

describe("a full disk", () => {
  it("stops a run at any of its commits, and the next owner takes it up and brings it to its end", async () => {
    let stopped = 0;
    for (let commits = 1; ; commits += 1) {
      const bench = benchOnDisk(commits);
      const runId = bench.run({});
      const whole = await bench.engine.settled(runId).then(
        () => true,
        () => false,
      );
      expect(bench.engine.broken === null).toBe(whole);
      // What was under way comes home and finds the journal shut.
      await new Promise((resolve) => setTimeout(resolve, 5));
      await bench.engine.close();
      const next = bench.reopen();
      expect(next.engine.recover(), `stopped after ${commits} commits`).toEqual(whole ? [] : [runId]);
      await next.engine.settled(runId);
      expect(next.journal.run(runId).ended?.status).toBe("completed");
      await next.close();
      if (whole) break;
      stopped += 1;
    }
    expect(stopped).toBeGreaterThan(10);
  });
});
