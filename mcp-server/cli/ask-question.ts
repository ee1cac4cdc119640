/** Puts a run's question to a person: options by number, or an answer in their own words. */
import type { RunView } from "../../shared/run-view.ts";
import type { Service } from "../service.ts";
import { askLine } from "./ask-line.ts";
import { escapeLine, escapeText } from "./escape.ts";
import { canAsk, type CliIo } from "./io.ts";
import { printHint, printText } from "./print.ts";

type Question = NonNullable<RunView["question"]>;

export function questionText(question: Question): string {
  const options = question.options.map((option, at) => `  ${at + 1}) ${escapeLine(option.label, 300)}`);
  return [`? ${escapeText(question.text)}`, ...options].join("\n");
}

/** A number or a label stands for its option's value; anything else is the answer itself. */
export function answerOf(question: Question, said: string): string {
  const text = said.trim();
  const byNumber = /^\d+$/.test(text) ? question.options[Number(text) - 1] : undefined;
  const option = byNumber ?? question.options.find(({ label, value }) => label === text || value === text);
  return option?.value ?? text;
}

/** True when an answer was given. Enter alone and the end of input leave the question open. */
export async function askQuestion(io: CliIo, service: Service, runId: string, question: Question): Promise<boolean> {
  await io.stdin.drain();
  printText(io, questionText(question));
  if (canAsk(io)) {
    const said = await askLine(io, question.options.length > 0 ? "Number or answer: " : "Answer: ");
    if (said !== null && said !== "") {
      service.answer(runId, question.question_id, answerOf(question, said));
      return true;
    }
  }
  printHint(io, `The run waits. Answer with \`bosun answer ${escapeLine(runId, 80)} "…"\`.`);
  return false;
}
