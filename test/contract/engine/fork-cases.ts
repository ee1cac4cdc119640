/** Forks: a new run that keeps what another did up to a point, and goes on live from there. */
import { expect } from "vitest";
import type { RunEvent } from "../../../shared/events.ts";
import { gate, turns } from "../../support/bare-engine.ts";
import { answer, Deeds, rich, RICH_VALUE, richParent, seeThrough } from "./fork-crew.ts";
import type { Fn } from "./harness.ts";
import { paid, refusal } from "./suite.ts";
import type { Site, Suite } from "./suite.ts";

const seqOf = (at: Site, run: string, kind: string): number => {
  const found = at.events(run).find((event) => `${event.kind} ${event.path}`.trim() === kind);
  if (found === undefined) throw new Error(`no ${kind} in ${at.kinds(run).join(", ")}`);
  return found.seq;
};

const completed = (events: readonly RunEvent[], path: RegExp): number =>
  events.filter((event) => event.kind === "call-completed" && path.test(event.path)).length;

async function checkFork(at: Site, deeds: Deeds, from: { parent: string; seq: number; fork: string }): Promise<void> {
  const { parent, seq, fork } = from;
  const kept = at.events(parent).filter((event) => event.seq <= seq);
  const first = at.events(fork)[0];
  expect(first?.kind === "run-started" && first.data.parent).toEqual({ run_id: parent, seq, head: at.world.reader.hashAt(parent, seq) });
  await seeThrough(at, fork);
  await at.ends(fork, RICH_VALUE);
  const paidBefore = completed(kept, /pay:/u);
  const receipt = completed(kept, /write:/u) === 1;
  expect(deeds.count(fork, "pay"), `paid calls at ${seq}`).toBe(2 - paidBefore);
  expect(at.fold(fork).usage.completion_tokens, `usage at ${seq}`).toBe(2 * (2 - paidBefore));
  expect(at.fold(fork).model_calls).toBe(2 - paidBefore);
  expect(deeds.count(fork, "look")).toBe(1 - completed(kept, /look:/u));
  expect(deeds.count(fork, "write"), `effects at ${seq}`).toBe(receipt ? 0 : 1);
  // What was proposed, and approved, and not carried out was so for the parent.
  expect(deeds.count(fork, "propose"), `proposals at ${seq}`).toBe(receipt ? 0 : 1);
  expect(at.world.reader.approvals({ run_id: fork }).map((row) => row.status)).toEqual(["approved"]);
}

export function forkCases(suite: Suite): void {
  suite.it(
    "a fork at any event ends as its parent did: what was kept is not run, paid or repeated again, and the parent is untouched",
    async (open) => {
      const { at, parent, deeds } = await richParent(open);
      await at.ends(parent, RICH_VALUE);
      const head = at.world.reader.head(parent);
      const refused: number[] = [];
      for (const { seq } of at.events(parent)) {
        const code = await refusal(async () => {
          const fork = await at.engine.fork(parent, { at: seq });
          await checkFork(at, deeds, { parent, seq, fork });
        });
        if (code === null) continue;
        expect(code).toBe("invalid_input");
        refused.push(seq);
      }
      const last = at.events(parent).length;
      expect(refused).toEqual([last - 1, last]);
      expect(at.world.reader.head(parent)).toBe(head);
      expect(at.world.reader.children(parent)).toHaveLength(last - 2);
    },
    60_000,
  );

  suite.it(
    "a fork survives a kill at its beginning and in the middle, wherever it was taken",
    async (open) => {
      const { at, parent, deeds } = await richParent(open);
      for (let seq = 1; seq < at.events(parent).length - 1; seq += 3) {
        const fork = await at.engine.fork(parent, { at: seq });
        at.crash();
        await turns(seq % 7);
        await answer(at, fork);
        at.crash();
        await seeThrough(at, fork);
        await at.ends(fork, RICH_VALUE);
        expect(at.attempts(fork, "b/write:0")).toBeLessThanOrEqual(2);
        expect(deeds.count(fork, "write")).toBeLessThanOrEqual(1);
      }
    },
    60_000,
  );

  suite.it("forks of forks end as the first run did, and each names its own parent", async (open) => {
    const { at, parent, deeds } = await richParent(open);
    let from = parent;
    for (const share of [0.8, 0.6, 0.9, 0.3]) {
      const seq = Math.floor(at.events(from).length * share);
      const fork = await at.engine.fork(from, { at: seq });
      const first = at.events(fork)[0];
      expect(first?.kind === "run-started" && first.data.parent).toEqual({ run_id: from, seq, head: at.world.reader.hashAt(from, seq) });
      await seeThrough(at, fork);
      await at.ends(fork, RICH_VALUE);
      from = fork;
    }
    expect(deeds.done.filter(({ what }) => what === "write").length).toBeGreaterThan(1);
  });

  suite.it(
    "an approval that was given and not carried out is void in the fork and asked for again; the parent's decision does not count",
    async (open) => {
      const { at, parent, deeds } = await richParent(open);
      const approved = at.events(parent).find((event) => event.kind === "signal-received" && event.data.name.startsWith("approval:"));
      const fork = await at.engine.fork(parent, { at: approved?.seq ?? 0 });
      await turns();
      await at.until(() => at.world.reader.approvals({ run_id: fork, open: true }).length === 1);
      const [row] = at.world.reader.approvals({ run_id: fork });
      expect(row?.request.approval_id).not.toBe(at.world.reader.approvals({ run_id: parent })[0]?.request.approval_id);
      expect(deeds.count(fork, "write")).toBe(0);
      await seeThrough(at, fork, "reject");
      await at.ends(fork, { ...RICH_VALUE, b: [true, "rejected"] });
      expect(deeds.count(fork, "write")).toBe(0);
    },
  );

  suite.it("an approval counts in a fork only when it was carried out, also where its name is the same there", async (open) => {
    const ran: string[] = [];
    const fn: Fn = async (ctx) => {
      const decision = await ctx.signal<{ decision: string }>("approval:x", null, { for: "approval", approval_id: "x" });
      const approved = decision.kind === "received" && decision.payload.decision === "approve";
      await ctx.call("look", 1);
      if (approved) await ctx.call("write", 1);
      await ctx.signal("s", null, { for: "timer" });
      return { ok: true, value: approved };
    };
    const at = open(fn, { look: {}, write: { kind: "effect", run: async (_, ctx) => ran.push(ctx.runId) } });
    const run = at.start();
    await at.rest(run);
    at.engine.signal(run, "approval:x", { decision: "approve" });
    await at.rest(run);
    const receipt = seqOf(at, run, "call-completed write:0");
    for (let seq = 1; seq <= at.events(run).length; seq += 1) {
      const fork = await at.engine.fork(run, { at: seq });
      await at.rest(fork);
      expect(
        at.world.reader.openWaits(fork).map(({ name }) => name),
        String(seq),
      ).toEqual(seq < receipt ? ["approval:x"] : ["s"]);
    }
    expect(ran).toEqual([run]);
    const rejected = at.start();
    await at.rest(rejected);
    at.engine.signal(rejected, "approval:x", { decision: "reject" });
    await at.rest(rejected);
    const fork = await at.engine.fork(rejected, { at: seqOf(at, rejected, "signal-received") });
    at.engine.signal(fork, "s", 1);
    await at.ends(fork, false);
  });

  suite.it("a changed input, answer and signal take effect, also where nothing had been answered yet", async (open) => {
    const { at, parent, deeds } = await richParent(open);
    const seq = at.events(parent).length - 2;
    const changed = await at.engine.fork(parent, {
      at: seq,
      input: "another task",
      answers: { "a/pay:0": "not paid", "fail:0": "worked" },
      signals: { "a/wait:0": "no" },
    });
    await seeThrough(at, changed);
    await at.ends(changed, { ...RICH_VALUE, input: "another task", a: ["not paid", "no"], failed: true });
    expect(deeds.count(changed, "pay")).toBe(0);
    const early = seqOf(at, parent, "call-started a/pay:0");
    const answered = await at.engine.fork(parent, { at: early, answers: { "a/pay:0": "given" } });
    await seeThrough(at, answered);
    await at.ends(answered, { ...RICH_VALUE, a: ["given", "yes"] });
    expect(deeds.count(answered, "pay")).toBe(1);
    const told = await at.engine.fork(parent, { at: seqOf(at, parent, "wait-started a/wait:0"), signals: { "a/wait:0": "maybe" } });
    await seeThrough(at, told);
    await at.ends(told, { ...RICH_VALUE, a: ["paid", "maybe"] });
    for (const options of [{ answers: { "nowhere:0": 1 } }, { signals: { "nowhere:0": 1 } }])
      expect(await refusal(() => at.engine.fork(parent, { at: seq, ...options }))).toBe("invalid_input");
  });

  suite.it("a signal that came before anyone waited is kept in a fork, and can be changed there", async (open) => {
    const door = gate();
    const fn: Fn = async (ctx) => {
      await ctx.call("door", 1);
      const got = await ctx.signal("s", null, { for: "timer" });
      await ctx.signal("t", null, { for: "timer" });
      return { ok: true, value: got.kind === "received" && got.payload };
    };
    const at = open(fn, { door: { run: () => door.passed } });
    const run = at.start();
    await at.untilTold(run, "call-started door:0");
    at.engine.signal(run, "s", "early");
    door.open(1);
    await at.rest(run);
    for (const { seq } of at.events(run))
      for (const value of ["early", "changed"]) {
        // Up to an event before the signal the fork is told itself; where its wait is not yet asked for there is nothing to change.
        const told = seq >= seqOf(at, run, "signal-received");
        if (value === "changed" && !told) continue;
        const fork = await at.engine.fork(run, { at: seq, ...(value === "changed" ? { signals: { "wait:0": value } } : {}) });
        await at.rest(fork);
        if (!told) at.engine.signal(fork, "s", value);
        await at.rest(fork);
        at.engine.signal(fork, "t", 1);
        await at.ends(fork, value);
      }
  });

  suite.it("a fork has its own caps and priority, else its parent's", async (open) => {
    const at = open(rich, new Deeds().activities);
    const parent = at.start({ input: "task", budget: { usd: 5, tokens: 100_000, seconds: 60 }, priority: "high" });
    await seeThrough(at, parent);
    const plain = await at.engine.fork(parent, { at: 3 });
    const other = await at.engine.fork(parent, { at: 3, budget: { tokens: 7 }, priority: "low" });
    expect(at.fold(plain)).toMatchObject({ budget: { usd: 5, tokens: 100_000, seconds: 60 }, priority: "high" });
    expect(at.fold(other)).toMatchObject({ budget: { usd: null, tokens: 7, seconds: null }, priority: "low" });
  });

  suite.it("where there is nothing to fork from it says so: no such event, an event to come, a whole run", async (open) => {
    const { at, parent } = await richParent(open);
    for (const seq of [0, -1, 1.5, 10_000]) expect(await refusal(() => at.engine.fork(parent, { at: seq })), String(seq)).toBe("not_found");
    expect(await refusal(() => at.engine.fork(parent, { at: at.events(parent).length }))).toBe("invalid_input");
    expect(at.world.reader.children(parent)).toEqual([]);
  });

  suite.it("a fork at the first event is the whole run again", async (open) => {
    const { at, parent, deeds } = await richParent(open);
    const fork = await at.engine.fork(parent, { at: 1 });
    await seeThrough(at, fork);
    await at.ends(fork, RICH_VALUE);
    expect(["pay", "look", "propose", "write"].map((what) => deeds.count(fork, what))).toEqual([2, 1, 1, 1]);
  });

  suite.it("a paused, a held and a cancelled run can be forked at any event, and the fork is none of these", async (open) => {
    const deeds = new Deeds();
    const at = open(rich, deeds.activities, { maxRuns: 2 });
    const until = async (what: (run: string) => boolean): Promise<string> => {
      const run = at.start({ input: "task" });
      for (let turn = 0; turn < 200 && !what(run); turn += 1) {
        await turns(6);
        await answer(at, run);
        await at.clock.advance(1);
      }
      return run;
    };
    const held = await until((run) => at.kinds(run).includes("wait-started hold:0"));
    const paused = await until((run) => at.kinds(run).includes("call-completed b/look:0"));
    at.engine.pause(paused, "person");
    const cancelled = await until((run) => at.kinds(run).includes("call-completed b/write:0"));
    at.engine.cancel(cancelled, "person");
    for (const run of [paused, cancelled]) await at.rest(run);
    for (const run of [paused, cancelled, held])
      for (const seq of at.events(run).map((event) => event.seq)) {
        const fork = await at.engine.fork(run, { at: seq });
        await seeThrough(at, fork);
        await at.ends(fork, RICH_VALUE);
      }
    expect(at.status(paused)).toBe("paused");
    expect(at.status(cancelled)).toBe("cancelled");
    expect(at.fold(paused).ended).toBe(null);
  });

  suite.it("a queued run can be forked, and its fork waits for its turn as it does, at no cost of active time", async (open) => {
    const door = gate();
    const at = open(
      async (ctx, input) => ({ ok: true, value: (await ctx.call("pay", input)).ok }),
      { pay: paid(() => door.passed) },
      { maxRuns: 1 },
    );
    const busy = at.start();
    await at.untilTold(busy, "call-started pay:0");
    const queued = at.start();
    const fork = await at.engine.fork(queued, { at: 1 });
    const ofBusy = await at.engine.fork(busy, { at: 2 });
    for (const run of [queued, fork, ofBusy]) expect(at.status(run)).toBe("queued");
    await at.clock.advance(60_000);
    door.open(1);
    for (const run of [busy, queued, fork, ofBusy]) await at.ends(run, true);
    expect(at.fold(busy).active_ms).toBe(60_000);
    for (const run of [queued, fork, ofBusy]) expect(at.fold(run).active_ms).toBe(0);
  });

  suite.it("a fork that only waits for a person says so, and can be told", async (open) => {
    const fn: Fn = async (ctx) => {
      const got = await ctx.signal("approval:x", null, { for: "approval", approval_id: "x" });
      return { ok: true, value: got.kind };
    };
    const at = open(fn);
    const run = at.start();
    await at.rest(run);
    const fork = await at.engine.fork(run, { at: 2 });
    expect(await at.rest(fork)).toBe("waiting_approval");
    at.crash();
    expect(await at.rest(fork)).toBe("waiting_approval");
    at.engine.signal(fork, "approval:x", { decision: "approve" });
    await at.ends(fork, "received");
    expect(at.status(run)).toBe("waiting_approval");
  });

  suite.it("what a task was told up to the fork it has been told in the fork, and nothing that came later", async (open) => {
    const fn: Fn = async (ctx) => {
      await ctx.signal("s", null, { for: "timer" });
      return { ok: true, value: ctx.events() };
    };
    const at = open(fn);
    const run = at.start();
    await at.rest(run);
    at.engine.event(run, "one");
    at.engine.event(run, "two");
    const fork = await at.engine.fork(run, { at: 3 });
    at.engine.event(fork, "three");
    for (const each of [run, fork]) at.engine.signal(each, "s", 1);
    await at.ends(run, ["one", "two"]);
    await at.ends(fork, ["one", "three"]);
  });
}
