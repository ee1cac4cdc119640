/** Commands by which a person steers a run: pause, tell, fork, settle. */
import { describe, expect, it } from "vitest";
import { runCli } from "../../../mcp-server/cli/run-cli.ts";
import { FakeService, type FakeServiceOptions } from "./fake-service.ts";
import { FakeTerminal, person } from "./fake-terminal.ts";
import { runView } from "./views.ts";

async function run(argv: readonly string[], options: FakeServiceOptions = {}, terminal = new FakeTerminal()) {
  const service = new FakeService(options);
  const code = await runCli(argv, terminal.io, () => Promise.resolve(service));
  return { code, terminal, service };
}

const paused = runView({ status: "paused" });
const done = runView({ status: "completed", answer: "All is well.", finished_at: "2026-01-02T03:04:05.000Z" });
const uncertain = runView({
  status: "paused",
  error: { code: "uncertain_effect", message: "apply_changes was cut short", retryable: false },
  uncertain: [{ effect_id: "plan:0/step:a/apply:0", name: "apply_changes", about: "a.txt", message: "cut\u001B[2J short" }],
});

describe("pause", () => {
  it("pauses, waits until the run rests, and says how to go on", async () => {
    const { code, terminal, service } = await run(["pause", "run_aaaa"], { states: [runView(), paused] });
    expect([code, service.calls]).toEqual([0, ["pause run_aaaa1111"]]);
    expect(terminal.out).toContain("Run run_aaaa1111 is paused.");
    expect(terminal.out).toContain("bosun resume run_aaaa1111");
  });
});

describe("tell", () => {
  it("hands the words on", async () => {
    const { code, service } = await run(["tell", "run_aaaa", "keep the names"], { states: [runView()] });
    expect([code, service.calls]).toEqual([0, ['tell run_aaaa1111 "keep the names"']]);
  });
});

describe("fork", () => {
  it("hands on what shall be otherwise, follows the new run, and says that approvals are asked anew", async () => {
    const args = ["--at", "17", "--task", "t", "--model", "m:x", "--worker", "coder", "--answer", "a", "--budget-seconds", "9"];
    const { code, terminal, service } = await run(["fork", "run_aaaa", ...args], { states: [done] });
    const asked = { at: "17", task: "t", model: "m:x", worker: "coder", answer: "a", budget: { seconds: 9 } };
    expect([code, service.calls]).toEqual([0, ["recover", `fork run_aaaa1111 ${JSON.stringify(asked)}`]]);
    expect(terminal.out).toContain("approvals are asked anew");
    expect(terminal.out).toContain("All is well.");
  });

  it("needs a point", async () => {
    const { code, terminal } = await run(["fork", "run_aaaa"], { states: [done] });
    expect(code).toBe(2);
    expect(terminal.err).toContain("--at");
  });
});

describe("an effect that is uncertain", () => {
  it.each([
    ["y", "happened"],
    ["n", "not_happened"],
    ["g", "give_up"],
  ])("is settled by %s, and the run goes on", async (typed, decision) => {
    const { code, terminal, service } = await run(["settle", "run_aaaa"], { states: [uncertain, done] }, person(typed));
    expect([code, service.calls]).toEqual([0, [`settle run_aaaa1111 plan:0/step:a/apply:0 ${decision}`]]);
    expect(terminal.out).toContain("apply_changes (a.txt) was cut short");
    expect(terminal.out).toContain("cut⟨U+001B⟩[2J short");
    expect(terminal.out).toContain("All is well.");
  });

  it("is asked about by a run that is followed on a terminal", async () => {
    const { code, service } = await run(["run", "x"], { states: [uncertain, done] }, person("what?", "y"));
    expect([code, service.calls]).toEqual([0, ["recover", "settle run_aaaa1111 plan:0/step:a/apply:0 happened"]]);
  });

  it("stays open after Enter alone and without a terminal: exit 3, nothing decided", async () => {
    const left = await run(["settle", "run_aaaa"], { states: [uncertain] }, person(""));
    expect([left.code, left.service.calls]).toEqual([3, []]);
    const nobody = await run(["settle", "run_aaaa"], { states: [uncertain] });
    expect([nobody.code, nobody.service.calls]).toEqual([3, []]);
    expect(nobody.terminal.out).toContain("bosun settle run_aaaa1111");
    expect((await run(["settle", "run_aaaa", "--json"], { states: [uncertain] })).code).toBe(3);
  });

  it("is shown by show; where nothing is uncertain there is nothing to settle", async () => {
    expect((await run(["show", "run_aaaa"], { states: [uncertain] })).terminal.out).toContain("nobody knows whether it happened");
    expect((await run(["settle", "run_aaaa"], { states: [done] })).terminal.err).toMatch(/^bosun: conflict: Nothing of run/);
  });
});
