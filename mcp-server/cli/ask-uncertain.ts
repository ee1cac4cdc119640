/** Puts an effect that cannot tell whether it happened to a person, who has looked and says what is true. */
import type { EffectDecision } from "../../shared/events.ts";
import type { RunView, UncertainView } from "../../shared/run-view.ts";
import type { Service } from "../service.ts";
import { askLine } from "./ask-line.ts";
import { escapeLine, escapeText } from "../../shared/visible-text.ts";
import { canAsk, type CliIo } from "./io.ts";
import { printHint, printProse, printText } from "./print.ts";

const PROMPT = "Did it happen? [y]es, go on / [n]o, do it again / [g]ive it up / Enter: leave it open ";
const WORDS: Readonly<Record<string, EffectDecision>> = {
  y: "happened",
  yes: "happened",
  n: "not_happened",
  no: "not_happened",
  g: "give_up",
  "give up": "give_up",
};
const MAX_ASKED = 4;

export function uncertainText({ name, about, message }: UncertainView): string {
  return `? ${escapeLine(name, 80)}${about === "" ? "" : ` (${escapeLine(about, 300)})`} was cut short, and nobody knows whether it happened:\n  ${escapeText(message)}\n  Look at the files before you say.`;
}

/** Shows and asks about all that is uncertain. True when something was decided. */
export async function askUncertain(io: CliIo, service: Service, { run_id: runId, uncertain }: RunView): Promise<boolean> {
  let decided = false;
  await io.stdin.drain();
  for (const effect of uncertain) {
    printProse(io, uncertainText(effect));
    const decision = canAsk(io) ? await readDecision(io) : null;
    if (decision === null) continue;
    await service.settleEffect(runId, effect.effect_id, decision);
    decided = true;
  }
  if (!decided) printHint(io, `Nothing was decided. A person says on a terminal what is true: \`bosun settle ${escapeLine(runId, 80)}\`.`);
  return decided;
}

async function readDecision(io: CliIo): Promise<EffectDecision | null> {
  for (let asked = 0; asked < MAX_ASKED; asked += 1) {
    const word = (await askLine(io, PROMPT))?.toLowerCase() ?? "";
    if (word === "") return null;
    const decision = WORDS[word];
    if (decision !== undefined) return decision;
    printText(io, "Type y, n or g, then Enter.");
  }
  return null;
}
