/** What events and projections only name: tasks, answers, questions, errors. A payload that was removed is said to be so. */
import type { ErrorRecord, Json, Question, Ref } from "../../shared/durable.ts";
import type { PlanPrice } from "../../shared/estimate.ts";
import type { ErrorValue } from "../../shared/errors.ts";
import { isBosunError } from "../../shared/errors.ts";
import type { Payload, RunEvent, StepTexts } from "../../shared/events.ts";
import { createCodec } from "../engine/codec.ts";
import type { BlobStore } from "../journal/blobs.ts";
import type { RunFold } from "../journal/fold-run.ts";

export const REMOVED = "(payload removed)";
const TITLE_LENGTH = 120;

export interface RunWords {
  task(fold: Pick<RunFold, "input">): string;
  /** The task's first line, cut to 120 characters. */
  title(fold: Pick<RunFold, "input">): string;
  result(fold: Pick<RunFold, "ended">): { readonly answer: string | null; readonly data: Json } | null;
  goal(texts: Ref, step: string): string;
  /** What the plan was reckoned to cost; null when it was not. */
  price(fold: Pick<RunFold, "estimate">): PlanPrice | null;
  text(ref: Ref): string;
  question(ref: Ref): Question;
  error(record: ErrorRecord): ErrorValue;
  /** What a person told a run while it was under way; what is no text, as JSON. */
  told(payload: Payload): string;
  /** The words of an event: its task, question or error, or what the run was told; null when it names none. */
  of(event: RunEvent): string | null;
}

export function createWords(blobs: Pick<BlobStore, "get">): RunWords {
  const codec = createCodec(blobs, null);

  const task: RunWords["task"] = ({ input }) => {
    const given = orRemoved(() => codec.decode(input) as { task?: unknown }, { task: REMOVED });
    return typeof given.task === "string" ? given.task : "";
  };

  const question: RunWords["question"] = (ref) => orRemoved(() => codec.load(ref) as Question, { text: REMOVED, options: [] });
  const text: RunWords["text"] = (ref) => orRemoved(() => codec.load(ref) as string, REMOVED);
  const error: RunWords["error"] = ({ code, retryable, message }) => ({
    code,
    message: orRemoved(() => codec.load(message) as string, REMOVED),
    retryable,
  });

  const told: RunWords["told"] = (payload) => {
    const said = orRemoved(() => {
      const decoded = codec.decode(payload);
      return typeof decoded === "object" && decoded !== null && "$kept" in decoded ? codec.load(decoded as Ref) : decoded;
    }, REMOVED);
    return typeof said === "string" ? said : JSON.stringify(said);
  };

  return {
    task,
    told,
    title: (fold) => {
      const line = task(fold).trim().split("\n", 1)[0] ?? "";
      return line.length <= TITLE_LENGTH ? line : `${line.slice(0, TITLE_LENGTH - 1)}…`;
    },
    result: ({ ended }) => {
      const payload = ended?.result ?? null;
      if (payload === null) return null;
      const { answer, data } = orRemoved(() => codec.decode(payload) as { answer?: unknown; data?: Json }, { answer: REMOVED });
      return { answer: typeof answer === "string" ? answer : null, data: data ?? null };
    },
    goal: (texts, step) => orRemoved(() => (codec.load(texts) as StepTexts)[step]?.goal ?? "", REMOVED),
    price: ({ estimate }) => (estimate === null ? null : orRemoved(() => codec.decode(estimate) as PlanPrice, null)),
    text,
    question,
    error,
    of: (event) => {
      if (event.kind === "run-started") return task(event.data);
      if (event.kind === "wait-started") return event.data.about.for === "answer" ? question(event.data.about.question).text : null;
      if (event.kind === "event-received") return told(event.data.payload);
      const record = "error" in event.data ? event.data.error : null;
      return record === null ? null : error(record).message;
    },
  };
}

/** What is read, or `removed` where a payload is not there any more. */
export function orRemoved<T>(read: () => T, removed: T): T {
  try {
    return read();
  } catch (error) {
    if (isBosunError(error) && error.code === "not_found") return removed;
    throw error;
  }
}
