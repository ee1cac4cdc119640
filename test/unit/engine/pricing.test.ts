/** A plan is priced before it begins; one that does not fit is done by cheaper models, or put to the person. */
import { describe, expect, it, onTestFinished } from "vitest";
import type { Question } from "../../../shared/durable.ts";
import type { Fit } from "../../../shared/estimate.ts";
import { statusOf } from "../../../mcp-server/journal/fold-run.ts";
import type { Bench, FakeWorld } from "../../support/fake-crew.ts";
import { openBench, plan } from "../../support/fake-crew.ts";

const OVER: Fit = { kind: "over", by: [{ unit: "usd", estimated: 0.041_23, left: 0.01 }], guessed: false };

interface Asked {
  readonly at: Bench;
  readonly run: string;
  readonly question: Question | null;
  /** Answers the open question, and waits. */
  say(text: string): Promise<void>;
  /** What the planner was told last, each time. */
  readonly told: readonly string[];
  readonly tiers: readonly string[];
}

/** A run whose first plan has two steps and whose next ones have one. @param fits one for each time that the plan is priced; then it fits */
async function begun(fits: readonly Fit[], world: Partial<FakeWorld> = {}, input: Parameters<Bench["run"]>[0] = {}): Promise<Asked> {
  const left = [...fits];
  const told: string[] = [];
  const tiers: string[] = [];
  const at = openBench({
    model: (request) => {
      if (request.purpose !== "plan") {
        tiers.push(request.tier ?? "");
        return { content: `report of ${request.worker ?? ""}` };
      }
      told.push(request.last);
      return told.length === 1 ? plan(["a", "coder"], ["b", "reviewer", ["a"]]) : plan(["small", "coder"]);
    },
    price: () => ({ fit: left.shift() ?? { kind: "fits" } }),
    ...world,
  });
  onTestFinished(() => at.close());
  const run = at.run(input);
  await at.engine.settled(run);
  const open = (): Question | null => {
    for (const { about } of Object.values(at.journal.run(run).waits))
      if (about.for === "answer") return JSON.parse(at.journal.blobs.get(about.question.$kept).toString("utf8")) as Question;
    return null;
  };
  return {
    at,
    run,
    get question() {
      return open();
    },
    say: async (text) => {
      for (const wait of Object.values(at.journal.run(run).waits)) at.engine.signal(run, wait.name, at.engine.keep(text));
      await at.engine.settled(run);
    },
    told,
    tiers,
  };
}

const stepsOf = ({ at, run }: Asked): readonly string[] => (at.journal.run(run).plan?.steps ?? []).map((step) => step.id);

describe("a plan that fits into what is left", () => {
  it("begins at once, with the models of its workers' tiers", async () => {
    const asked = await begun([{ kind: "fits" }]);
    expect(statusOf(asked.at.journal.run(asked.run))).toBe("completed");
    expect(asked.tiers).toEqual(["medium", "medium", "medium"]);
    expect(await asked.at.engine.replay(asked.run)).toMatchObject({ ok: true });
  });

  it("with cheaper tiers is done by these, step by step", async () => {
    const asked = await begun([{ kind: "cheaper", tiers: { b: "small" } }]);
    expect(asked.tiers).toEqual(["medium", "small", "medium"]);
    expect(await asked.at.engine.replay(asked.run)).toMatchObject({ ok: true });
  });

  it("is begun also when it could not be priced", async () => {
    const asked = await begun([], {
      price: () => {
        throw new Error("no");
      },
    });
    expect(statusOf(asked.at.journal.run(asked.run))).toBe("completed");
    expect(asked.at.journal.run(asked.run).estimate).toBeNull();
  });
});

describe("a plan that costs more than is left", () => {
  it("is put to the person before anything is done", async () => {
    const asked = await begun([OVER]);
    expect(statusOf(asked.at.journal.run(asked.run))).toBe("waiting_answer");
    expect(asked.question).toEqual({
      text: "This plan costs more than is left of the run's budget: about $0.0412 with $0.0100 left.\ncoder: goal of a\nreviewer: goal of b\nGo on, or say what matters most.",
      options: [
        { value: "go_on", label: "Go on, as far as the budget reaches" },
        { value: "smaller", label: "Make a smaller plan" },
        { value: "cancel", label: "Do not do it" },
      ],
    });
    expect(asked.tiers).toEqual([]);
  });

  it("is begun as it is when the person says so", async () => {
    const asked = await begun([OVER]);
    await asked.say("go_on");
    expect(stepsOf(asked)).toEqual(["a", "b"]);
    expect(statusOf(asked.at.journal.run(asked.run))).toBe("completed");
    expect(await asked.at.engine.replay(asked.run)).toMatchObject({ ok: true });
  });

  it("is made anew, and priced again, when a smaller one is wanted", async () => {
    const asked = await begun([OVER]);
    await asked.say("smaller");
    expect(asked.told[1]).toBe(
      "That plan costs more than is left: about $0.0412 with $0.0100 left. Only do what matters most.\nPlan again, with fewer or smaller steps.",
    );
    expect(stepsOf(asked)).toEqual(["small"]);
    expect(await asked.at.engine.replay(asked.run)).toMatchObject({ ok: true });
  });

  it("is made anew with the person's own words", async () => {
    const asked = await begun([OVER]);
    await asked.say("the tests can wait");
    expect(asked.told[1]).toContain("The person says: the tests can wait\n");
    expect(stepsOf(asked)).toEqual(["small"]);
  });

  it("is not done when the person does not want it", async () => {
    const asked = await begun([OVER]);
    await asked.say("cancel");
    const { ended } = asked.at.journal.run(asked.run);
    expect(ended).toMatchObject({ status: "failed", error: { code: "cancelled", retryable: false } });
    expect(asked.tiers).toEqual([]);
    expect(await asked.at.engine.replay(asked.run)).toMatchObject({ ok: true });
  });

  it("is asked about three times at most, and then begun: no cap can be passed anyway", async () => {
    const asked = await begun([OVER, OVER, OVER, OVER]);
    for (let times = 0; times < 3; times += 1) await asked.say("smaller");
    expect(asked.question).toBeNull();
    expect(statusOf(asked.at.journal.run(asked.run))).toBe("completed");
    expect(asked.told.length).toBe(4);
  });

  it("is begun at once when that is a guess, and when the person named the worker or the steps", async () => {
    const step = { id: "x", worker: "coder", goal: "g", depends_on: [], when: null, expects: "" };
    const guessed = await begun([{ ...OVER, guessed: true }]);
    const named = await begun([OVER], {}, { worker: "coder" });
    const given = await begun([OVER], {}, { steps: [step] });
    for (const { at, run } of [guessed, named, given]) expect(statusOf(at.journal.run(run))).toBe("completed");
  });
});
