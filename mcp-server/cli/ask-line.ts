/** Reads one line from a person, after a question that stays readable: broken between words, and put again after Ctrl+Z and `fg`. */
import type { CliIo } from "./io.ts";
import { drawingWidth } from "./print.ts";
import { wrapWords } from "./text-width.ts";

/** Trimmed; null at the end of input. */
export async function askLine(io: CliIo, question: string): Promise<string | null> {
  const ask = (): void => io.stdout.write(`${wrapWords(question.trimEnd(), drawingWidth(io))} `);
  ask();
  // The terminal forgets what was typed so far when it stops a process.
  const off = io.onSuspend(() => undefined, ask);
  try {
    const line = await io.stdin.readLine();
    if (line === null) io.stdout.write("\n");
    return line?.trim() ?? null;
  } finally {
    off();
  }
}
