/**
 * Recorded histories must replay on every build: a journal of an earlier version is a promise. To add one, add a scenario and run
 * with RECORD_HISTORIES=1; files that are there are never written again, unless they are deleted first, which breaks a promise.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import type { DurableContext } from "../../shared/durable.ts";
import type { RunEvent } from "../../shared/events.ts";
import type { AnyDurableFunction } from "../../mcp-server/engine/run-instance.ts";
import { runTask } from "../../mcp-server/supervisor/run-task.ts";
import { FUNCTIONS, loadHistory, record, replay, saveHistory } from "./history.ts";
import { SCENARIOS } from "./scenarios.ts";

const names = Object.keys(SCENARIOS);

if (process.env["RECORD_HISTORIES"] === "1") {
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    if (!existsSync(join(import.meta.dirname, "histories", `${name}.json`))) saveHistory(name, await record(scenario));
  }
}

describe("a recorded history", () => {
  it.each(names)("replays to the same end: %s", async (name) => {
    const history = loadHistory(name);
    const replayed = await replay(history);
    expect(replayed, JSON.stringify(replayed)).toMatchObject({ ok: true, events: history.events.length });
  });

  it.each(names)("has what was said in payloads only, so that it can be forgotten: %s", (name) => {
    const { events, blobs } = loadHistory(name);
    const said =
      /do it|goal of|goal g|report(?!ed)|cannot be done|not like this|the blue one|Which\?|no such file|disk says no|wizard|[Pp]ut back|the person rejected|a rule refuses/u;
    expect(said.exec(JSON.stringify(events))?.[0]).toBeUndefined();
    expect(said.test(JSON.stringify(blobs))).toBe(true);
  });

  it("replays in a world where asking for time or chance throws", async () => {
    const forbidden = (): never => {
      throw new Error("a supervisor asked for time or chance");
    };
    const histories = names.map((name) => loadHistory(name));
    const spies = [
      vi.spyOn(Date, "now"),
      vi.spyOn(Math, "random"),
      vi.spyOn(globalThis.crypto, "randomUUID"),
      vi.spyOn(globalThis, "setTimeout"),
      vi.spyOn(globalThis, "fetch"),
      vi.spyOn(String.prototype, "localeCompare"),
    ];
    for (const spy of spies) spy.mockImplementation(forbidden);
    const replays = [];
    try {
      for (const history of histories) replays.push(await replay(history));
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
    expect(replays.map((each) => each.ok)).toEqual(names.map(() => true));
  });

  it.each(names)("is what the supervisor does today: %s", async (name) => {
    const scenario = SCENARIOS[name];
    if (scenario === undefined) throw new Error("no scenario");
    const shape = (events: readonly { kind: string; path: string }[]): readonly string[] =>
      events.map((event) => `${event.kind} ${event.path}`).toSorted();
    const { events } = loadHistory(name);
    expect(shape((await record({ ...scenario, flags: flagsOf(events) })).events)).toEqual(shape(events));
  });
});

/** Those that the recorded run was begun with. */
function flagsOf([first]: readonly RunEvent[]): readonly number[] {
  return first?.kind === "run-started" ? first.data.flags : [];
}

type Ctx = DurableContext<Record<string, { input: unknown; output: unknown }>>;

/** Supervisors with one small fault each: every one must be found by some history. */
const MUTANTS: Readonly<Record<string, AnyDurableFunction>> = {
  "forgets to drop rejected changes": wrap((ctx) => ({
    ...ctx,
    call: (name, input, as) =>
      name === "discard_changes" ? Promise.resolve({ ok: true as const, value: { paths: [] } }) : ctx.call(name, input, as),
  })),
  "does not record what was skipped": wrap((ctx) => ({
    ...ctx,
    record: (kind, data) => (kind === "step-skipped" ? undefined : ctx.record(kind, data)),
  })),
  "asks for approval under another deadline": wrap((ctx) => ({
    ...ctx,
    signal: (name, deadline, about) => ctx.signal(name, deadline === null ? null : deadline + 1, about),
  })),
  "gives up instead of holding": wrap((ctx) => ({ ...ctx, hold: () => Promise.resolve() })),
  "asks larger models for the plan": wrap((ctx) => ({
    ...ctx,
    call: (name, input, as) =>
      ctx.call(name, (input as { purpose?: string }).purpose === "plan" ? { ...(input as object), models: ["fake:l"] } : input, as),
  })),
  "tells workers less": wrap((ctx) => ({ ...ctx, chain: (items, before) => ctx.chain(items.slice(0, 1), before) })),
  "runs steps one after the other": serialised(),
};

function wrap(change: (ctx: Ctx) => Ctx): AnyDurableFunction {
  const wrapped = (ctx: Ctx): Ctx => {
    const changed = change(ctx);
    return {
      ...changed,
      branch: (name, fn) => ctx.branch(name, (inner) => fn(wrapped(inner))),
      span: (name, mark, fn) => ctx.span(name, mark, (inner) => fn(wrapped(inner))),
    };
  };
  return (ctx, input) => (runTask as AnyDurableFunction)(wrapped(ctx), input);
}

function serialised(): AnyDurableFunction {
  return (ctx, input) => {
    let last: Promise<unknown> = Promise.resolve();
    const one: Ctx = {
      ...ctx,
      span: (name, mark, fn) => {
        const mine = last.then(() => ctx.span(name, mark, fn));
        last = mine;
        return mine;
      },
    };
    return (runTask as AnyDurableFunction)(one, input);
  };
}

describe("a changed supervisor", () => {
  it.each(Object.entries(MUTANTS))("that %s is found", async (_, mutant) => {
    const found = await Promise.all(names.map(async (name) => !(await replay(loadHistory(name), { ...FUNCTIONS, task: mutant })).ok));
    expect(found).toContain(true);
  });
});
