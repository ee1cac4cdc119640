/** `--budget-tokens`, `--budget-usd` and `--budget-seconds`, where a command takes them. */
import type { Command } from "commander";
import type { Caps } from "../../shared/events.ts";
import { UsageError } from "./usage-error.ts";

export interface BudgetOptions {
  readonly budgetTokens?: string;
  readonly budgetUsd?: string;
  readonly budgetSeconds?: string;
}

/** @param verb how the help begins: "at most". */
export function addBudgetOptions(command: Command, verb: string): Command {
  return command
    .option("--budget-tokens <n>", `${verb} so many tokens, in and out together`)
    .option("--budget-usd <n>", `${verb} so many US dollars`)
    .option("--budget-seconds <n>", `${verb} so many seconds of active time; waiting for you is free`);
}

/** @throws UsageError for what is not a number above 0 */
export function budgetOf(options: BudgetOptions): Caps | undefined {
  const tokens = amount("--budget-tokens", options.budgetTokens);
  const usd = amount("--budget-usd", options.budgetUsd);
  const seconds = amount("--budget-seconds", options.budgetSeconds);
  if (tokens === undefined && usd === undefined && seconds === undefined) return undefined;
  return {
    ...(tokens === undefined ? {} : { tokens }),
    ...(usd === undefined ? {} : { usd }),
    ...(seconds === undefined ? {} : { seconds }),
  };
}

function amount(option: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const value = Number(given);
  if (given.trim() === "" || !Number.isFinite(value) || value <= 0)
    throw new UsageError(`${option} needs a number above 0, not "${given}".`);
  return value;
}
