/** Puts a run's question to a person: options by number, or an answer in their own words. */
import { BosunError } from "../../shared/errors.ts";
import type { RunView } from "../../shared/run-view.ts";
import type { Service } from "../service.ts";
import { askLine } from "./ask-line.ts";
import { escapeLine, escapeText } from "../../shared/visible-text.ts";
import { canAsk, type CliIo } from "./io.ts";
import { printError, printHint, printProse } from "./print.ts";

/** How often a number that no option has is asked again. */
const MAX_ASKED = 4;

type Question = NonNullable<RunView["question"]>;

export function questionText(question: Question): string {
  const options = question.options.map((option, at) => `  ${at + 1}) ${escapeLine(option.label, 300)}`);
  return [`? ${escapeText(question.text)}`, ...options].join("\n");
}

/** A number or a label stands for its option's value; anything else is the answer itself. */
export function answerOf(question: Question, said: string): string {
  const text = said.trim();
  const byNumber = isNumber(text) ? question.options[Number(text) - 1] : undefined;
  return (byNumber ?? named(question, text))?.value ?? text;
}

/** What to say of a number alone that no option has; else null. */
export function wrongOption(question: Question, said: string): BosunError | null {
  const text = said.trim();
  const { length } = question.options;
  if (length === 0 || !isNumber(text) || named(question, text) !== undefined) return null;
  if (Number(text) >= 1 && Number(text) <= length) return null;
  const there = length === 1 ? "there is only 1" : `there are 1 to ${length}`;
  return new BosunError(
    "invalid_input",
    `${escapeLine(text, 20)} is no option of the question: ${there}. Your own words may be anything but a number`,
  );
}

function isNumber(text: string): boolean {
  return /^\d+$/u.test(text);
}

function named({ options }: Question, text: string): Question["options"][number] | undefined {
  return options.find(({ label, value }) => label === text || value === text);
}

/** True when an answer was given. Enter alone and the end of input leave the question open. */
export async function askQuestion(io: CliIo, service: Service, runId: string, question: Question): Promise<boolean> {
  await io.stdin.drain();
  printProse(io, questionText(question));
  if (canAsk(io)) {
    for (let asked = 0; asked < MAX_ASKED; asked += 1) {
      const said = await askLine(io, question.options.length > 0 ? "Number or answer: " : "Answer: ");
      if (said === null || said === "") break;
      const wrong = wrongOption(question, said);
      if (wrong !== null) {
        printError(io, wrong, false);
        continue;
      }
      await service.answer(runId, question.question_id, answerOf(question, said));
      return true;
    }
  }
  printHint(io, `The run waits. Answer with \`bosun answer ${escapeLine(runId, 80)} "…"\`.`);
  return false;
}
