/** Asks a person, file by file, what of a change set shall be applied. */
import type { ApprovalChoice } from "../../shared/approval-choice.ts";
import type { ApprovalDetail } from "../../shared/reports.ts";
import { escapeLine } from "../../shared/visible-text.ts";
import { askLine } from "./ask-line.ts";
import type { CliIo } from "./io.ts";
import { printText } from "./print.ts";
import { plural } from "./render/numbers.ts";

type Part = NonNullable<ApprovalChoice["parts"]>[number];

/** Null when it was left off, or nothing was chosen. */
export async function askPart(io: CliIo, { approval, divisible, diff }: ApprovalDetail): Promise<ApprovalChoice | null> {
  const parts: Part[] = [];
  for (const path of approval.files) {
    const part = await askFile(io, path, divisible.includes(path) ? hunksIn(diff, path) : 0);
    if (part === "stop") return null;
    if (part !== null) parts.push(part);
  }
  if (parts.length === 0) {
    printText(io, "Nothing was chosen. `r` turns all of it down.");
    return null;
  }
  const answer = await askLine(io, `Apply this part: ${parts.map(wordsOf).join(", ")}? [y]es / [n]o `);
  return answer?.toLowerCase() === "y" ? { parts } : null;
}

/** @param hunks 0: the file is taken or left as a whole */
async function askFile(io: CliIo, path: string, hunks: number): Promise<Part | "stop" | null> {
  const some = hunks > 1 ? ` / numbers of its ${plural(hunks, "hunk")}, such as 1,3` : "";
  for (;;) {
    const word = (await askLine(io, `${escapeLine(path, 300)}: [y]es / [n]o${some} `))?.toLowerCase();
    if (word === undefined) return "stop";
    if (word === "y" || word === "yes") return { path };
    if (word === "n" || word === "no") return null;
    const numbers = /^\d{1,5}(?:[\s,]+\d{1,5})*$/u.test(word) ? [...new Set(word.split(/[\s,]+/u).map(Number))] : [];
    if (numbers.length > 0 && numbers.every((number) => number >= 1 && number <= hunks))
      return numbers.length === hunks ? { path } : { path, hunks: numbers.toSorted((a, b) => a - b) };
    printText(io, `Type y or n${some === "" ? "" : `, or numbers from 1 to ${hunks}`}, then Enter. Ctrl+D leaves it open.`);
  }
}

function wordsOf({ path, hunks }: Part): string {
  const name = escapeLine(path, 300);
  return hunks === undefined ? name : `${name} (${hunks.length === 1 ? "hunk" : "hunks"} ${hunks.join(", ")})`;
}

/** How many hunks the diff shows of a file; it is one whose name needs no quotes, or its hunks are not offered. */
function hunksIn(diff: string, path: string): number {
  const from = `diff --git a/${path} b/${path}\n`;
  const start = diff.startsWith(from) ? 0 : diff.indexOf(`\n${from}`);
  if (start === -1) return 0;
  const rest = diff.slice(start + from.length);
  const end = rest.indexOf("\ndiff --git ");
  return (end === -1 ? rest : rest.slice(0, end)).split("\n").filter((line) => line.startsWith("@@ ")).length;
}
