/** The engine over a real journal, driving functions and activities of a test's own. When the test is over all is closed and its folder removed. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { ActivityTypes, DurableFunction } from "../../shared/durable.ts";
import type { Caps, Priority } from "../../shared/events.ts";
import type { AnyActivity } from "../../mcp-server/engine/activity.ts";
import { createEmbeddedEngine } from "../../mcp-server/engine/embedded-engine.ts";
import type { Engine } from "../../mcp-server/engine/port.ts";
import { createSqliteJournal } from "../../mcp-server/journal/sqlite-journal.ts";
import type { Journal } from "../../mcp-server/journal/port.ts";

export type Fn = DurableFunction<ActivityTypes, unknown, unknown>;

/** Activities by name; what is left out makes one of version 1 that reads and gives its input back. */
export type Activities = Readonly<Record<string, Partial<AnyActivity>>>;

export interface BareOptions {
  /** Pages of 4 KiB that the disk has. */
  readonly maxPages?: number;
  /** Puts a file where the journal will be. */
  readonly before?: (file: string) => void;
  /** Changes the journal before the engine sees it. */
  readonly meddle?: (journal: Journal) => void;
  /** Of this engine and of those that come after it. */
  readonly limits?: { readonly maxRuns?: number; readonly pools?: Readonly<Record<string, number>> };
}

export interface BareEngine {
  readonly engine: Engine;
  readonly journal: Journal;
  /** The journal's database. */
  readonly file: string;
  /** Starts workflow `w` unless told otherwise; the run's id. */
  start(options?: { readonly workflow?: string; readonly input?: unknown; readonly budget?: Caps; readonly priority?: Priority }): string;
  /** Opens the folder again, as the next process does after a kill. This one stays as it is, and does not know. */
  again(fns: Fn | Readonly<Record<string, Fn>>, activities: Activities | ActivitiesOf): BareEngine;
  /** Closes it and all it came from, and removes the folder. Done after the test in any case. */
  close(): Promise<void>;
}

type ActivitiesOf = (journal: Journal) => Activities;

/** @param fns workflow `w`, or workflows by name @throws BosunError what opening the journal throws */
export function openBareEngine(
  fns: Fn | Readonly<Record<string, Fn>>,
  activities: Activities | ActivitiesOf,
  options: BareOptions = {},
): BareEngine {
  const folder = mkdtempSync(join(tmpdir(), "bosun-bare-"));
  const opened: BareEngine[] = [];
  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    const last = opened.pop();
    for (const { engine, journal } of opened) {
      // What it has under way may never come home.
      void engine.close();
      journal.close();
    }
    await last?.engine.close();
    rmSync(folder, { recursive: true, force: true });
  };
  const site: Site = { folder, opened, close: () => (closing ??= close()) };
  onTestFinished(site.close);
  return openAt(site, { fns, activities, options });
}

interface Site {
  readonly folder: string;
  readonly opened: BareEngine[];
  readonly close: () => Promise<void>;
}

function openAt(
  site: Site,
  at: {
    readonly fns: Fn | Readonly<Record<string, Fn>>;
    readonly activities: Activities | ActivitiesOf;
    readonly options: BareOptions;
  },
): BareEngine {
  const { maxPages, before, meddle, limits = {} } = at.options;
  const file = join(site.folder, "journal.db");
  before?.(file);
  const { journal } = createSqliteJournal({ file, now: Date.now, ...(maxPages === undefined ? {} : { maxPages }) });
  meddle?.(journal);
  const activities = typeof at.activities === "function" ? at.activities(journal) : at.activities;
  const workflows = typeof at.fns === "function" ? { w: at.fns } : at.fns;
  let runs = 0;
  const engine = createEmbeddedEngine({
    ...limits,
    journal,
    activities: Object.entries(activities).map(([name, each]) => ({
      name,
      version: 1,
      kind: "read",
      label: () => ({ kind: "internal", name }),
      run: async (input: unknown) => input,
      ...each,
    })),
    workflows: Object.entries(workflows).map(([name, fn]) => ({ name, version: 1, fn })),
    now: Date.now,
    newRunId: () => `run_${journal.epoch}_${(runs += 1)}`,
  });
  const made: BareEngine = {
    engine,
    journal,
    file,
    start: ({ workflow = "w", input = null, ...more } = {}) => engine.start({ workflow, session_id: null, input, ...more }),
    again: (fns, next) => openAt(site, { fns, activities: next, options: { limits } }),
    close: site.close,
  };
  site.opened.push(made);
  return made;
}

/** Kinds of a run's events with their paths, in order: `call-started echo:0`. */
export function eventsOf(journal: Journal, runId: string): string[] {
  return journal.events(runId).map((event) => `${event.kind} ${event.path}`.trim());
}

/** Gives all that can happen without more time the time to happen: the engine takes one outcome per turn of the event loop. */
export async function turns(count = 30): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A promise and what settles it. */
export interface Gate<T> {
  readonly passed: Promise<T>;
  readonly open: (value: T) => void;
}

export function gate<T = unknown>(): Gate<T> {
  let open: Gate<T>["open"] = () => undefined;
  const passed = new Promise<T>((resolve) => (open = resolve));
  return { passed, open: (value) => open(value) };
}

/** Never settles; a new one each time. */
export function never(): Promise<never> {
  return new Promise(() => undefined);
}
