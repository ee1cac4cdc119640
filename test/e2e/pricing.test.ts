/** Plans have a price: shown before anything is done, fitted into the budget, and compared with what the run came to. */
import { describe, expect, it } from "vitest";
import type { RunEstimate } from "../../shared/estimate.ts";
import type { RunView } from "../../shared/run-view.ts";
import { call, crew } from "../support/crew-replies.ts";
import { openPlace } from "../support/real-program.ts";
import type { ServerAnswer } from "../support/openai-server.ts";
import type { Ended, Place, TestEnd } from "../support/real-program.ts";

const STEPS = [
  { id: "look", worker: "researcher" },
  { id: "mend", worker: "coder", depends_on: ["look"] },
];

/** US dollars per million tokens. */
const CONFIG = {
  models: {
    small: ["openai:s"],
    medium: ["openai:m"],
    large: ["openai:l"],
    prices: { "openai:s": { in: 1, out: 1 }, "openai:m": { in: 10, out: 10 }, "openai:l": { in: 100, out: 100 } },
  },
};

interface Priced {
  readonly place: Place;
  /** With the configured models, not one for all tiers. */
  run(...args: readonly string[]): Promise<Ended>;
}

/** @param usage that the coder's second call reports */
async function open(test: TestEnd, usage?: ServerAnswer["usage"]): Promise<Priced> {
  const place = await openPlace(test, {
    config: CONFIG,
    files: { "a.txt": "a\n" },
    reply: crew({
      steps: STEPS,
      turns: { coder: [call("read_file", { path: "a.txt" }), { content: "Mended.", ...(usage === undefined ? {} : { usage }) }] },
    }),
  });
  return { place, run: (...args) => place.run(args, { env: { BOSUN_MODEL: "" } }) };
}

/** Models that were asked by this worker. */
function askedBy({ place }: Priced, worker: string): readonly unknown[] {
  const own = place.requests.filter((request) => request.headers["x-bosun-worker"] === worker);
  return [...new Set(own.map((request) => request.body.model))];
}

describe("a plan", () => {
  it.concurrent("is shown with its price, step by step and in all, and where that is a guess", async (test) => {
    const at = await open(test);
    const { code, stdout, stderr } = await at.run("plan", "mend it");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe(
      [
        "1. look › researcher: goal of look",
        "   small tier, openai:s · 48,000 + 2,400 tokens · about $0.0504 · 49.4 s",
        "2. mend › coder (after look): goal of mend",
        "   medium tier, openai:m · 72,000 + 3,600 tokens · about $0.7560 · 1 m 13 s",
        "In all 122,500 + 6,600 tokens · about $0.8374 · 2 m 13 s · longest way: look → mend",
        "A guess for researcher, coder: fewer than 3 of their steps were measured in this workspace.",
        "confidence 0.95 · complexity 0.4",
        "",
      ].join("\n"),
    );
    const json = await at.run("plan", "mend it", "--json");
    const { plan, estimate } = JSON.parse(json.stdout) as { plan: RunView["plan"]; estimate: RunEstimate };
    expect(estimate).toMatchObject({ usd: 0.8374, prompt_tokens: 122_500, source: "estimated", critical_path: ["look", "mend"] });
    expect(estimate).not.toHaveProperty("actual");
    expect(plan?.steps[1]?.estimate).toMatchObject({ usd: 0.756, tier: "medium", model: "openai:m" });
    expect(at.place.requests).toHaveLength(2);
  });

  it.concurrent("is done by cheaper models when that makes it fit into the budget", async (test) => {
    const at = await open(test);
    const done = await at.run("run", "mend it", "--budget-usd", "0.3", "--json");
    expect(done.code, done.stderr).toBe(0);
    expect(askedBy(at, "coder")).toEqual(["s"]);
    expect(done.view().estimate).toMatchObject({ usd: 0.157 });
  });

  it.concurrent("is compared with what the run came to, and learned from", async (test) => {
    const at = await open(test);
    for (let times = 0; times < 3; times += 1) expect((await at.run("run", "mend it")).code).toBe(0);
    const done = await at.run("run", "mend it", "--json");
    const { estimate, usage } = done.view();
    // Three calls of work and the one that puts the reports together, 10 + 5 tokens each; the plan's call came before.
    expect(estimate).toMatchObject({ prompt_tokens: 40, completion_tokens: 20, guessed: [] });
    expect(estimate?.actual).toMatchObject({ prompt_tokens: 40, completion_tokens: 20, source: "reported" });
    expect(usage).toMatchObject({ prompt_tokens: 50 });
    const shown = await at.run("show", done.view().run_id);
    expect(shown.stdout).toMatch(/estimated 40 \+ 20 tokens, about \$0\.0005, [^(]*; was 40 \+ 20 tokens, \$0\.0005, /);
  });

  it.concurrent("that is known to cost more than is left is put to the person before anything is done", async (test) => {
    const at = await open(test, { prompt_tokens: 30_000, completion_tokens: 100 });
    for (let times = 0; times < 3; times += 1) expect((await at.run("run", "mend it")).code).toBe(0);
    const asked = await at.run("run", "mend it", "--budget-tokens", "20000", "--json");
    expect(asked.code, asked.stderr).toBe(3);
    const { run_id: runId, status, question } = asked.view();
    expect(status).toBe("waiting_answer");
    expect(question?.text).toMatch(/^This plan costs more than is left of the run's budget: about 30145 tokens with 19985 tokens left\./);
    expect(question?.options.map((option) => option.value)).toEqual(["go_on", "smaller", "cancel"]);
    const refused = await at.run("answer", runId, "cancel");
    expect(refused.code).not.toBe(0);
    expect((await at.run("runs", "--json")).stdout).toContain("did not want the plan");
  });
});
