/** Rules of the person's own decide without asking, and what a workspace says of policy can only make it stricter. */
import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openService } from "../../mcp-server/compose.ts";
import { call, crew, type Reply } from "../support/crew-replies.ts";
import { noTerminal, openPlace, type Place } from "../support/real-program.ts";

const writes = (path: string): ReturnType<typeof call> => call("write_file", { path, content: "written\n" });
const coder = (...turns: Reply[]): ReturnType<typeof crew> =>
  crew({ steps: [{ id: "do", worker: "coder" }], turns: { coder: [...turns, { content: "Done." }] } });

const isWritten = (place: Place, path: string): boolean => existsSync(join(place.workspace, path));

describe("an allow rule", () => {
  it.concurrent("has a change set applied without asking, and says so in stream, trace and journal", async (test) => {
    const place = await openPlace(test, {
      config: { policy: [{ decide: "allow", path: "docs/**", worker: "coder", why: "docs are free" }] },
      reply: coder(writes("docs/a.md")),
    });
    const done = await place.run(["run", "write docs"]);
    expect(done.code, done.stderr).toBe(0);
    expect(done.stdout).toContain("allowed by a rule, policy[0]: allow worker=coder path=docs/**");
    expect(readFileSync(join(place.workspace, "docs/a.md"), "utf8")).toBe("written\n");
    const { runs } = JSON.parse((await place.run(["runs", "--json"])).stdout) as { runs: readonly { run_id: string }[] };
    const runId = runs[0]?.run_id ?? "";
    const trace = await place.run(["trace", runId, "--json"]);
    expect(trace.stdout).toContain('"rule": "policy[0]: allow worker=coder path=docs/**"');
    expect((await place.run(["verify", runId])).code).toBe(0);
    await place.expectReplay(runId);
  });

  it.concurrent.for<[string, string[]]>([
    ["a file that no rule allows", ["docs/a.md", "src/a.ts"]],
    ["high risk", ["docs/AGENTS.md", "docs/.vscode/settings.json"]],
  ])("does not decide for a change set with %s", async ([, paths], test) => {
    const place = await openPlace(test, {
      config: { policy: [{ decide: "allow", path: "docs/**" }] },
      reply: coder(...paths.map(writes)),
    });
    const done = await place.run(["run", "write", "--json"]);
    expect(done.code).toBe(3);
    expect(done.view().status).toBe("waiting_approval");
    for (const path of paths) expect(isWritten(place, path)).toBe(false);
  });
});

describe("a deny rule", () => {
  it.concurrent("refuses the call, with its reason for the worker", async (test) => {
    const place = await openPlace(test, {
      config: { policy: [{ decide: "deny", path: "private/**", why: "ask the lawyers" }] },
      files: { "private/a.txt": "SECRETWORD\n", "b.txt": "SECRETWORD too\n" },
      reply: coder(call("read_file", { path: "private/a.txt" }), writes("private/b.txt"), call("search_text", { pattern: "SECRETWORD" })),
    });
    const done = await place.run(["run", "look", "--json"]);
    expect(done.code, done.stderr).toBe(0);
    const told = JSON.stringify(place.requests.map((request) => request.body.messages));
    expect(told).toContain("Error (policy_denied): The coder may not use read_file on `private/a.txt`: ask the lawyers.");
    expect(told).toContain("b.txt:1: SECRETWORD too");
    expect(told).not.toContain("private/a.txt:1");
    expect(isWritten(place, "private/b.txt")).toBe(false);
  });

  it.concurrent("of a class refuses the change set, and the worker is told", async (test) => {
    const place = await openPlace(test, {
      config: { policy: [{ decide: "deny", class: "write", path: "gen/**", why: "these are generated" }] },
      reply: coder(writes("gen/a.ts")),
    });
    const done = await place.run(["run", "write", "--json"]);
    expect(done.code, done.stderr).toBe(0);
    expect(isWritten(place, "gen/a.ts")).toBe(false);
    expect(JSON.stringify(place.requests.map((request) => request.body.messages))).toContain(
      "Your changes were refused by a rule: these are generated.",
    );
    await place.expectReplay(done.runId());
  });

  it.concurrent("holds for a link that leads there", async (test) => {
    const place = await openPlace(test, {
      config: { policy: [{ decide: "deny", path: "private/**" }] },
      files: { "private/a.txt": "SECRETWORD\n" },
      reply: coder(call("read_file", { path: "way/a.txt" })),
    });
    symlinkSync("private", join(place.workspace, "way"));
    const done = await place.run(["run", "look", "--json"]);
    expect(done.code, done.stderr).toBe(0);
    expect(JSON.stringify(place.requests.map((request) => request.body.messages))).not.toContain("SECRETWORD");
  });
});

describe("policy is read live", () => {
  it.concurrent("a change set that waits is not applied once a rule refuses it, whoever approves", async (test) => {
    const place = await openPlace(test, { config: {}, reply: coder(writes("docs/a.md")) });
    const waiting = await place.run(["run", "write", "--json"]);
    expect(waiting.code).toBe(3);
    writeFileSync(join(place.home, "bosun.json"), JSON.stringify({ policy: [{ decide: "deny", path: "docs/**", why: "not now" }] }));
    const service = openService({
      system: { platform: process.platform, env: place.env, homeDir: place.folder },
      workspace: place.workspace,
      folder: place.workspace,
    });
    try {
      const [approval] = service.listApprovals();
      if (approval === undefined) throw new Error("an approval is open");
      await service.recover();
      await service.decide(approval.approval_id, { decision: "approve", digest: service.getApproval(approval.approval_id).digest });
      const view = await service.settled(waiting.runId());
      expect(view.status).toBe("completed");
    } finally {
      await service.close();
    }
    expect(isWritten(place, "docs/a.md")).toBe(false);
    expect(JSON.stringify(place.requests.map((request) => request.body.messages))).toContain("nothing was applied: not now");
  });
});

describe("a secret", () => {
  it.concurrent("is read by the worker that a rule of the person's names, and by no other way", async (test) => {
    const place = await openPlace(test, {
      config: { policy: [{ decide: "allow", tool: "read_file", path: ".env.example" }] },
      files: { ".env.example": "EXAMPLEWORD\n", ".env": "REALWORD\n" },
      reply: coder(
        call("read_file", { path: ".env.example" }),
        call("read_file", { path: ".env" }),
        call("search_text", { pattern: "REALWORD" }),
        writes(".env.example"),
      ),
    });
    const done = await place.run(["run", "look", "--json"]);
    expect(done.code, done.stderr).toBe(0);
    const told = JSON.stringify(place.requests.map((request) => request.body.messages));
    expect(told).toContain("EXAMPLEWORD");
    expect(told).not.toContain("1: REALWORD");
    expect(readFileSync(join(place.workspace, ".env.example"), "utf8")).toBe("EXAMPLEWORD\n");
  });
});

describe("a fork", () => {
  it.concurrent.for(["allow", "deny"] as const)("keeps what a rule decided and what came of it: %s", async (decide, test) => {
    const place = await openPlace(test, {
      config: { policy: [{ decide, class: "write", path: "docs/**" }] },
      reply: crew({
        steps: [
          { id: "writing", worker: "coder" },
          { id: "looking", worker: "researcher", depends_on: ["writing"] },
        ],
        turns: { coder: [writes("docs/a.md")] },
      }),
    });
    const parent = await place.run(["run", "write", "--json"]);
    expect(parent.code, parent.stderr).toBe(0);
    const asked = place.requests.length;
    const fork = await place.run(["fork", parent.runId(), "--at", "looking", "--json"]);
    expect(fork.code, fork.stderr).toBe(0);
    expect(place.requests.slice(asked).filter((request) => request.headers["x-bosun-worker"] === "coder")).toEqual([]);
    const { audit } = JSON.parse((await place.run(["audit", "--run", fork.runId(), "--json"])).stdout) as { audit: readonly unknown[] };
    expect(audit).toEqual([]);
    expect(isWritten(place, "docs/a.md")).toBe(decide === "allow");
    await place.expectReplay(fork.runId());
  });
});

describe("from decisions to a rule", () => {
  it.skipIf(noTerminal !== null)("eight approvals suggest one, a person accepts it, it decides, and is taken back", async (test) => {
    let pages = 0;
    const place = await openPlace(test, {
      reply: crew({
        steps: Array.from({ length: 8 }, (_, index) => ({ id: `page-${index}`, worker: "coder" })),
        turns: { coder: [() => writes(`docs/page-${(pages += 1)}.md`)] },
      }),
    });
    const run = place.terminal(["run", "write pages"]);
    for (let time = 0; time < 8; time += 1) {
      await run.waitFor("Apply these changes?");
      run.type("y\r");
    }
    expect((await run.end).code).toBe(0);
    const { suggestions } = JSON.parse((await place.run(["policy", "suggest", "--json"])).stdout) as {
      suggestions: readonly { id: string; why: string }[];
    };
    expect(suggestions).toMatchObject([{ why: "8 of 8 changes under docs/ by coder were approved" }]);
    const id = suggestions[0]?.id ?? "";
    expect((await place.run(["policy", "accept", id])).code).toBe(3);
    expect(existsSync(join(place.home, "bosun.json"))).toBe(false);
    const accept = place.terminal(["policy", "accept", id]);
    await accept.waitFor("Put this rule into your settings?");
    accept.type("y\r");
    expect((await accept.end).code).toBe(0);
    expect((await place.run(["run", "write", "--worker", "coder", "--json"])).code).toBe(0);
    const { audit } = JSON.parse((await place.run(["audit", "--json"])).stdout) as {
      audit: readonly { channel: string; problem: string | null }[];
    };
    expect(audit.map((entry) => entry.channel)).toEqual([...Array<string>(8).fill("cli"), "policy"]);
    expect(audit.every((entry) => entry.problem === null)).toBe(true);
    const checked = await place.run(["policy", "check", "write_file", '{"path":"docs/x.md","content":""}', "--json"]);
    expect(JSON.parse(checked.stdout)).toMatchObject({ changes: [{ decide: "allow", source: "person" }] });
    const revoke = place.terminal(["policy", "revoke", id]);
    await revoke.waitFor("Take this rule out of your settings?");
    revoke.type("y\r");
    expect((await revoke.end).code).toBe(0);
    expect((await place.run(["run", "write", "--worker", "coder", "--json"])).code).toBe(3);
  });
});
