/**
 * Random durable functions, driven through crashes, cancels, pauses, forks, events, early signals, decisions and resumes at random moments,
 * with few places and pools, against what must hold of each.
 */
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { isBosunError } from "../../shared/errors.ts";
import type { ActivityTypes, DurableContext } from "../../shared/durable.ts";
import { PRIORITIES } from "../../shared/events.ts";
import type { Activities, BareEngine, Fn } from "./bare-engine.ts";
import { eventsOf, openBareEngine } from "./bare-engine.ts";
import { projectionRows } from "./projection-rows.ts";
import { seeded } from "./random-kills.ts";

type Random = () => number;
type Context = DurableContext<ActivityTypes>;

type Step =
  | { readonly do: "call"; readonly activity: "echo" | "pay" | "write"; readonly input: number }
  | { readonly do: "wait"; readonly deadlineMs: number | null }
  | { readonly do: "sleep"; readonly ms: number }
  | { readonly do: "hold" | "record" | "listen" }
  | { readonly do: "branches"; readonly programs: readonly (readonly Step[])[] };

const MAX_DEPTH = 3;
/** A run that has not ended by then never will. */
const PATIENCE_MS = 40_000;
/** From then on nobody is killed or paused any more: on a busy machine that alone could keep a run from its end. */
const CALM_MS = 10_000;
/** How often a fork is tried in each case. */
const FORKS = 3;

/** @throws Error with the seed when anything does not hold; `seed` decides everything but the machine's timing. */
export async function driveRandomPrograms(options: { readonly cases: number; readonly seed: number }): Promise<void> {
  const next = Array.from({ length: options.cases }, (_, index) => options.seed + index).entries();
  const worker = async (): Promise<void> => {
    for (const [index, seed] of next) {
      try {
        await driveOne(seed);
      } catch (error) {
        throw new Error(`case ${index}, again with TEST_SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        });
      }
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
}

async function driveOne(seed: number): Promise<void> {
  const random = seeded(seed);
  const world = worldOf(random);
  let at = openBareEngine(interpreter, world.activities, { limits: { maxRuns: 1 + Math.floor(random() * 3), pools: { pay: 1, read: 3 } } });
  const runs = [0, 1, 2].map(() => at.start({ input: programOf(random, 0), priority: PRIORITIES[Math.floor(random() * 3)] ?? "normal" }));
  const running = (): string[] => runs.filter((run) => at.journal.run(run).ended === null);
  let forks = 0;
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until && (running().length > 0 || forks < FORKS);) {
    await delay(random() * 5);
    const calm = until - Date.now() < PATIENCE_MS - CALM_MS;
    if (random() < 0.12 && !calm) {
      at = at.again(interpreter, world.activities);
      at.engine.recover();
      continue;
    }
    const act = actOf(random, world, calm);
    for (const run of running()) await act(at, run);
    if (forks === FORKS || (random() > 0.05 && running().length > 0)) continue;
    forks += 1;
    await forkOne(at, runs, random);
  }
  for (const run of runs) await check(at, run);
  if (world.twice.length > 0) throw new Error(`effects that happened twice: ${world.twice.join(", ")}`);
  checkProjections(at);
  await at.close();
}

/** Forks one of the runs at one of its events; with nothing left to do that is refused. */
async function forkOne({ engine, journal }: BareEngine, runs: string[], random: Random): Promise<void> {
  const parent = runs[Math.floor(random() * runs.length)] ?? "";
  const head = journal.head(parent);
  const { length } = journal.events(parent);
  const seq = 1 + Math.floor(random() * length);
  try {
    runs.push(await engine.fork(parent, { at: seq }));
  } catch (error) {
    if (!isBosunError(error) || error.code !== "invalid_input") throw error;
    return;
  }
  const first = journal.events(runs.at(-1) ?? "")[0];
  const named = first?.kind === "run-started" ? first.data.parent : null;
  if (named?.run_id !== parent || named.head !== journal.hashAt(parent, named.seq))
    throw new Error(`a fork names ${JSON.stringify(named)}`);
  if (journal.events(parent).length === length && journal.head(parent) !== head) throw new Error(`the parent ${parent} was changed`);
}

// ---- programs

function programOf(random: Random, depth: number): readonly Step[] {
  return Array.from({ length: 2 + Math.floor(random() * 3) }, () => stepOf(random, depth));
}

function stepOf(random: Random, depth: number): Step {
  const at = random();
  if (at < 0.35) return { do: "call", activity: "echo", input: Math.floor(random() * 10) };
  if (at < 0.5) return { do: "call", activity: at < 0.43 ? "pay" : "write", input: 1 };
  if (at < 0.6) return { do: "wait", deadlineMs: random() < 0.4 ? 15 : null };
  if (at < 0.66) return { do: "sleep", ms: Math.floor(random() * 6) };
  if (at < 0.7) return { do: "hold" };
  if (at < 0.73) return { do: "listen" };
  if (at < 0.76 || depth === MAX_DEPTH) return { do: "record" };
  return { do: "branches", programs: Array.from({ length: 1 + Math.floor(random() * 3) }, () => programOf(random, depth + 1)) };
}

/** The sum of what a program was answered, so that every outcome counts in the result. */
const interpreter: Fn = async (ctx, input) => ({ ok: true, value: await interpret(ctx, input as readonly Step[]) });

async function interpret(ctx: Context, program: readonly Step[]): Promise<number> {
  let sum = 0;
  for (const [index, step] of program.entries()) sum += await take(ctx, step, index);
  return sum;
}

async function take(ctx: Context, step: Step, index: number): Promise<number> {
  switch (step.do) {
    case "call": {
      const outcome = await ctx.call(step.activity, step.input);
      return outcome.ok ? Number(outcome.value) : 100;
    }
    case "wait": {
      const deadline = step.deadlineMs === null ? null : ctx.now() + step.deadlineMs;
      const got = await ctx.signal(signalName(ctx.path, index), deadline, { for: "timer" });
      return got.kind === "received" ? 3 : 7;
    }
    case "sleep":
      await ctx.sleep(step.ms);
      return 0;
    case "hold":
      await ctx.hold({ code: "timeout", message: "held", retryable: true });
      return 0;
    case "listen":
      return ctx.events().length * 1000;
    case "record":
      ctx.record("step-skipped", { step: "x", why: String(index) });
      return 0;
    case "branches": {
      const sums = await Promise.all(
        step.programs.map((program, branch) => ctx.branch(`b${index}.${branch}`, (inner) => interpret(inner, program))),
      );
      return sums.reduce((a, b) => a + b, 0);
    }
  }
}

const signalName = (path: string, index: number): string => `s:${path}:${index}`;

// ---- the world

interface RandomWorld {
  readonly activities: Activities;
  readonly twice: readonly string[];
  /** Did this effect happen? */
  readonly happened: (run: string, path: string) => boolean;
}

function worldOf(random: Random): RandomWorld {
  const done = new Set<string>();
  const twice: string[] = [];
  const activities: Activities = {
    echo: {
      pool: "read",
      run: async (input: unknown) => {
        if (random() < 0.6) await delay(random() * 6);
        if (random() < 0.15) throw new Error("echo failed");
        return input;
      },
    },
    pay: {
      kind: "paid",
      pool: "pay",
      admit: () => ({ reserve: { prompt_tokens: 1, completion_tokens: 10, usd: 0.1 } }),
      retryDelayMs: (_, { attempt: failed }) => (failed < 3 ? 2 : null),
      run: async (_, ctx) => {
        await delay(random() * 6);
        if (random() < 0.3) throw new Error("pay failed");
        ctx.settle({ prompt_tokens: 1, completion_tokens: 2, cached_tokens: 0, usd: 0.01, source: "reported" });
        return 1;
      },
    },
    write: {
      kind: "effect",
      run: async (_, ctx) => {
        const key = `${ctx.runId} ${ctx.path}`;
        if (done.has(key)) twice.push(key);
        // A killed process does no more after its kill: so the effect is one moment, and what follows is its receipt.
        done.add(key);
        await delay(random() * 4);
        return 1;
      },
      probe: async (_, ctx) => {
        const happened = done.has(`${ctx.runId} ${ctx.path}`);
        await delay(random() * 3);
        if (random() < 0.5) return { state: "uncertain", why: "nobody looked" };
        return happened ? { state: "done", output: 1 } : { state: "not_started" };
      },
      assume: () => 1,
    },
  };
  return { activities, twice, happened: (run, path) => done.has(`${run} ${path}`) };
}

/** What a person or another program does to each run at this moment. */
function actOf(random: Random, world: RandomWorld, calm: boolean): Act {
  const chosen = random();
  if (chosen < 0.01) return refusable((at, run) => at.engine.cancel(run, "test"));
  if (chosen < 0.2) {
    const name = signalName(["", "b0.0", "b1.0", "b1.1"][Math.floor(random() * 4)] ?? "", Math.floor(random() * 2));
    return refusable((at, run) => at.engine.signal(run, name, "early"));
  }
  if (chosen < 0.45) return refusable((at, run) => at.engine.resume(run, "test", chosen < 0.3 ? { tokens: 1_000_000 } : undefined));
  if (chosen < 0.5 && !calm) return refusable((at, run) => at.engine.pause(run, "test"));
  if (chosen < 0.54) return refusable((at, run) => at.engine.event(run, "told"));
  if (chosen < 0.65)
    return async (at, run) => {
      for (const path of Object.keys(at.journal.run(run).uncertain)) {
        const truth = world.happened(run, path) ? "happened" : "not_happened";
        await refusable(() => at.engine.decideEffect(run, path, random() < 0.2 ? "give_up" : truth, "test"))(at, run);
      }
    };
  return async (at, run) => {
    for (const { name } of at.journal.openWaits(run))
      if (name.startsWith("s:") && random() < 0.7) await refusable(() => at.engine.signal(run, name, "x"))(at, run);
  };
}

type Act = (at: BareEngine, run: string) => void | Promise<void>;

/** A conflict or an expired wait is an answer. */
function refusable(act: Act): Act {
  return async (at, run) => {
    try {
      await act(at, run);
    } catch (error) {
      if (!isBosunError(error) || (error.code !== "conflict" && error.code !== "approval_expired")) throw error;
    }
  };
}

// ---- what must hold

async function check({ engine, journal }: BareEngine, run: string): Promise<void> {
  const events = journal.events(run);
  const told = `${run}: ${eventsOf(journal, run).slice(-8).join(", ")}`;
  if (journal.run(run).ended === null) throw new Error(`never ended: ${told}`);
  if (events.at(-1)?.kind !== "run-ended") throw new Error(`events after the end: ${told}`);
  const replayed = await engine.replay(run);
  if (!replayed.ok) throw new Error(`replay found ${JSON.stringify(replayed.divergence)}: ${told}`);
  const outcomes = events
    .filter((event) => event.kind === "call-completed" || event.kind === "call-failed" || event.kind === "wait-expired")
    .map((event) => event.path);
  if (new Set(outcomes).size !== outcomes.length) throw new Error(`two outcomes of one call: ${outcomes.join(", ")}`);
  const started = events.filter((event) => event.kind === "call-started").map((event) => event.path);
  const open = started.filter((path) => !outcomes.includes(path));
  if (open.length > 0) throw new Error(`calls without an outcome: ${open.join(", ")} in ${eventsOf(journal, run).join("; ")}`);
}

function checkProjections({ journal, file }: BareEngine): void {
  const before = projectionRows(file);
  journal.rebuild();
  expect(projectionRows(file), "projections that were built again").toEqual(before);
}
