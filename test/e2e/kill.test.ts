import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RunView } from "../../shared/run-view.ts";
import { call, calls, crew } from "../support/crew-replies.ts";
import { noTerminal, openPlace } from "../support/real-program.ts";
import type { Place } from "../support/real-program.ts";

const FILES = { "a.txt": "hello\n" };
const STEPS = [
  { id: "look", worker: "researcher" },
  { id: "mend", worker: "coder" },
] as const;

/** The researcher is done at once; the coder's second turn is never answered in the first process. */
function slowCrew(): Parameters<typeof openPlace>[1] {
  let hang = true;
  const answers = crew({
    steps: STEPS,
    turns: {
      researcher: [call("read_file", { path: "a.txt" })],
      coder: [
        calls(["read_file", { path: "a.txt" }], ["list_files", {}]),
        () => {
          if (!hang) return call("edit_file", { path: "a.txt", old_text: "hello", new_text: "hello again" });
          hang = false;
          return "hang";
        },
      ],
    },
  });
  return { files: FILES, reply: answers };
}

async function killed(place: Place): Promise<string> {
  const run = place.start(["run", "mend it"]);
  await run.waitFor("look done");
  while (!place.requests.some((request) => request.headers["x-bosun-worker"] === "coder" && request.body.messages.length > 3))
    await new Promise((resolve) => setTimeout(resolve, 10));
  run.kill("SIGKILL");
  const end = await run.end;
  expect(end.signal).toBe("SIGKILL");
  return end.runId();
}

/** How often each call reached the model, by its span. */
function asked(place: Place): number[] {
  const spans = new Map<string, number>();
  for (const { headers } of place.requests) spans.set(String(headers["traceparent"]), (spans.get(String(headers["traceparent"])) ?? 0) + 1);
  return [...spans.values()];
}

async function runs(place: Place): Promise<RunView[]> {
  return (JSON.parse((await place.run(["runs", "--json"])).stdout) as { runs: RunView[] }).runs;
}

describe("a run killed with kill -9", () => {
  it.concurrent("goes on with `bosun resume` where it was, repeating only the one call that was in flight", async (test) => {
    const place = await openPlace(test, slowCrew());
    const runId = await killed(place);
    expect((await runs(place)).map((run) => run.run_id)).toEqual([runId]);
    const resumed = await place.run(["resume", runId]);
    expect(resumed.code, resumed.stderr).toBe(3);
    expect(resumed.stderr).toContain(`Run ${runId} goes on where it was.`);
    expect(resumed.stdout).toContain("+hello again");
    expect(readFileSync(join(place.workspace, "a.txt"), "utf8")).toBe("hello\n");
    expect(asked(place).filter((times) => times === 1)).toHaveLength(5);
    expect(asked(place).filter((times) => times !== 1)).toEqual([2]);
    const [view] = await runs(place);
    expect(view).toMatchObject({ run_id: runId, status: "waiting_approval", usage: { source: "estimated" } });
    await place.expectReplay(runId);
  });

  it.skipIf(noTerminal !== null).concurrent(
    "is taken up by the next `bosun run`, waits for its approval, and comes to its end",
    async (test) => {
      const place = await openPlace(test, slowCrew());
      const runId = await killed(place);
      const next = await place.run(["run", "something else", "--worker", "researcher"]);
      expect(next.code, next.stderr).toBe(0);
      expect(next.stderr).toContain(`left unfinished: ${runId}`);
      // It stayed until the run that it took up had come to rest.
      expect((await runs(place)).map((run) => run.status)).toEqual(["completed", "waiting_approval"]);
      const resumed = place.terminal(["resume", runId]);
      await resumed.waitFor("Apply these changes?");
      resumed.type("y\r");
      expect((await resumed.end).code, resumed.text()).toBe(0);
      expect(readFileSync(join(place.workspace, "a.txt"), "utf8")).toBe("hello again\n");
      expect((await runs(place)).map((run) => run.status)).toEqual(["completed", "completed"]);
      await place.expectIntact();
    },
  );

  it.skipIf(noTerminal !== null).concurrent(
    "in the middle of an apply is told as such; cancelling it finishes the change set, and says so",
    async (test) => {
      const place = await openPlace(test, {
        files: FILES,
        reply: crew({
          turns: { coder: [calls(["write_file", { path: "b.txt", content: "b" }], ["write_file", { path: "c.txt", content: "c" }])] },
        }),
      });
      const { run_id: runId, approvals } = (await place.run(["run", "write", "--worker", "coder", "--json"])).view();
      const approve = place.terminal(["approve", approvals[0]?.approval_id ?? ""], { env: { BOSUN_FAILPOINT: "apply.after-rename" } });
      await approve.waitFor("Apply these changes?");
      approve.type("y\r");
      await approve.end;
      const shown = await place.run(["show", runId]);
      expect(shown.stdout).toContain("Being applied, and cut short if nobody is at it: b.txt, c.txt");
      const cancelled = await place.run(["cancel", runId]);
      expect(cancelled.stdout).toContain("is cancelled.");
      expect(cancelled.stdout).toContain("Applied to 2 files");
      expect(cancelled.stdout).toContain(`revert ${runId}`);
      expect(readFileSync(join(place.workspace, "c.txt"), "utf8")).toBe("c");
      await place.expectIntact();
    },
  );

  it.concurrent("can be cancelled instead, and nothing of it is written", async (test) => {
    const place = await openPlace(test, slowCrew());
    const runId = await killed(place);
    const cancelled = await place.run(["cancel", runId]);
    expect(cancelled, cancelled.stderr).toMatchObject({ code: 0, stdout: `Run ${runId} is cancelled.\n` });
    expect((await runs(place)).map((run) => run.status)).toEqual(["cancelled"]);
    expect(readFileSync(join(place.workspace, "a.txt"), "utf8")).toBe("hello\n");
    await place.expectIntact();
  });

  it.concurrent("three times over still ends, and the log tells of it", async (test) => {
    const hangs = { left: 3 };
    const place = await openPlace(test, {
      files: FILES,
      reply: crew({
        turns: {
          coder: [
            call("list_files", {}),
            () => {
              hangs.left -= 1;
              return hangs.left >= 0 ? "hang" : { content: "At last." };
            },
          ],
        },
      }),
    });
    let runId = "";
    for (let kill = 1; kill <= 3; kill += 1) {
      const process = place.start(runId === "" ? ["run", "do it", "--worker", "coder"] : ["resume", runId]);
      while (place.requests.length < 1 + kill) await new Promise((resolve) => setTimeout(resolve, 10));
      process.kill("SIGKILL");
      runId = (await process.end).runId();
    }
    const end = await place.run(["resume", runId]);
    expect(end.code, end.stderr).toBe(0);
    expect(end.stdout).toContain("At last.");
    expect(place.requests).toHaveLength(5);
    expect(readFileSync(join(place.data(), "logs/bosun.log"), "utf8").match(/run taken up again/g)).toHaveLength(3);
    await place.expectIntact();
  });
});
