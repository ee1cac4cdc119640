import { describe, expect, it } from "vitest";
import { BosunError } from "../../../shared/errors.ts";
import type { Fn } from "../../support/bare-engine.ts";
import { openBareEngine } from "../../support/bare-engine.ts";
import type { FakeWorld } from "../../support/fake-crew.ts";
import { openBench, plan } from "../../support/fake-crew.ts";

const WORLD: FakeWorld = {
  model: (request) => {
    // One after the other, so that what they ask for cannot share a commit.
    if (request.purpose === "plan") return plan(["a", "coder"], ["b", "reviewer", ["a"]], ["c", "coder", ["b"]]);
    if (request.purpose === "synthesise") return { content: "all" };
    return request.turn < 4 ? { tool_calls: [{ name: "look", arguments: {} }] } : { content: "report" };
  },
};

/** Lets so many commits pass; then the disk is full. */
function benchOnDisk(commits: number): ReturnType<typeof openBench> {
  const bench = openBench(WORLD);
  const write = bench.journal.write.bind(bench.journal);
  let left = commits;
  bench.journal.write = (durable) => {
    if (left === 0) throw new BosunError("internal", "the disk is full");
    left -= 1;
    return write(durable);
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

  it("of any size leaves a journal that the next owner, with room, brings to its end and replays", async () => {
    const fn: Fn = async (ctx) => {
      for (let count = 0; count < 16; count += 1) await ctx.call("echo", `${count}${"x".repeat(3000)}`);
      return { ok: true, value: 1 };
    };
    let stopped = 0;
    for (let maxPages = 20, whole = false; !whole; maxPages += 1) {
      const at = openBareEngine(fn, { echo: {} }, { maxPages });
      const runId = startIfThereIsRoom(at);
      if (runId === null) continue;
      whole = await at.engine.settled(runId).then(
        () => true,
        () => false,
      );
      expect(at.engine.broken === null, `${maxPages} pages`).toBe(whole);
      if (!whole) stopped += 1;
      await at.engine.close();
      const next = at.again(fn, { echo: {} });
      next.engine.recover();
      await next.engine.settled(runId);
      expect(next.journal.run(runId).ended?.status, `${maxPages} pages`).toBe("completed");
      expect(await next.engine.replay(runId)).toMatchObject({ ok: true });
      await at.close();
    }
    expect(stopped).toBeGreaterThan(10);
  });
});

function startIfThereIsRoom(at: ReturnType<typeof openBareEngine>): string | null {
  try {
    return at.start();
  } catch {
    return null;
  }
}
