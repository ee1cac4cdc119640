/**
 * What is known of models and providers, kept for the next process and for the doctor: `model-health.json` in the user's data folder. It
 * is an aid: what cannot be read or written is as if there were nothing.
 */
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import * as z from "zod";
import { ERRORS_OF_MODELS, type HealthSnapshot, type ModelHealth } from "./model-health.ts";
import { KEPT_CALLS } from "./recent-calls.ts";
import type { GateSnapshot, RateGate } from "./rate-gate.ts";

export const HEALTH_FILE = "model-health.json";

/** Milliseconds between two writes at least. */
const PAUSE_MS = 2000;
const MAX_FILE_BYTES = 4_000_000;
/** What was not asked for so long is dropped. */
const KEPT_MS = 30 * 86_400_000;

const amount = z.number().min(0);
const lastError = z.object({ code: z.enum(ERRORS_OF_MODELS), message: z.string(), retryable: z.boolean(), at: amount });
const call = z.object({ at: amount, ok: z.boolean(), latencyMs: amount.nullable(), msPerToken: amount.nullable() });
const model = z.object({
  updatedAt: amount,
  inFlight: amount,
  calls: z.array(call).max(KEPT_CALLS),
  breaker: z.object({ until: amount, forMs: amount }).nullable(),
  lastError: lastError.nullable(),
  lastOkAt: amount.nullable(),
});
const knownRoom = z.object({ limit: amount.nullable(), remaining: amount, resetAt: amount.nullable() });
const provider = z.object({
  updatedAt: amount,
  closedUntil: amount,
  refusals: amount,
  width: z.number().min(1),
  requests: knownRoom.nullable(),
  tokens: knownRoom.nullable(),
  pace: z.object({ perSecond: z.number().min(0.01), refusedAt: amount }).nullable(),
});
const fileSchema = z.object({ version: z.literal(1), models: z.record(z.string(), model), providers: z.record(z.string(), provider) });

export interface ModelState {
  readonly models: HealthSnapshot;
  readonly providers: GateSnapshot;
}

const NOTHING: ModelState = { models: {}, providers: {} };

/** Nothing where there is no such file, or one that is not ours. */
export function readHealthFile(file: string): ModelState {
  try {
    if (statSync(file).size > MAX_FILE_BYTES) return NOTHING;
    const { models, providers } = fileSchema.parse(JSON.parse(readFileSync(file, "utf8")));
    return { models, providers };
  } catch {
    return NOTHING;
  }
}

/** Of two snapshots the newer of each entry, for several processes keep one file; without scripts, and without what is very old. */
function merged<T extends { readonly updatedAt: number }>(
  theirs: Readonly<Record<string, T>>,
  ours: Readonly<Record<string, T>>,
  now: number,
) {
  const all = new Map(Object.entries(theirs));
  for (const [name, entry] of Object.entries(ours)) if (entry.updatedAt >= (all.get(name)?.updatedAt ?? 0)) all.set(name, entry);
  return Object.fromEntries([...all].filter(([name, entry]) => !/^scripted(:|$)/.test(name) && now - entry.updatedAt < KEPT_MS));
}

export interface HealthFileOptions {
  readonly file: string;
  readonly health: ModelHealth;
  readonly gate: RateGate;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Calls back once after so many milliseconds, without keeping the process alive; the result calls it off. */
  readonly after: (ms: number, then: () => void) => () => void;
}

/** Takes up what the file holds, and keeps it up to date from then on. `close` writes what is left to write. */
export function keepHealthFile({ file, health, gate, now, after }: HealthFileOptions): { close(): void } {
  const before = readHealthFile(file);
  health.restore(before.models);
  gate.restore(before.providers);
  let callOff: (() => void) | null = null;
  let open = true;
  const write = (): void => {
    callOff = null;
    const theirs = readHealthFile(file);
    const models = merged(theirs.models, health.snapshot(), now());
    const providers = merged(theirs.providers, gate.snapshot(), now());
    if (Object.keys(models).length + Object.keys(providers).length > 0) writePrivately(file, { version: 1, models, providers });
  };
  const changed = (): void => {
    if (open) callOff ??= after(PAUSE_MS, write);
  };
  health.onChange(changed);
  gate.onChange(changed);
  return {
    close() {
      open = false;
      if (callOff === null) return;
      callOff();
      write();
    },
  };
}

function writePrivately(file: string, content: ModelState & { readonly version: 1 }): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    rmSync(temporary, { force: true });
    writeFileSync(temporary, JSON.stringify(content), { mode: 0o600, flag: "wx" });
    renameSync(temporary, file);
  } catch {
    rmSync(temporary, { force: true });
  }
}
