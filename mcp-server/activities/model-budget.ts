/** What the caps of call, run, session and day leave for a model call. What is set aside is in the journal with the attempt that it is for. */
import type { Config, Price } from "../../shared/config.ts";
import type { BosunError } from "../../shared/errors.ts";
import type { ModelRequest } from "../../shared/model.ts";
import { addUsage, NO_USAGE, settleAtReservation } from "../../shared/usage.ts";
import type { Reservation, Usage } from "../../shared/usage.ts";
import { alertText, overrunText, spentError, unpricedError } from "../budget/budget-errors.ts";
import { roomFor } from "../budget/caps.ts";
import { spendingOf, utcDay } from "../budget/ledger.ts";
import type { Ledger } from "../budget/ledger.ts";
import { overrunOf } from "../budget/overrun.ts";
import { createPromptBounds } from "../budget/prompt-bound.ts";
import { alertsOf, tightestOf } from "../budget/scopes.ts";
import type { Cap, Scope } from "../budget/scopes.ts";
import type { AttemptAt } from "../engine/activity.ts";
import type { RunFold } from "../journal/fold-run.ts";
import type { JournalReader } from "../journal/port.ts";

export type Room =
  | { readonly kind: "room"; readonly reserve: Reservation }
  /** It would fit once what is set aside for others has been settled at less. */
  | { readonly kind: "wait" }
  | { readonly kind: "refused"; readonly error: BosunError };

export interface OverrunFound {
  /** For a person. */
  readonly text: string;
  /** Some cap counts for the run, which cannot be kept with such a provider. */
  readonly capped: boolean;
}

export interface ModelBudget {
  /** Share (0..1) of the tightest cap that is used; 0 without one. */
  pressure(runId: string): number;
  /** Must more be written down than the attempt itself, so that it cannot be let in at once? */
  mustWait(): boolean;
  room(at: AttemptAt, request: ModelRequest): Room;
  /** Sets it aside where other processes see it, too. False: it has gone to another meanwhile. */
  reserve(at: AttemptAt, reserve: Reservation): boolean;
  /** Milliseconds that one call may take; null: no cap. */
  callMs(): number | null;
  /** It was let in and never sent. */
  unsent(at: AttemptAt): void;
  /** @returns what was reported beyond what was allowed; null when nothing was */
  settle(
    at: AttemptAt,
    call: { readonly request: ModelRequest; readonly reserve: Reservation; readonly usage: Usage },
  ): OverrunFound | null;
  /** @param usage null: nobody knows what it has cost */
  failed(at: AttemptAt, usage: Usage | null): void;
}

export interface BudgetParts {
  readonly journal: Pick<JournalReader, "run" | "sessionUsage">;
  /** US dollars per million tokens; null when the price is not known. */
  readonly price: (model: string, runId: string) => Price | null;
  /** Read at each call. The caps of a run are in its journal. */
  readonly caps: () => Pick<Config["budget"], "call" | "session" | "day">;
  /** The user's ledger; asked for only while the day has a cap. */
  readonly ledger: () => Ledger;
  /** Name of the workspace's data folder. */
  readonly workspace: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Epoch milliseconds after which a call that is let in now cannot be under way any more. */
  readonly until: () => number;
  /** Share (0..1) of a cap at which a person is told, once for each cap. */
  readonly alertAt: () => number;
  readonly alert: (text: string) => void;
}

const NOTHING = { usd: 0, tokens: 0 };

export function createModelBudget(parts: BudgetParts): ModelBudget {
  const { journal } = parts;
  const bounds = createPromptBounds();
  /** Models that answered without saying what they used. */
  const silent = new Set<string>();
  const told = new Set<string>();
  const dayIsCapped = (): boolean => isCapped(parts.caps().day);

  function scopesOf(runId: string, path: string | null): readonly Scope[] {
    const fold = journal.run(runId);
    const { call, session } = parts.caps();
    const scopes: Scope[] = [
      { scope: "call", cap: { ...call, seconds: null }, used: NOTHING, reserved: NOTHING },
      // Its seconds are counted by the engine.
      { scope: "run", cap: { ...fold.budget, seconds: null }, used: spendingOf(fold.usage), reserved: spendingOf(reservedBy(fold, path)) },
    ];
    if (fold.session_id !== null && isCapped(session)) {
      const { used, reserved, active_ms: activeMs } = journal.sessionUsage(fold.session_id);
      const spent = { ...spendingOf(used), seconds: activeMs / 1000 };
      scopes.push({ scope: "session", cap: session, used: spent, reserved: spendingOf(reserved) });
    }
    if (dayIsCapped()) scopes.push({ scope: "day", cap: { ...parts.caps().day, seconds: null }, ...parts.ledger().day() });
    return scopes.filter(({ cap }) => isCapped(cap));
  }

  function tell(runId: string, scopes: readonly Scope[]): void {
    if (scopes.length === 0) return;
    const { session_id: session } = journal.run(runId);
    const whose: Record<Scope["scope"], string> = { call: runId, run: runId, session: session ?? runId, day: utcDay(parts.now()) };
    for (const share of alertsOf(scopes, parts.alertAt())) {
      const key = `${whose[share.scope]} ${share.scope} ${share.unit} ${share.cap}`;
      if (told.has(key)) continue;
      told.add(key);
      parts.alert(`${runId}: ${alertText(share)}`);
    }
  }

  return {
    pressure: (runId) => tightestOf(scopesOf(runId, null))?.share ?? 0,
    mustWait: dayIsCapped,
    room: ({ runId, path }, request) => {
      const { model } = request;
      const wanted = {
        promptTokens: bounds.bound(request),
        completionTokens: request.max_completion_tokens,
        price: parts.price(model, runId),
        reportsUsage: !silent.has(model),
      };
      const scopes = scopesOf(runId, path);
      tell(runId, scopes);
      const room = roomFor(scopes, wanted);
      if (room.kind === "room" || room.kind === "wait") return room;
      return { kind: "refused", error: room.kind === "spent" ? spentError(room, { runId, model }) : unpricedError(room, { runId, model }) };
    },
    reserve: (at, reserve) => {
      if (!dayIsCapped()) return true;
      const entry = { key: keyOf(at), workspace: parts.workspace, reserve, until: parts.until() };
      return parts.ledger().reserve(entry, parts.caps().day);
    },
    callMs: () => {
      const { seconds } = parts.caps().call;
      return seconds === null ? null : seconds * 1000;
    },
    unsent: (at) => {
      if (dayIsCapped()) parts.ledger().release(keyOf(at));
    },
    settle: (at, { request, reserve, usage }) => {
      if (usage.source === "reported") silent.delete(request.model);
      else silent.add(request.model);
      bounds.learn(request, usage);
      if (dayIsCapped()) parts.ledger().settle(keyOf(at), usage);
      const over = overrunOf(reserve, usage);
      if (over === null) return null;
      return { text: overrunText(over, { runId: at.runId, model: request.model, reserve }), capped: scopesOf(at.runId, null).length > 0 };
    },
    failed: (at, usage) => {
      const reserve = journal.run(at.runId).open[at.path]?.admission?.reserve;
      if (dayIsCapped() && reserve !== undefined) parts.ledger().settle(keyOf(at), usage ?? settleAtReservation(reserve));
    },
  };
}

function isCapped({ usd, tokens, seconds }: Cap): boolean {
  return usd !== null || tokens !== null || seconds !== null;
}

/** What is set aside for other calls of the run. */
function reservedBy({ open }: RunFold, path: string | null): Usage {
  let sum = NO_USAGE;
  for (const [other, { admission }] of Object.entries(open))
    if (other !== path && admission !== null) sum = addUsage(sum, settleAtReservation(admission.reserve));
  return sum;
}

function keyOf({ runId, path, attempt }: AttemptAt): { readonly runId: string; readonly path: string; readonly attempt: number } {
  return { runId, path, attempt };
}
