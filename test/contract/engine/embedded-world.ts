/** The embedded engine as the contract wants it: each owner an engine and a journal of its own on one file, in this process. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BosunError } from "../../../shared/errors.ts";
import type { AnyActivity } from "../../../mcp-server/engine/activity.ts";
import { createEmbeddedEngine } from "../../../mcp-server/engine/embedded-engine.ts";
import type { Engine } from "../../../mcp-server/engine/port.ts";
import type { Journal, JournalReader } from "../../../mcp-server/journal/port.ts";
import { createSqliteJournal } from "../../../mcp-server/journal/sqlite-journal.ts";
import { openJournalReader } from "../../../mcp-server/journal/sqlite-reader.ts";
import { gate, never } from "../../support/bare-engine.ts";
import type { Gate } from "../../support/bare-engine.ts";
import type { Program, World } from "./harness.ts";
import { VirtualClock } from "./virtual-clock.ts";

interface Owner {
  readonly engine: Engine;
  readonly journal: Journal;
  dead: boolean;
  /** Open once it is not frozen any more. */
  frozen: Gate<void> | null;
}

export function openEmbeddedWorld(program: Program): World & { readonly clock: VirtualClock } {
  return new EmbeddedWorld(program);
}

class EmbeddedWorld implements World {
  readonly clock = new VirtualClock();
  readonly reader: JournalReader;
  readonly #folder = mkdtempSync(join(tmpdir(), "bosun-contract-"));
  readonly #owners: Owner[] = [];
  readonly #closeReader: () => void;
  #program: Program;
  #runs = 0;
  #closed = false;

  constructor(program: Program) {
    this.#program = program;
    this.#own();
    const opened = openJournalReader(this.#file);
    if (opened === null) throw new Error("there is no journal to read");
    this.reader = opened.reader;
    this.#closeReader = opened.close;
  }

  get engine(): Engine {
    return this.#owner.engine;
  }

  get #owner(): Owner {
    const owner = this.#owners.at(-1);
    if (owner === undefined) throw new Error("nobody owns the store");
    return owner;
  }

  get #file(): string {
    return join(this.#folder, "journal.db");
  }

  kill(): void {
    this.#owner.dead = true;
  }

  takeOver(program: Program = this.#program): readonly string[] {
    this.#program = program;
    this.#own();
    return this.engine.recover();
  }

  freeze(): void {
    this.#owner.frozen ??= gate<void>();
  }

  thaw(): void {
    for (const owner of this.#owners) {
      owner.frozen?.open();
      owner.frozen = null;
    }
  }

  rebuild(): void {
    this.engine.flush();
    this.#owner.journal.rebuild();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const last = this.#owners.at(-1);
    for (const owner of this.#owners) {
      owner.dead ||= owner !== last;
      // An effect of a test may never come home.
      void owner.engine.close();
    }
    this.#closeReader();
    for (const { journal } of this.#owners) journal.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #own(): void {
    const owner: { dead: boolean; frozen: Gate<void> | null } = { dead: false, frozen: null };
    const { journal } = createSqliteJournal({ file: this.#file, now: this.clock.now });
    const engine = createEmbeddedEngine({
      ...this.#program,
      journal: mortal(journal, owner),
      activities: this.#program.activities.map((activity) => mortalActivity(activity, owner)),
      now: this.clock.now,
      after: (ms, then) =>
        this.clock.after(ms, () => {
          if (owner.frozen === null) whileAlive(owner, then);
          else void owner.frozen.passed.then(() => whileAlive(owner, then));
        }),
      newRunId: () => `run_${(this.#runs += 1)}`,
    });
    this.#owners.push(Object.assign(owner, { engine, journal }));
  }
}

type Mortal = Pick<Owner, "dead" | "frozen">;

function whileAlive(owner: Mortal, then: () => void): void {
  if (!owner.dead) then();
}

const WRITES: ReadonlySet<PropertyKey> = new Set(["write", "commit", "assertOwner", "park"]);

/** A dead process writes nothing. What it had staged is gone with it. */
function mortal(journal: Journal, owner: Mortal): Journal {
  return new Proxy(journal, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        if (key === "close") return undefined;
        if (owner.dead && WRITES.has(key)) throw new BosunError("internal", "this process was killed");
        return (value as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  });
}

/** What a dead process began never comes home; what a frozen one began does so later. */
function mortalActivity(activity: AnyActivity, owner: Mortal): AnyActivity {
  const home = async <T>(begin: () => T | Promise<T>): Promise<T> => {
    await owner.frozen?.passed;
    if (owner.dead) return never();
    try {
      return await begin();
    } finally {
      await owner.frozen?.passed;
      if (owner.dead) await never();
    }
  };
  const { probe, assume } = activity;
  return {
    ...activity,
    run: (input, ctx) => home(() => activity.run(input, ctx) as Promise<unknown>),
    ...(probe === undefined ? {} : { probe: (input, ctx) => home(() => probe(input, ctx)) }),
    ...(assume === undefined ? {} : { assume: (input, ctx) => home(() => assume(input, ctx) as unknown) }),
  };
}
