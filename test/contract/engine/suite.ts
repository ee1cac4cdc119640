/** How a case of the contract is told: in sentences, over one world that it opens and that is closed after it. */
import { expect, it, onTestFinished } from "vitest";
import type { ErrorValue } from "../../../shared/errors.ts";
import { isBosunError } from "../../../shared/errors.ts";
import type { ErrorRecord } from "../../../shared/durable.ts";
import type { Caps, Priority, RunEvent } from "../../../shared/events.ts";
import type { RunStatus } from "../../../shared/run-view.ts";
import type { AnyActivity } from "../../../mcp-server/engine/activity.ts";
import type { Engine } from "../../../mcp-server/engine/port.ts";
import { statusOf } from "../../../mcp-server/journal/fold-run.ts";
import type { RunFold } from "../../../mcp-server/journal/fold-run.ts";
import type { Clock, EngineHarness, Fn, Program, Workflow, World } from "./harness.ts";

/** Activities by name; what is left out makes one of version 1 that reads and gives its input back. */
export type Activities = Readonly<Record<string, Partial<AnyActivity>>>;
/** Workflow `w` of version 1, or workflows by name. */
export type Fns = Fn | Readonly<Record<string, Fn | Omit<Workflow, "name">>>;
export type Limits = Pick<Program, "maxRuns" | "pools">;

export interface StartWith {
  readonly input?: unknown;
  readonly budget?: Caps;
  readonly priority?: Priority;
  readonly session?: string;
  readonly workflow?: string;
}

export interface Suite {
  /** One case. Skipped, with the reason in its title, when the harness says so. */
  it(title: string, body: (open: Open) => Promise<void>, timeoutMs?: number): void;
}

export type Open = (fns: Fns, activities?: Activities, limits?: Limits) => Site;

export function suiteOf(harness: EngineHarness): Suite {
  return {
    it: (title, body, timeoutMs = 20_000) => {
      const reason = harness.skip?.[title];
      if (reason !== undefined) {
        it.skip(`${title} (${reason})`);
        return;
      }
      it(
        title,
        async () => {
          const open: Open = (fns, activities = {}, limits = {}) => {
            const world = harness.open(programOf(fns, activities, limits));
            onTestFinished(() => world.close());
            return new Site(world);
          };
          await body(open);
        },
        timeoutMs,
      );
    },
  };
}

export function programOf(fns: Fns, activities: Activities = {}, limits: Limits = {}): Program {
  const table = typeof fns === "function" ? { w: fns } : fns;
  return {
    ...limits,
    workflows: Object.entries(table).map(([name, each]) =>
      typeof each === "function" ? { name, version: 1, fn: each } : Object.assign({ name }, each),
    ),
    activities: Object.entries({ echo: {}, ...activities }).map(([name, each]) => ({
      name,
      version: 1,
      kind: "read",
      label: () => ({ kind: "internal", name }),
      run: async (input: unknown) => input,
      ...each,
    })),
  };
}

/** A world with the words that cases are told in. */
export class Site {
  readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  get engine(): Engine {
    return this.world.engine;
  }

  get clock(): Clock {
    return this.world.clock;
  }

  start({ workflow = "w", input = null, session, ...more }: StartWith = {}): string {
    return this.engine.start({ workflow, session_id: session ?? null, input, ...more });
  }

  /** What is written of the run. */
  fold(run: string): RunFold {
    return this.world.reader.run(run);
  }

  events(run: string): readonly RunEvent[] {
    return this.world.reader.events(run);
  }

  /** Kinds of the events that are written, with their paths: `call-started echo:0`. */
  kinds(run: string): readonly string[] {
    return this.events(run).map((event) => `${event.kind} ${event.path}`.trim());
  }

  status(run: string): RunStatus {
    return statusOf(this.fold(run));
  }

  /** Resolves once something is so, and fails when it does not come to be. */
  async until(what: () => boolean | undefined): Promise<void> {
    const patience = Date.now() + 8000;
    while (what() !== true) {
      if (Date.now() > patience) throw new Error(`it never came to be: ${what.toString()}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  async untilTold(run: string, kind: string): Promise<void> {
    await this.until(() => this.kinds(run).includes(kind)).catch((error: unknown) => {
      throw new Error(`no ${kind} in ${this.kinds(run).join(", ")}`, { cause: error });
    });
  }

  /** Waits until nothing of the run moves any more, and until that is written; what a reader sees then. */
  async rest(run: string): Promise<RunStatus> {
    await this.engine.settled(run);
    this.engine.flush();
    return this.status(run);
  }

  /** The next owner, after this one was killed. */
  crash(fns?: Fns, activities?: Activities, limits?: Limits): readonly string[] {
    this.world.kill();
    return this.world.takeOver(fns === undefined ? undefined : programOf(fns, activities, limits));
  }

  /** The run comes to its end with this value, replays to the same, and is the same when its projections are built again. */
  async ends(run: string, value: unknown): Promise<void> {
    expect(await this.rest(run), this.trouble(run)).toBe("completed");
    await this.sound(run);
    expect(await this.engine.replay(run)).toMatchObject({ ok: true, result: { ok: true, value } });
  }

  /** Its events are one chain, it replays, and its projections can be built again. */
  async sound(run: string): Promise<void> {
    expect(this.events(run).map((event) => event.seq)).toEqual(this.events(run).map((_, index) => index + 1));
    expect(await this.engine.replay(run)).toMatchObject({ ok: true });
    const picture = (): unknown => {
      const { reader } = this.world;
      return structuredClone([reader.run(run), reader.openWaits(run), reader.approvals({ run_id: run }), reader.usage(run)]);
    };
    const before = picture();
    this.world.rebuild();
    expect(picture()).toEqual(before);
  }

  /** Why a run stands still, in words. */
  trouble(run: string): string {
    const fold = this.fold(run);
    const holds = Object.values(fold.waits).flatMap(({ about }) => (about.for === "hold" ? [about.error] : []));
    const uncertain = Object.values(fold.uncertain).map(({ error }) => error);
    return [fold.held, fold.ended?.error ?? null, ...holds, ...uncertain]
      .flatMap((error) => (error === null ? [] : [`${error.code}: ${this.words(error).message}`]))
      .join("; ");
  }

  words(error: ErrorRecord): ErrorValue {
    const text: unknown = JSON.parse(this.world.reader.blobs.get(error.message.$kept).toString());
    return { code: error.code, retryable: error.retryable, message: String(text) };
  }

  /** Attempts of a call that were recorded. */
  attempts(run: string, path: string): number {
    return this.kinds(run).filter((kind) => kind === `call-started ${path}` || kind.startsWith(`attempt-started ${path}/`)).length;
  }
}

/** The code with which something is refused; null when it is not. */
export async function refusal(act: () => unknown): Promise<string | null> {
  try {
    await act();
    return null;
  } catch (error) {
    if (isBosunError(error)) return error.code;
    throw error;
  }
}

/** A paid activity that reserves ten tokens of completion and uses two. */
export function paid(run: AnyActivity["run"], more: Partial<AnyActivity> = {}): Partial<AnyActivity> {
  return {
    kind: "paid",
    label: () => ({ kind: "model", name: "test:model" }),
    admit: () => ({ reserve: { prompt_tokens: 1, completion_tokens: 10, usd: 0.1 } }),
    run: async (input, ctx) => {
      const output: unknown = await run(input, ctx);
      ctx.settle({ prompt_tokens: 1, completion_tokens: 2, cached_tokens: 0, usd: 0.01, source: "reported" });
      return output;
    },
    ...more,
  };
}
