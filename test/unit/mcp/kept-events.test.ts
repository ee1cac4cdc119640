import { describe, expect, it } from "vitest";
import { KeptEvents } from "../../../mcp-server/mcp/kept-events.ts";

const message = (text: string) => ({ jsonrpc: "2.0" as const, method: "notifications/message", params: { data: text } });

async function replayed(events: KeptEvents, from: string): Promise<string[]> {
  const sent: string[] = [];
  const send = async (id: string, told: object): Promise<void> =>
    void sent.push(`${id} ${JSON.stringify("params" in told ? told.params : null)}`);
  await events.replayEventsAfter(from, { send });
  return sent;
}

describe("the events that a session keeps", () => {
  it("are told again from the one after the last that was seen, of its stream alone, without empty ones", async () => {
    const events = new KeptEvents();
    const first = await events.storeEvent("a", {} as never);
    await events.storeEvent("b", message("of another"));
    const second = await events.storeEvent("a", message("one"));
    await events.storeEvent("a", {} as never);
    await events.storeEvent("a", message("two"));
    expect(await replayed(events, first)).toEqual(['3 {"data":"one"}', '5 {"data":"two"}']);
    expect(await replayed(events, second)).toEqual(['5 {"data":"two"}']);
    expect(await events.getStreamIdForEventId(first)).toBe("a");
  });

  it("are at most 256, the latest", async () => {
    const events = new KeptEvents();
    for (let n = 1; n <= 257; n += 1) await events.storeEvent("a", message(String(n)));
    expect(await events.getStreamIdForEventId("1")).toBeUndefined();
    expect(await events.getStreamIdForEventId("2")).toBe("a");
    await expect(replayed(events, "1")).rejects.toThrow("kept no longer");
  });

  it("have at most half a megabyte, but for the last one", async () => {
    const events = new KeptEvents();
    await events.storeEvent("a", message("x".repeat(300_000)));
    await events.storeEvent("a", message("x".repeat(300_000)));
    expect(await events.getStreamIdForEventId("1")).toBeUndefined();
    await events.storeEvent("a", message("x".repeat(900_000)));
    expect(await events.getStreamIdForEventId("2")).toBeUndefined();
    expect(await events.getStreamIdForEventId("3")).toBe("a");
  });
});
