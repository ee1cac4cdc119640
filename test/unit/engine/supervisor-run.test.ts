import { afterEach, describe, expect, it } from "vitest";
import { createWords } from "../../../mcp-server/service/words.ts";
import { statusOf } from "../../../mcp-server/journal/fold-run.ts";
import type { Bench, FakeWorld } from "../../support/fake-crew.ts";
import { openBench, plan, unavailable } from "../../support/fake-crew.ts";

const open: Bench[] = [];
function bench(world: FakeWorld): Bench {
  const made = openBench(world);
  open.push(made);
  return made;
}
afterEach(async () => {
  for (const made of open.splice(0)) await made.close();
});

/** The answer, with the run replayed and found equal; or the error, or the status it rests in. */
async function answerOf(at: Bench, runId: string): Promise<unknown> {
  await at.engine.settled(runId);
  const fold = at.journal.run(runId);
  if (fold.ended === null || fold.ended.result === null)
    return fold.ended === null || fold.ended.error === null ? statusOf(fold) : createWords(at.journal.blobs).error(fold.ended.error);
  const replayed = await at.engine.replay(runId);
  expect(replayed, JSON.stringify(replayed)).toMatchObject({ ok: true });
  return replayed.ok && replayed.result?.ok === true ? (replayed.result.value as { answer: string }).answer : replayed;
}

describe("a run", () => {
  it("gives the one worker's report as the answer", async () => {
    const at = bench({ model: (request) => (request.purpose === "plan" ? plan(["a", "coder"]) : { content: "report" }) });
    expect(await answerOf(at, at.run({}))).toBe("report");
  });

  it("runs independent steps at the same time and hands reports to those that depend on them", async () => {
    let together = 0;
    let most = 0;
    const packets: string[] = [];
    const at = bench({
      model: async (request) => {
        if (request.purpose === "plan") return plan(["a", "researcher"], ["b", "reviewer"], ["c", "coder", ["a", "b"]]);
        if (request.purpose === "synthesise") return { content: "all" };
        together += 1;
        most = Math.max(most, together);
        await new Promise((resolve) => setTimeout(resolve, 10));
        together -= 1;
        packets.push(request.last);
        return { content: `report of ${request.worker ?? ""}` };
      },
    });
    expect(await answerOf(at, at.run({}))).toBe("all");
    expect(most).toBe(2);
    expect(packets[2]).toContain("report of researcher");
    expect(packets[2]).toContain("report of reviewer");
    expect(packets[0]).not.toContain("report of");
  });

  it("replans after a failed step and finishes with what the new plan did", async () => {
    const at = bench({
      model: (request) => {
        if (request.purpose === "plan") return plan(["a", "coder"], ["b", "reviewer", ["a"]]);
        if (request.purpose === "replan") return { json: { ...(plan(["a2", "researcher"]).json as object), keep: [] } };
        if (request.purpose === "synthesise") return { content: "after all" };
        return request.worker === "coder" ? { tool_calls: [{ name: "give_up", arguments: { reason: "cannot" } }] } : { content: "found" };
      },
    });
    const run = at.run({});
    expect(await answerOf(at, run)).toBe("after all");
    expect(at.journal.run(run).plan?.steps.map((step) => [step.id, step.status])).toEqual([
      ["a", "failed"],
      ["b", "cancelled"],
      ["a2", "ok"],
    ]);
  });

  it("fails with the step's reason when three revisions did not help", async () => {
    let revisions = 0;
    const at = bench({
      model: (request) => {
        if (request.purpose === "plan") return plan(["a", "coder"]);
        if (request.purpose === "replan") return { json: { ...(plan([`r${(revisions += 1)}`, "coder"]).json as object), keep: [] } };
        return { tool_calls: [{ name: "give_up", arguments: { reason: "no way" } }] };
      },
    });
    expect(await answerOf(at, at.run({}))).toMatchObject({ code: "tool_failed", message: expect.stringContaining("no way") as string });
    expect(revisions).toBe(3);
  });

  it("takes the branch for a failure without a replan", async () => {
    const at = bench({
      model: (request) => {
        if (request.purpose === "plan")
          return plan(
            ["a", "coder"],
            ["yes", "reviewer", [], { step: "a", is: "ok" }],
            ["no", "researcher", [], { step: "a", is: "failed" }],
          );
        if (request.purpose === "synthesise") return { content: "handled" };
        if (request.purpose === "replan") throw new Error("must not replan");
        return request.worker === "coder" ? { tool_calls: [{ name: "give_up", arguments: { reason: "x" } }] } : { content: "ok" };
      },
    });
    const run = at.run({});
    expect(await answerOf(at, run)).toBe("handled");
    expect(at.journal.run(run).plan?.steps.map((step) => step.status)).toEqual(["failed", "skipped", "ok"]);
  });

  it("waits for approval, applies what was approved, and is not in memory meanwhile", async () => {
    const applied: string[] = [];
    const at = bench({
      model: (request, call) => {
        if (request.purpose === "plan") return plan(["a", "coder"]);
        return call === 2 ? { tool_calls: [{ name: "write_file", arguments: { path: "a.txt", content: "x" } }] } : { content: "written" };
      },
      apply: (input) => applied.push(input.approval_id),
    });
    const run = at.run({});
    await at.engine.settled(run);
    expect(statusOf(at.journal.run(run))).toBe("waiting_approval");
    expect(applied).toEqual([]);
    const [approval] = at.journal.approvals({ run_id: run, open: true });
    at.engine.signal(run, `approval:${approval?.request.approval_id ?? ""}`, {
      decision: "approve",
      digest: approval?.request.digest,
      reason: null,
      channel: "cli",
      assurance: "terminal",
    });
    expect(await answerOf(at, run)).toBe("written");
    expect(applied).toEqual([approval?.request.approval_id]);
    expect(() => at.engine.signal(run, `approval:${approval?.request.approval_id ?? ""}`, {})).toThrow(/ended/u);
  });

  it("tells the worker about a rejection, and it may finish without the change", async () => {
    const at = bench({
      model: (request, call) => {
        if (request.purpose === "plan") return plan(["a", "coder"]);
        if (call === 2) return { tool_calls: [{ name: "write_file", arguments: {} }] };
        return { content: request.last.includes("rejected your changes: not now") ? "left as it was" : "written" };
      },
      apply: () => {
        throw new Error("must not be applied");
      },
    });
    const run = at.run({});
    await at.engine.settled(run);
    const [approval] = at.journal.approvals({ run_id: run, open: true });
    at.engine.signal(run, `approval:${approval?.request.approval_id ?? ""}`, {
      decision: "reject",
      digest: approval?.request.digest,
      reason: at.engine.keep("not now"),
      channel: "cli",
      assurance: "terminal",
    });
    expect(await answerOf(at, run)).toBe("left as it was");
  });

  it("pauses when an approval expires and asks again on resume", async () => {
    let lifetime = 20;
    const at = bench({
      model: (request, call) => {
        if (request.purpose === "plan") return plan(["a", "coder"]);
        return call === 2 ? { tool_calls: [{ name: "write_file", arguments: {} }] } : { content: "written" };
      },
      propose: () => ({ expires_at: Date.now() + lifetime }),
    });
    const run = at.run({});
    await at.engine.settled(run);
    await expect.poll(() => statusOf(at.journal.run(run))).toBe("paused");
    lifetime = 60_000;
    at.engine.resume(run, "test");
    await at.engine.settled(run);
    const all = at.journal.approvals({ run_id: run });
    expect(all.map((row) => row.status)).toContain("expired");
    expect(all).toHaveLength(2);
  });

  it("pauses when no model answers, and goes on where it was", async () => {
    let down = true;
    const at = bench({
      model: (request) => (request.purpose === "plan" ? plan(["a", "coder"]) : down ? unavailable() : { content: "report" }),
    });
    const run = at.run({});
    await at.engine.settled(run);
    expect(statusOf(at.journal.run(run))).toBe("paused");
    down = false;
    at.engine.resume(run, "test");
    expect(await answerOf(at, run)).toBe("report");
  });

  it("puts the planner's question to the person and plans again with the answer", async () => {
    const at = bench({
      model: (request) => {
        if (request.purpose !== "plan") return { content: "report" };
        if (request.last.includes("The person answered: the blue one")) return plan(["a", "coder"]);
        return { json: { confidence: 0.2, complexity: 0.5, question: { text: "Which?", options: [] }, steps: [] } };
      },
    });
    const run = at.run({});
    await at.engine.settled(run);
    const fold = at.journal.run(run);
    expect(statusOf(fold)).toBe("waiting_answer");
    const [wait] = Object.values(fold.waits);
    at.engine.signal(run, wait?.name ?? "", at.engine.keep("the blue one"));
    expect(await answerOf(at, run)).toBe("report");
  });

  it("is cancelled in the middle of a call, and stays so", async () => {
    const at = bench({ model: (request) => (request.purpose === "plan" ? plan(["a", "coder"]) : new Promise(() => undefined)) });
    const run = at.run({});
    await expect.poll(() => Object.keys(at.journal.run(run).open).length + (at.journal.run(run).plan === null ? 0 : 1)).toBe(2);
    at.engine.cancel(run, "test");
    expect(await answerOf(at, run)).toMatchObject({ code: "cancelled" });
    expect(await at.engine.replay(run)).toMatchObject({ ok: true });
    expect(() => at.engine.cancel(run, "test")).toThrow(/has ended/u);
    expect(() => at.engine.cancel("run_none", "test")).toThrow(/no run/u);
  });

  it("asks once more for a plan that cannot be carried out, then says why it fails", async () => {
    for (const bad of [
      plan(["a", "wizard"]),
      plan(["a", "coder", ["b"]], ["b", "coder", ["a"]]),
      { json: { nonsense: true } },
      plan(["a", "coder"], ["a", "coder"]),
      {
        json: {
          ...(plan().json as object),
          steps: Array.from({ length: 500 }, (_, i) => ({
            id: `s${i}`,
            worker: "coder",
            goal: "g",
            depends_on: [],
            when: null,
            expects: "",
          })),
        },
      },
    ]) {
      let asked = 0;
      const at = bench({ model: () => ((asked += 1), bad) });
      expect(await answerOf(at, at.run({}))).toMatchObject({ code: "model_refused" });
      expect(asked).toBe(2);
    }
  });

  it("goes on after a new owner took the folder over, asking no journalled question again", async () => {
    const asked: string[] = [];
    let hang = true;
    const world: FakeWorld = {
      model: (request) => {
        asked.push(request.purpose === "work" ? (request.worker ?? "") : request.purpose);
        if (request.purpose === "plan") return plan(["a", "researcher"], ["b", "coder", ["a"]]);
        if (request.purpose === "synthesise") return { content: "all" };
        return request.worker === "coder" && hang ? new Promise(() => undefined) : { content: "report" };
      },
    };
    const first = bench(world);
    const run = first.run({});
    await expect.poll(() => asked).toEqual(["plan", "researcher", "coder"]);
    hang = false;
    const second = first.reopen();
    open.push(second);
    expect(second.engine.recover()).toEqual([run]);
    expect(await answerOf(second, run)).toBe("all");
    expect(asked).toEqual(["plan", "researcher", "coder", "coder", "synthesise"]);
    const lost = second.journal.events(run).find((event) => event.kind === "attempt-ended");
    expect(lost).toMatchObject({ data: { reason: "lost", usage: { completion_tokens: 1000, source: "estimated" } } });
    expect(() => first.run({})).toThrow(/took this data folder over/u);
    expect(first.engine.broken).toMatchObject({ code: "conflict" });
  });

  it("keeps projections that are equal when they are built again from the events", async () => {
    const at = bench({
      model: (request, call) =>
        request.purpose === "plan"
          ? plan(["a", "coder"])
          : call === 2
            ? { tool_calls: [{ name: "write_file", arguments: {} }] }
            : { content: "x" },
    });
    const run = at.run({});
    await at.engine.settled(run);
    const picture = (): unknown => ({
      run: at.journal.run(run),
      approvals: at.journal.approvals({}),
      usage: at.journal.usage(run),
      waits: at.journal.openWaits(run),
    });
    const before = picture();
    at.journal.rebuild();
    expect(picture()).toEqual(before);
  });
});
