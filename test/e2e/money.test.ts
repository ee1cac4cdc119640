/** Caps, overruns and fallbacks, as who uses the program sees them. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { planOf } from "../support/crew-replies.ts";
import { openPlace } from "../support/real-program.ts";

const report = (completion: number, prompt = 100) => ({
  content: "Report.",
  usage: { prompt_tokens: prompt, completion_tokens: completion },
});

describe("a provider that reports more than it was allowed", () => {
  it.concurrent("stops a run that has a cap, says so, and goes on when a person resumes it", async (test) => {
    const place = await openPlace(test, { reply: () => report(90_000) });
    const stopped = await place.run(["run", "do it", "--worker", "coder", "--budget-tokens", "20000"]);
    expect(stopped.code, stopped.stderr).toBe(4);
    expect(stopped.stderr).toMatch(/budget_exceeded: openai:test reported 90000 completion tokens where \d+ were allowed/);
    const resumed = await place.run(["resume", stopped.runId()]);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(resumed.stdout).toContain("Report.");
    expect(place.requests).toHaveLength(1);
    await place.expectIntact();
  });

  it.concurrent("stops no run without a cap, and is noted", async (test) => {
    const place = await openPlace(test, { reply: () => report(90_000) });
    const done = await place.run(["run", "do it", "--worker", "coder"]);
    expect(done.code, done.stderr).toBe(0);
    expect((await place.run(["show", done.runId(), "--json"])).view().usage.completion_tokens).toBe(90_000);
  });
});

describe("a model that does not report what it used", () => {
  it.concurrent("is counted by estimate, and refused under a cap in dollars from then on", async (test) => {
    const place = await openPlace(test, {
      reply: () => ({ content: "Report.", usage: null }),
      config: { models: { prices: { "openai:test": { in: 1, out: 1 } } } },
    });
    const counted = await place.run(["run", "do it", "--worker", "coder", "--json"]);
    expect(counted.view().usage).toMatchObject({ source: "estimated" });
    const steps = join(place.workspace, "plan.json");
    const step = (id: string, needs: string[]) => ({ id, worker: "coder", goal: "g", depends_on: needs, when: null, expects: "" });
    writeFileSync(steps, JSON.stringify([step("a", []), step("b", ["a"])]));
    const refused = await place.run(["run", "do it", "--steps", steps, "--budget-usd", "5"]);
    expect(refused.code, refused.stdout).toBe(4);
    expect(refused.stderr).toContain("openai:test does not report what it used");
  });
});

describe("a cap", () => {
  it.concurrent("of a day counts over runs and processes, and says how it is raised", async (test) => {
    const place = await openPlace(test, {
      reply: ({ body }) => report(Math.min(2_000, body.max_completion_tokens ?? 0)),
      config: { budget: { day: { tokens: 25_000 } } },
    });
    const codes: (number | null)[] = [];
    for (let times = 0; times < 12; times += 1) {
      const end = await place.run(["run", `do it ${times}`, "--worker", "coder"]);
      codes.push(end.code);
      if (end.code === 0) continue;
      expect(end.stderr).toMatch(/today's budget .*`budget\.day\.tokens`/s);
      break;
    }
    expect(codes.length).toBeGreaterThan(2);
    expect(codes.at(-1)).toBe(4);
    const { total } = JSON.parse((await place.run(["usage", "--json"])).stdout) as {
      total: { prompt_tokens: number; completion_tokens: number };
    };
    expect(total.prompt_tokens + total.completion_tokens).toBeLessThanOrEqual(25_000);
  });

  it.concurrent("of a session counts its runs together", async (test) => {
    const place = await openPlace(test, {
      reply: ({ body }) => report(Math.min(4_000, body.max_completion_tokens ?? 0)),
      config: { budget: { session: { tokens: 14_000 } } },
    });
    const first = await place.run(["run", "do it", "--worker", "coder", "--session", "s"]);
    expect(first.code, first.stderr).toBe(0);
    const second = await place.run(["run", "do it again", "--worker", "coder", "--session", "s"]);
    const third = await place.run(["run", "and again", "--worker", "coder", "--session", "s"]);
    expect([second.code, third.code]).toContain(4);
    expect(second.stderr + third.stderr).toMatch(/the session's budget .*`budget\.session\.tokens`/s);
    const other = await place.run(["run", "do it", "--worker", "coder", "--session", "t"]);
    expect(other.code, other.stderr).toBe(0);
  });

  it.concurrent("that was configured for all runs can be lowered by one, not raised", async (test) => {
    const place = await openPlace(test, { config: { budget: { run: { tokens: 30_000 } } } });
    const lower = await place.run(["run", "do it", "--worker", "coder", "--budget-tokens", "20000", "--json"]);
    expect(lower.view().budget?.tokens).toBe(20_000);
    const higher = await place.run(["run", "do it", "--worker", "coder", "--budget-tokens", "90000", "--json"]);
    expect(higher.view().budget?.tokens).toBe(30_000);
  });
});

describe("a tier", () => {
  it.concurrent("whose first model is down is served by the second, and the trace says why", async (test) => {
    const place = await openPlace(test, {
      config: { providers: { down: { baseUrl: "http://127.0.0.1:9/v1" } }, models: { medium: ["down:m", "openai:test"] } },
    });
    const done = await place.run(["run", "do it", "--worker", "coder"], { env: { BOSUN_MODEL: "" } });
    expect(done.code, done.stderr).toBe(0);
    const trace = JSON.stringify(JSON.parse((await place.run(["trace", done.runId(), "--format", "json"])).stdout));
    expect(trace).toContain('"name":"openai:test"');
    expect(trace).toMatch(/"attempts":[23]/);
    expect(JSON.parse(readFileSync(join(place.home, "model-health.json"), "utf8"))).toMatchObject({ models: { "down:m": {} } });
    const doctor = await place.run(["doctor"], { env: { BOSUN_MODEL: "" } });
    expect(doctor.stdout).toMatch(/model down:m +breaker closed.*cannot be reached/s);
  });
});

describe("an answer that is kept", () => {
  it.concurrent("serves the same request again, costs nothing", async (test) => {
    const place = await openPlace(test, {
      config: { cache: { answers: "plans" } },
      reply: (request) =>
        request.headers["x-bosun-purpose"] === "plan"
          ? { json: planOf([{ id: "a", worker: "researcher" }]) }
          : { content: "Report.", usage: null },
    });
    const plans = (): number => place.requests.filter((request) => request.headers["x-bosun-purpose"] === "plan").length;
    const first = await place.run(["run", "what is here?"]);
    expect(first.code, first.stderr).toBe(0);
    const second = await place.run(["run", "what is here?"]);
    expect(second.code, second.stderr).toBe(0);
    expect(plans()).toBe(1);
    const trace = JSON.stringify(JSON.parse((await place.run(["trace", second.runId(), "--format", "json"])).stdout));
    expect(trace).toContain('"cached":true');
    await place.expectIntact();
    const other = await place.run(["run", "what else is here?"]);
    expect(other.code, other.stderr).toBe(0);
    expect(plans()).toBe(2);
  });
});
