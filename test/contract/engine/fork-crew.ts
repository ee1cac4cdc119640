/** A run with something of everything, and a person who sees it through: what forks are taken from. */
import { BosunError } from "../../../shared/errors.ts";
import { turns } from "../../support/bare-engine.ts";
import type { Fn } from "./harness.ts";
import { paid, refusal } from "./suite.ts";
import type { Activities, Open, Site } from "./suite.ts";

/** Two branches (one pays, sleeps and asks; one reads, has its change approved and writes it), then a failure, a hold, a last call and a deadline. */
export const rich: Fn = async (ctx, input) => {
  const [a, b] = await Promise.all([
    ctx.branch("a", async (inner) => {
      const first = await inner.call("pay", { for: input });
      await inner.sleep(5);
      const told = await inner.signal<string>("q", null, { for: "timer" });
      return [first.ok && first.value, told.kind === "received" && told.payload];
    }),
    ctx.branch("b", async (inner) => {
      const seen = await inner.call("look", "b");
      const proposed = await inner.call("propose", seen);
      const id = inner.id();
      inner.record("approval-requested", {
        approval_id: id,
        kind: "write",
        title: "t",
        risk: "low",
        reasons: [],
        files: [],
        digest: "d",
        change_set_id: "c",
        worker: "w",
        expires_at: 0,
      });
      const decision = await inner.signal<{ decision: string }>(`approval:${id}`, null, { for: "approval", approval_id: id });
      if (decision.kind !== "received" || decision.payload.decision !== "approve") return [proposed.ok, "rejected"];
      const written = await inner.call("write", "b");
      return [proposed.ok, written.ok && written.value];
    }),
  ]);
  const failed = await ctx.call("fail", 1);
  await ctx.hold({ code: "timeout", message: "held", retryable: true });
  const last = await ctx.call("pay", "last");
  const late = await ctx.signal("never", ctx.now() + 10, { for: "timer" });
  return { ok: true, value: { input, a, b, failed: failed.ok, last: last.ok && last.value, late: late.kind, told: ctx.events() } };
};

export const RICH_VALUE = {
  input: "task",
  a: ["paid", "yes"],
  b: [true, "written"],
  failed: false,
  last: "paid",
  late: "expired",
  told: [],
} as const;

/** What was really done, by run. */
export class Deeds {
  readonly done: { readonly run: string; readonly what: string }[] = [];

  count(run: string, what: string): number {
    return this.done.filter((deed) => deed.run === run && deed.what === what).length;
  }

  readonly activities: Activities = {
    pay: paid(async (_, ctx) => (this.#note(ctx.runId, "pay"), "paid")),
    look: { run: async (input, ctx) => (this.#note(ctx.runId, "look"), input) },
    propose: { ownRun: true, run: async (_, ctx) => (this.#note(ctx.runId, "propose"), { change: 1 }) },
    write: {
      kind: "effect",
      run: async (_, ctx) => (this.#note(ctx.runId, "write"), "written"),
      probe: async () => ({ state: "not_started" }),
    },
    fail: {
      run: async () => {
        throw new BosunError("tool_failed", "no");
      },
    },
  };

  #note(run: string, what: string): void {
    this.done.push({ run, what });
  }
}

/** Answers what the run asks until it has ended. */
export async function seeThrough(at: Site, run: string, decision = "approve"): Promise<void> {
  for (let turn = 0; turn < 400 && at.fold(run).ended === null; turn += 1) {
    await turns(6);
    at.engine.flush();
    await answer(at, run, decision);
    await at.clock.advance(2);
  }
}

/** Answers what the run asks now. */
export async function answer(at: Site, run: string, decision = "approve"): Promise<void> {
  for (const { name } of at.world.reader.openWaits(run)) {
    if (name === "q") await refusal(() => at.engine.signal(run, "q", "yes"));
    if (name.startsWith("approval:"))
      await refusal(() => at.engine.signal(run, name, { decision, digest: "d", reason: null, channel: "cli", assurance: "terminal" }));
    if (name === "hold") await refusal(() => at.engine.resume(run, "person"));
  }
}

export async function richParent(open: Open): Promise<{ at: Site; parent: string; deeds: Deeds }> {
  const deeds = new Deeds();
  const at = open(rich, deeds.activities);
  const parent = at.start({ input: "task" });
  await seeThrough(at, parent);
  return { at, parent, deeds };
}
