/** Printing: lines, JSON, and errors in the one form that the contract fixes. */
import { type ErrorValue } from "../../shared/errors.ts";
import { escapeLine } from "../../shared/visible-text.ts";
import { commandsHere } from "./here.ts";
import type { CliIo } from "./io.ts";
import { wantsColor } from "./io.ts";
import { type Line, paint, piece, type Tone } from "./render/line.ts";
import { wrapWords } from "./text-width.ts";

export function printLines(io: CliIo, lines: readonly Line[]): void {
  const color = wantsColor(io);
  for (const line of lines) io.stdout.write(`${paint(line, color)}\n`);
}

export function printText(io: CliIo, text: string): void {
  io.stdout.write(`${text}\n`);
}

/** Text for reading: on a terminal long lines break between words, never inside `backticks`; elsewhere it stays as it is. */
export function printProse(io: CliIo, text: string, tone: Tone = "plain"): void {
  const broken = io.stdout.isTTY ? wrapWords(text, drawingWidth(io)) : text;
  printLines(
    io,
    broken.split("\n").map((line) => [piece(line, line === "" ? "plain" : tone)]),
  );
}

/** What to do next, in our own words: its commands are shown as they are called here. */
export function printHint(io: CliIo, text: string, tone: Tone = "plain"): void {
  printProse(io, commandsHere(io, text), tone);
}

export function printJson(io: CliIo, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** To standard error: `bosun: <code>: <message>`, or `{"error":{…}}` with --json. */
export function printError(io: CliIo, error: ErrorValue, json: boolean): void {
  const { code, message, retryable } = error;
  const line = json
    ? JSON.stringify({ error: { code, message, retryable } })
    : `bosun: ${code}: ${commandsHere(io, escapeLine(message, 4_000))}`;
  if (json) io.stderr.write(`${line}\n`);
  else printAside(io, line);
}

/** To standard error; on a terminal long lines break between words. @param text escaped */
export function printAside(io: CliIo, text: string): void {
  io.stderr.write(`${io.stderr.isTTY ? wrapWords(text, Math.max(20, io.stderr.columns - 1)) : text}\n`);
}

/** What a line may take where no terminal limits it. */
const PIPE_WIDTH = 120;

/** Columns to draw in; one less than there are, for some terminals wrap when the last one is written. */
export function drawingWidth(io: CliIo): number {
  return io.stdout.isTTY ? Math.max(20, io.stdout.columns - 1) : PIPE_WIDTH;
}
