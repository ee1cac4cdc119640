/** A fork beside the upkeep of the journal. */
import { expect, it } from "vitest";
import { isBosunError } from "../../../shared/errors.ts";
import { missingPayload } from "../../../mcp-server/journal/payload-refs.ts";
import type { Activities, Fn } from "../../support/bare-engine.ts";
import { openBareEngine, turns } from "../../support/bare-engine.ts";

it.each([0, 1, 2, 3])("a run that is removed %i turns after its fork was begun leaves no fork whose payloads are gone", async (after) => {
  const fn: Fn = async (ctx) => {
    const read = await ctx.call("read", 1);
    const more = await ctx.call("echo", 1);
    return { ok: true, value: [read, more] };
  };
  const activities: Activities = { read: { run: async () => "said long ago ".repeat(100) }, echo: {} };
  const at = openBareEngine(fn, activities);
  const run = at.start();
  await at.engine.settled(run);
  // As a later process does: what is there is not its own.
  const next = at.again(fn, activities);
  const forked = next.engine.fork(run, { at: 3 }).then(
    (forkId) => missingPayload(next.journal.events(forkId), (hash) => (next.journal.blobs.has(hash) ? next.journal.blobs.get(hash) : null)),
    (error: unknown) => (isBosunError(error) ? error.code : error),
  );
  await turns(after);
  const gc = next.journal.collectGarbage({ cutoff: Number.MAX_SAFE_INTEGER, alone: false, thorough: true, anewUpToBytes: 0 });
  while (gc.next().done !== true);
  expect([null, "not_found"]).toContain(await forked);
});
