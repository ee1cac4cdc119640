/** What a person is told when a cap stops a model call: what is spent, what the cap must be at least, and how to raise it. */
import { BosunError } from "../../shared/errors.ts";
import type { Reservation } from "../../shared/usage.ts";
import type { Spent, Unpriced } from "./caps.ts";
import type { Overrun } from "./overrun.ts";
import type { ScopeName, Share } from "./scopes.ts";

interface Refused {
  readonly runId: string;
  /** `provider:model`. */
  readonly model: string;
}

const WHOSE: Record<ScopeName, string> = {
  call: "the budget of one model call",
  run: "the run's budget",
  session: "the session's budget",
  day: "today's budget (a day begins at 00:00 UTC)",
};

/** `budget_exceeded`; names the caps that were hit, and no other. */
export function spentError({ scope, cap, used, leastTokens, leastUsd, leastSeconds }: Spent, { runId }: Refused): BosunError {
  const hits = [
    leastTokens === null
      ? []
      : [{ unit: "tokens", cap: `${cap.tokens} tokens`, spent: `${used.tokens} of ${cap.tokens} tokens`, least: `${leastTokens} tokens` }],
    leastUsd === null
      ? []
      : [{ unit: "usd", cap: `$${cap.usd}`, spent: `$${(used.usd ?? 0).toFixed(4)} of $${cap.usd}`, least: `$${leastUsd.toFixed(4)}` }],
    leastSeconds === null
      ? []
      : [
          {
            unit: "seconds",
            cap: `${cap.seconds} seconds`,
            spent: `${Math.round(used.seconds ?? 0)} of ${cap.seconds} seconds`,
            least: `${leastSeconds} seconds`,
          },
        ],
  ].flat();
  const all = (of: "cap" | "spent" | "least"): string => hits.map((hit) => hit[of]).join(" and ");
  const raise = howToRaise(
    scope,
    hits.map(({ unit }) => unit),
    runId,
  );
  // What one call may cost is mostly passed by the call itself: nothing is spent yet.
  const why =
    scope === "call" ? `does not allow it: ${all("cap")} is too little,` : `does not allow the next model call: ${all("spent")} are spent,`;
  return new BosunError(
    "budget_exceeded",
    `${WHOSE[scope]} ${why} and the cap must be ${all("least")} at least, more for a longer answer. ${raise}`,
  );
}

function howToRaise(scope: ScopeName, units: readonly string[], runId: string): string {
  if (scope === "run") return `\`bosun resume ${runId} ${units.map((unit) => `--budget-${unit} N`).join(" ")}\` raises it`;
  const keys = units.map((unit) => `\`budget.${scope}.${unit}\``).join(" and ");
  const wait = scope === "day" ? ", or wait until tomorrow" : "";
  return `Raise ${keys} in the configuration${wait}; then \`bosun resume ${runId}\` goes on`;
}

/** `budget_exceeded`: a cap in dollars, and dollars that nobody knows. */
export function unpricedError({ scope, why }: Unpriced, { model, runId }: Refused): BosunError {
  const cap = scope === "run" ? "a budget in dollars" : `\`budget.${scope}.usd\``;
  const tokens = scope === "run" ? "use --budget-tokens" : `set \`budget.${scope}.tokens\` in its place`;
  const reason: Record<Unpriced["why"], string> = {
    no_price: `the price of ${model} is not known. Set models.prices, or ${tokens}`,
    no_report: `${model} does not report what it used. Use another model, or ${tokens}`,
    unknown_before: `what some earlier calls have cost is not known. Set models.prices for the next ones, and ${tokens}`,
  };
  return new BosunError("budget_exceeded", `${cap} cannot be kept: ${reason[why]}; \`bosun resume ${runId}\` goes on`);
}

/** What a provider did that reported more than it was allowed; the run stops at that. */
export function overrunText(over: Overrun, { model, runId, reserve }: Refused & { readonly reserve: Reservation }): string {
  const parts = [
    over.completionTokens === 0
      ? []
      : [`${reserve.completion_tokens + over.completionTokens} completion tokens where ${reserve.completion_tokens} were allowed`],
    over.promptTokens === 0
      ? []
      : [`${reserve.prompt_tokens + over.promptTokens} prompt tokens for a prompt that has ${reserve.prompt_tokens} at most`],
  ].flat();
  return `${model} reported ${parts.join(" and ")}: no budget can be kept with it, so the run stops here. \`bosun resume ${runId}\` goes on all the same`;
}

/** One line for a person: `80 % of the run's budget is used: 8,100 of 10,000 tokens`. */
export function alertText({ scope, unit, cap, used, share }: Share): string {
  const whose = WHOSE[scope];
  const amount = unit === "usd" ? `$${used.toFixed(4)} of $${cap}` : `${Math.round(used)} of ${cap} ${unit}`;
  return `${Math.floor(share * 100)} % of ${whose} is used: ${amount}`;
}
