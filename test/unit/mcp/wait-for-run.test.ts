import { describe, expect, it } from "vitest";
import { waitForRun } from "../../../mcp-server/mcp/wait-for-run.ts";
import { FakeService } from "../cli/fake-service.ts";
import { runView } from "../cli/views.ts";

const ID = "run_aaaa1111";
const never = new AbortController().signal;

describe("waiting for a run", () => {
  it("ends when the run rests, long before the time is over", async () => {
    const view = await waitForRun(new FakeService(), ID, { ms: 45_000, signal: never, tell: null });
    expect(view.status).toBe("completed");
  });

  it("ends with the run as it is when the time is over, or the client does not wait any more", async () => {
    const service = new FakeService({ hangs: true, states: [runView()] });
    expect((await waitForRun(service, ID, { ms: 0, signal: never, tell: null })).status).toBe("running");
    expect((await waitForRun(service, ID, { ms: 45_000, signal: AbortSignal.abort(), tell: null })).status).toBe("running");
    expect(service.calls).toEqual([]);
  });

  it("ends when the engine had to stop", async () => {
    const service = new FakeService({ states: [runView()] });
    service.settled = () => Promise.reject(new Error("disk full"));
    expect((await waitForRun(service, ID, { ms: 45_000, signal: never, tell: null })).status).toBe("running");
  });

  it("ends although the client reads no progress", async () => {
    const service = new FakeService({ states: [runView()] });
    let rest: () => void = () => undefined;
    service.settled = () =>
      new Promise((resolve) => {
        rest = () => resolve(runView());
      });
    const told: string[] = [];
    const waiting = waitForRun(service, ID, {
      ms: 45_000,
      signal: never,
      tell: (message) => {
        told.push(message);
        return new Promise(() => undefined);
      },
    });
    const event = { run_id: ID, seq: 1, time: 0, epoch: 1, path: "", kind: "run-ended", data: { status: "completed" } };
    service.note({ type: "delta", run_id: ID, path: "", text: "never told" });
    service.note({ type: "event", event: event as never, words: "never told" });
    rest();
    expect((await waiting).run_id).toBe(ID);
    expect(told).toEqual(["completed"]);
  });
});
