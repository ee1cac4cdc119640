import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { withTimeout } from "../../../mcp-server/tools/with-timeout.ts";

const slow = { name: "slow_tool", timeoutMs: 1000 };
const never = () => new Promise<never>(() => undefined);

describe("the time limit of a tool", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it("ends a call that takes longer, also when the tool does not listen", async () => {
    const signals: AbortSignal[] = [];
    const run = withTimeout(slow, new AbortController().signal, (signal) => (signals.push(signal), never()));
    const ended = expect(run).rejects.toMatchObject({ code: "timeout", message: "slow_tool took longer than 1 s: narrow it down" });
    await vi.advanceTimersByTimeAsync(999);
    expect(signals[0]?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await ended;
    expect(signals[0]?.aborted).toBe(true);
  });

  it("hands on why the call was cancelled", async () => {
    const outer = new AbortController();
    const run = withTimeout(slow, outer.signal, never);
    const ended = expect(run).rejects.toBe("no longer wanted");
    outer.abort("no longer wanted");
    await ended;
    await expect(withTimeout(slow, outer.signal, never)).rejects.toBe("no longer wanted");
  });

  it("leaves neither a timer nor a listener behind", async () => {
    const outer = new AbortController();
    expect(await withTimeout(slow, outer.signal, async () => "done")).toBe("done");
    await expect(withTimeout(slow, outer.signal, async () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(outer.signal, "abort")).toEqual([]);
  });
});
