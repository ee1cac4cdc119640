/** Sweeping and verifying ask the same question of the same journal: nothing that `verify` misses may be swept. */
import { expect, it } from "vitest";
import { EventRefs, walkPayloads } from "../../mcp-server/journal/payload-refs.ts";
import { referencesOfEvent, referencesOfPayload } from "../../mcp-server/journal/references.ts";
import type { PayloadForm } from "../../mcp-server/journal/references.ts";
import type { History } from "./history.ts";
import { loadHistory } from "./history.ts";
import { SCENARIOS } from "./scenarios.ts";

function kept({ events, blobs }: History): ReadonlySet<string> {
  const found = new Map<string, PayloadForm>();
  const take = (hash: string, form: PayloadForm): void => {
    if (found.has(`${form} ${hash}`)) return;
    found.set(`${form} ${hash}`, form);
    referencesOfPayload(Buffer.from(blobs[hash] ?? ""), form, take);
  };
  for (const event of events) referencesOfEvent(JSON.stringify(event.data), take);
  return new Set([...found.keys()].map((key) => key.slice(key.indexOf(" ") + 1)));
}

it("all that the exact walk finds in a recorded history, the careful one keeps", () => {
  for (const name of Object.keys(SCENARIOS)) {
    const history = loadHistory(name);
    const careful = kept(history);
    const refs = new EventRefs();
    const seen = new Set<string>();
    const read = (hash: string): Buffer | null => (history.blobs[hash] === undefined ? null : Buffer.from(history.blobs[hash]));
    const named = history.events.flatMap((event) => [...walkPayloads(refs.of(event), read, seen)].map(({ hash }) => hash));
    expect(named.length, name).toBeGreaterThan(0);
    expect(
      named.filter((hash) => !careful.has(hash)),
      name,
    ).toEqual([]);
  }
});
