/**
 * Memory: what was learned is found again. So far the short-term part: what a session's earlier runs came to, packed under a budget of
 * tokens. Pure: it never reads a journal and never asks a model.
 */
import type { RunStatus } from "../../shared/run-view.ts";

/** A run of the session, as far as a later one wants to know. */
export interface EarlierRun {
  readonly task: string;
  readonly status: RunStatus;
  readonly workers: readonly string[];
  /** What it changed on the disk, workspace-relative. */
  readonly changed: readonly string[];
  readonly answer: string | null;
  readonly error: string | null;
}

/** As everywhere: about four UTF-8 bytes a token. */
const BYTES_PER_TOKEN = 4;
/** Characters of the task and the answer of a run that is told in brief. */
const BRIEF = 240;
const MAX_FILES = 20;
/** What the line about left-out runs needs. */
const LINE_BYTES = 80;
/** Less than this of an answer that does not fit as a whole is not worth telling. */
const WORTH_IT = 200;

/**
 * The newest run as a whole, older ones in brief, the oldest left out: as much as fits, in the order in which they were.
 * @param runs oldest first
 * @param maxTokens estimated
 * @returns empty when nothing fits or there is nothing
 */
export function packSession(runs: readonly EarlierRun[], maxTokens: number): string {
  let room = Math.floor(maxTokens) * BYTES_PER_TOKEN;
  const told: string[] = [];
  for (const [back, run] of runs.toReversed().entries()) {
    const number = runs.length - back;
    const last = back === runs.length - 1;
    const text = fitting(number, run, room - (last ? 0 : LINE_BYTES), back === 0);
    if (text === null) break;
    told.unshift(text);
    room -= bytes(text) + SEPARATOR.length;
  }
  const left = runs.length - told.length;
  if (told.length === 0) return "";
  return [...(left === 0 ? [] : [`(${left} earlier ${left === 1 ? "run is" : "runs are"} left out)`]), ...told].join(SEPARATOR);
}

const SEPARATOR = "\n\n";

/** Null when it does not fit even in brief. */
function fitting(number: number, run: EarlierRun, room: number, newest: boolean): string | null {
  if (newest) {
    const whole = shown(number, run, { task: run.task, answer: run.answer ?? "" });
    if (bytes(whole) <= room) return whole;
    const without = shown(number, run, { task: brief(run.task), answer: "" });
    const rest = room - bytes(without) - LINE_BYTES;
    if (rest >= WORTH_IT && run.answer !== null) return shown(number, run, { task: brief(run.task), answer: cutBytes(run.answer, rest) });
  }
  const text = shown(number, run, { task: brief(run.task), answer: brief(run.answer ?? "") });
  return bytes(text) <= room ? text : null;
}

function shown(number: number, run: EarlierRun, { task, answer }: { readonly task: string; readonly answer: string }): string {
  const files = run.changed.slice(0, MAX_FILES).join(", ");
  const more = run.changed.length > MAX_FILES ? ` and ${run.changed.length - MAX_FILES} more` : "";
  const facts = [
    `Status: ${run.status}`,
    ...(run.workers.length === 0 ? [] : [`workers: ${run.workers.join(", ")}`]),
    ...(files === "" ? [] : [`changed: ${files}${more}`]),
  ].join("; ");
  return [
    `## ${number}. ${task}`,
    facts,
    ...(run.error === null ? [] : [`Error: ${brief(run.error)}`]),
    ...(answer === "" ? [] : [`Answer: ${answer}`]),
  ].join("\n");
}

/** One line, cut. */
function brief(text: string): string {
  const line = text.replaceAll(/\s+/gu, " ").trim();
  return line.length <= BRIEF ? line : `${whole(line.slice(0, BRIEF - 1))}…`;
}

function cutBytes(text: string, max: number): string {
  const cut = new TextDecoder().decode(new TextEncoder().encode(text).subarray(0, max)).replace(/\uFFFD+$/u, "");
  return `${cut}\n[cut]`;
}

/** Without half a character at the end. */
function whole(text: string): string {
  return text.replace(/[\uD800-\uDBFF]$/u, "");
}

function bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}
