/** Workers that ask a model side by side, with the real `ask_model` on the engine. */
import { setTimeout as delay } from "node:timers/promises";
import { DEFAULT_CONFIG } from "../../shared/config.ts";
import type { Config } from "../../shared/config.ts";
import type { DurableFunction } from "../../shared/durable.ts";
import type { ModelReply } from "../../shared/model.ts";
import { createAskModel, MODEL_POOL } from "../../mcp-server/activities/ask-model.ts";
import { createModelBudget } from "../../mcp-server/activities/model-budget.ts";
import type { Ledger } from "../../mcp-server/budget/ledger.ts";
import type { Journal } from "../../mcp-server/journal/port.ts";
import { createModelDesk, NO_ANSWERS } from "../../mcp-server/models/desk.ts";
import { createModelHealth } from "../../mcp-server/models/model-health.ts";
import type { Model } from "../../mcp-server/models/port.ts";
import { createRateGate } from "../../mcp-server/models/rate-gate.ts";
import type { SupervisorActivities } from "../../mcp-server/supervisor/activities.ts";
import { ask } from "../../mcp-server/supervisor/ask.ts";
import { openBareEngine, turns } from "./bare-engine.ts";
import type { Activities, BareEngine, Fn } from "./bare-engine.ts";

export const REPLY: ModelReply = {
  message: { role: "assistant", content: "x" },
  model: "m",
  finish_reason: "stop",
  usage: { prompt_tokens: 5, completion_tokens: 5, cached_tokens: 0, usd: null, source: "reported" },
};

/** Calls that fail in a row say nothing here. */
const NEVER_OPEN = { failuresInRow: Infinity, minCalls: Infinity };

export interface Parts {
  readonly caps?: () => Config["budget"];
  readonly ledger?: () => Ledger;
  readonly alert?: (text: string) => void;
  /** Milliseconds until the next attempt. Default: 80, twice at most. */
  readonly retryMs?: (attempt: number) => number | null;
  readonly model?: () => Model;
  readonly price?: (name: string) => { readonly in: number; readonly out: number } | null;
}

const ANSWERS = (): Model => ({
  complete: async () => {
    await turns(2);
    return REPLY;
  },
});

export interface Asking {
  readonly workers: number;
  /** Each wants an answer of up to so many. */
  readonly tokens: number;
  /** Calls that may be on the wire at once. Default: any number. */
  readonly places?: number;
}

/** So many workers ask a model at once. */
export function asking(at: Asking, parts: Parts = {}): BareEngine {
  const { fn, activities } = askers(at, parts);
  return openBareEngine(fn, activities, at.places === undefined ? {} : { limits: { pools: { [MODEL_POOL]: at.places } } });
}

/** The function of such a run and its activities, for an engine that is opened again. */
export function askers(at: Asking, parts: Parts = {}): { readonly fn: Fn; readonly activities: (journal: Journal) => Activities } {
  const fn: DurableFunction<SupervisorActivities, unknown, unknown> = async (ctx) => {
    const answers = await Promise.all(
      Array.from({ length: at.workers }, (_, index) =>
        ctx.branch(`step:${index}`, (inner) =>
          ask(inner, {
            purpose: "work",
            worker: "coder",
            models: ["fake:m"],
            turn: 1,
            transcript: inner.chain([{ role: "user", content: `hello ${index}` }]),
            tools: null,
            reply_schema: null,
            max_completion_tokens: at.tokens,
          }),
        ),
      ),
    );
    return { ok: true, value: answers.map((answer) => answer.ok) };
  };
  const activities = (journal: Journal): Activities => ({
    ask_model: {
      ...createAskModel({
        journal,
        desk: createModelDesk({
          catalogue: () => ({ models: () => [], unitPrice: () => null, model: parts.model ?? ANSWERS }),
          health: createModelHealth({ now: Date.now, breaker: NEVER_OPEN }),
          gate: createRateGate({ now: Date.now, sleep: (ms, signal) => delay(ms, undefined, { signal }), random: () => 0 }),
          now: Date.now,
          answers: NO_ANSWERS,
        }),
        budget: createModelBudget({
          journal,
          price: parts.price ?? (() => null),
          caps: parts.caps ?? (() => DEFAULT_CONFIG.budget),
          ledger: parts.ledger ?? noLedger,
          workspace: "w",
          until: () => 0,
          now: Date.now,
          alertAt: () => 0.8,
          alert: parts.alert ?? (() => undefined),
        }),
        checkReply: () => ({ ok: true, data: null }),
        maxAttempts: () => 3,
        random: () => 0,
      }),
      retryDelayMs: ({ retryable }, { attempt }) => (retryable ? (parts.retryMs ?? twice)(attempt) : null),
    },
  });
  return { fn: fn as Fn, activities };
}

function noLedger(): Ledger {
  throw new Error("the day has no cap");
}

function twice(attempt: number): number | null {
  return attempt < 3 ? 80 : null;
}
