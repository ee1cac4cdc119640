/** What is due is written together, and nothing with a side effect begins before that. */
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Fn } from "../../support/bare-engine.ts";
import { openBareEngine } from "../../support/bare-engine.ts";

const admit = () => ({ reserve: { prompt_tokens: 1, completion_tokens: 1, usd: null } });

describe("branches that go on at the same time", () => {
  it("have their intents in one commit, on the medium before the first of them begins", async () => {
    const fn: Fn = async (ctx) => {
      const branch = (name: string) =>
        ctx.branch(name, async (inner) => {
          await inner.call("echo", name);
          return inner.call("pay", name);
        });
      await Promise.all(["a", "b", "c"].map(branch));
      return { ok: true, value: 1 };
    };
    // However slow the machine: it is not the time that ends the group.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    onTestFinished(() => void vi.useRealTimers());
    const writes: string[][] = [];
    const begunAfter: number[] = [];
    const at = openBareEngine(
      fn,
      { echo: {}, pay: { kind: "paid", admit, run: async () => begunAfter.push(writes.length) } },
      {
        meddle: (journal) => {
          const write = journal.write.bind(journal);
          journal.write = (durable) => {
            const events = write(durable);
            writes.push(events.map((event) => `${event.kind} ${event.path}`));
            return events;
          };
        },
      },
    );
    const run = at.start();
    await at.engine.settled(run);
    const intents = writes.findIndex((events) => events.some((event) => event.endsWith("/pay:0")));
    expect(writes[intents]?.filter((event) => event.startsWith("call-started") && event.endsWith("/pay:0"))).toHaveLength(3);
    expect(begunAfter).toEqual([intents + 1, intents + 1, intents + 1]);
  });
});
