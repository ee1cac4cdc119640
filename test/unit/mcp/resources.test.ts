import { describe, expect, it } from "vitest";
import { FakeService } from "../cli/fake-service.ts";
import { connect } from "./connect.ts";

const NOT_FOUND = -32_602;

describe("a resource", () => {
  it.each([
    ["there is none of", "bosun://nothing"],
    ["names no run", "bosun://runs/run_none"],
    ["names no run's part", "bosun://runs/run_none/changes"],
    ["names no worker", "bosun://workers/nobody"],
    ["is not percent-encoded", "bosun://sessions/%ZZ"],
    ["is not UTF-8", "bosun://workers/%E0%A4%A"],
  ])("that %s is not found, which is no fault of ours", async (_, uri) => {
    const client = await connect(new FakeService());
    await expect(client.readResource({ uri })).rejects.toMatchObject({ code: NOT_FOUND });
  });

  it("is found by an encoded name", async () => {
    const client = await connect(new FakeService());
    const { contents } = await client.readResource({ uri: "bosun://sessions/50%25%20of%2Fit" });
    expect(contents).toMatchObject([{ uri: "bosun://sessions/50%25%20of%2Fit", mimeType: "application/json" }]);
  });

  it("of a run's changes is a diff, of its trace JSON", async () => {
    const client = await connect(new FakeService());
    const typeOf = async (uri: string) => (await client.readResource({ uri })).contents[0]?.mimeType;
    expect(await typeOf("bosun://runs/run_aaaa1111/changes")).toBe("text/x-diff");
    expect(await typeOf("bosun://runs/run_aaaa1111")).toBe("application/json");
  });

  it("and a prompt complete the ids of runs", async () => {
    const client = await connect(new FakeService());
    const run = { name: "run_id", value: "run_a" };
    for (const ref of [
      { type: "ref/resource", uri: "bosun://runs/{run_id}/trace" },
      { type: "ref/prompt", name: "explain_run" },
    ] as const)
      expect((await client.complete({ ref, argument: run })).completion.values).toEqual(["run_aaaa1111"]);
  });
});
