/** `bosun route` by the whole program: offline it leaves nothing behind, and a model is asked once for the same words. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Route } from "../../shared/routing.ts";
import { crew } from "../support/crew-replies.ts";
import { openPlace } from "../support/real-program.ts";

type Answer = Partial<Route> & { readonly error?: { readonly code: string; readonly message: string; readonly retryable: boolean } };

describe("route", () => {
  it.concurrent("answers each of 2,000 lines, in order, before anything is made on the disk or asked of a model", async (test) => {
    const place = await openPlace(test);
    const tasks = Array.from({ length: 1_000 }, (_, n) => `where is option ${n} of the parser read?`);
    const lines = tasks.flatMap((task, n) => [
      JSON.stringify({ task }),
      n % 2 === 0 ? "{broken" : JSON.stringify({ task: "review my last commit" }),
    ]);
    const started = place.start(["route", "--stdin", "--json", "--model", "offline"]);
    // The first answer comes while there is more to be read.
    started.type(`${lines[0] ?? ""}\n`);
    await started.waitFor('"source":"classifier"');
    started.endInput(`${lines.slice(1).join("\n")}\n`);
    const { code, stdout, stderr } = await started.end;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const answers = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Answer);
    expect(answers.map(({ worker, error }) => worker ?? error?.code)).toEqual(
      tasks.flatMap((_, n) => ["researcher", n % 2 === 0 ? "invalid_input" : "reviewer"]),
    );
    expect(answers[1]).toEqual({ error: { code: "invalid_input", message: "the line is not JSON", retryable: false } });
    expect(place.requests).toHaveLength(0);
    expect(existsSync(join(place.home, "workspaces"))).toBe(false);
  });

  it.concurrent("asks a model where the classifier is not sure, and not again for the same words", async (test) => {
    const place = await openPlace(test, { reply: crew({ steps: [{ id: "s", worker: "architect" }] }) });
    const route = async (task: string): Promise<Route> => JSON.parse((await place.run(["route", task, "--json"])).stdout) as Route;
    const unsure = "the thing with the thing";
    expect(await route(unsure)).toMatchObject({ worker: "architect", source: "model" });
    const asked = place.requests.length;
    expect(asked).toBeGreaterThan(0);
    expect(await route(unsure)).toMatchObject({ worker: "architect", source: "cache" });
    expect(await route("review my last commit")).toMatchObject({ worker: "reviewer", source: "classifier", verdict: "sure" });
    expect(place.requests).toHaveLength(asked);
  });
});
