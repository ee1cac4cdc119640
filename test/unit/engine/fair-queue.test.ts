import { describe, expect, it } from "vitest";
import { FairQueue } from "../../../mcp-server/engine/fair-queue.ts";
import { Pool } from "../../../mcp-server/engine/pool.ts";

const all = (queue: FairQueue<string>): string[] => Array.from({ length: queue.size }, () => queue.shift() ?? "");

describe("a fair queue", () => {
  it("gives a high priority most turns, and a low one some", () => {
    const queue = new FairQueue<string>();
    for (const priority of ["low", "normal", "high"] as const)
      for (let item = 0; item < 100; item += 1) queue.push(priority, { priority, key: "k" });
    const first = all(queue).slice(0, 36);
    const count = (priority: string): number => first.filter((item) => item === priority).length;
    expect([count("high"), count("normal"), count("low")]).toEqual([24, 9, 3]);
    expect(first[0]).toBe("high");
  });

  it("lets the keys of a priority take turns, each in its own order", () => {
    const queue = new FairQueue<string>();
    for (let item = 0; item < 3; item += 1) queue.push(`a${item}`, { priority: "normal", key: "a" });
    queue.push("b0", { priority: "normal", key: "b" });
    queue.push("c0", { priority: "normal", key: "c" });
    expect(all(queue)).toEqual(["a0", "b0", "c0", "a1", "a2"]);
  });

  it("does not make up for turns that a priority missed while nobody of it was there", () => {
    const queue = new FairQueue<string>();
    for (let item = 0; item < 50; item += 1) queue.push("high", { priority: "high", key: "h" });
    for (let turn = 0; turn < 40; turn += 1) queue.shift();
    for (let item = 0; item < 20; item += 1) queue.push("low", { priority: "low", key: "l" });
    expect(all(queue).slice(0, 4)).toEqual(expect.arrayContaining(["high", "high"]));
  });

  it("forgets what is taken out", () => {
    const queue = new FairQueue<string>();
    queue.push("a", { priority: "low", key: "k" });
    queue.push("b", { priority: "low", key: "k" });
    expect([queue.remove("a"), queue.remove("a"), queue.size, queue.shift(), queue.shift()]).toEqual([true, false, 1, "b", undefined]);
  });
});

describe("a pool", () => {
  const at = (priority: "low" | "normal" | "high", signal = new AbortController().signal) => ({ priority, key: priority, signal });

  it("lets so many in, the others by priority as places come free", async () => {
    const pool = new Pool(1);
    const leave = await pool.enter(at("normal"));
    const order: string[] = [];
    const waiting = (["low", "high"] as const).map(async (priority) => {
      const done = await pool.enter(at(priority));
      order.push(priority);
      done();
    });
    await Promise.resolve();
    expect(order).toEqual([]);
    leave();
    await Promise.all(waiting);
    expect(order).toEqual(["high", "low"]);
  });

  it("gives up on who is stopped while waiting, and the place goes to the next", async () => {
    const pool = new Pool(1);
    const leave = await pool.enter(at("normal"));
    const stop = new AbortController();
    const stopped = pool.enter(at("high", stop.signal));
    const next = pool.enter(at("low"));
    stop.abort();
    await expect(stopped).rejects.toThrow("stopped before it began");
    leave();
    expect(await next).toBeTypeOf("function");
    await expect(pool.enter(at("low", stop.signal))).rejects.toThrow();
  });
});
