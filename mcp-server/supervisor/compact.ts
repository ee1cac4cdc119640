/**
 * A long step's older turns, put into a summary: what a model is sent grows with each turn, and so does its price. What the step was given
 * and its last turns stay word for word. Where no summary can be had the conversation stays as it is.
 */
import type { Chain } from "../../shared/durable.ts";
import type { Crew, Ctx, PinnedWorker, TranscriptItem } from "./activities.ts";
import { ask, withTranscript } from "./ask.ts";
import { add, opened } from "./conversation.ts";
import type { Conversation } from "./conversation.ts";
import { HANDS_NOTES_ON, SUMMARISES } from "./flags.ts";
import { cut } from "./messages.ts";
import type { WorkNotes } from "../../shared/work-notes.ts";
import { notesText } from "./work-notes.ts";

/** So many turns stay as they are. */
const KEPT_TURNS = 4;

/** Less than this share of the limit is not worth a summary: what stays is long by itself. */
const WORTH_IT = 0.25;

/** Characters of one message that the summary is made from. */
const MAX_SHOWN = 8_000;

/** As the estimate of prompt tokens has it: about four characters a token. */
const CHARACTERS_PER_TOKEN = 4;

export interface Compacting {
  readonly crew: Crew;
  readonly worker: PinnedWorker;
  /** What the step was given: its first two messages. */
  readonly head: Chain<TranscriptItem>;
  readonly turn: number;
  /** What its tool calls told so far. */
  readonly notes: WorkNotes;
}

/** The conversation, with its older turns put together once it is longer than `limits.compact_above_tokens`. */
export async function compacted(ctx: Ctx, conversation: Conversation, at: Compacting): Promise<Conversation> {
  const above = at.crew.limits.compact_above_tokens;
  if (above === undefined || !ctx.flag(SUMMARISES)) return conversation;
  const items = [...conversation.asked.items, ...conversation.since];
  if (sizeOf(items) <= above) return conversation;
  const from = startOfTurn(items, KEPT_TURNS);
  const older = items.slice(at.head.items.length, from);
  if (sizeOf(older) < above * WORTH_IT) return conversation;
  const summary = await ctx.branch(`compact:${at.turn}`, (inner) => summarise(inner, older, at));
  if (summary === null) return conversation;
  return add(ctx, opened(at.head), [
    { role: "user", content: summaryMessage(summary, older.length, ctx.flag(HANDS_NOTES_ON) ? notesText(at.notes) : "") },
    ...items.slice(from),
  ]);
}

async function summarise(ctx: Ctx, older: readonly TranscriptItem[], { crew, worker, turn }: Compacting): Promise<string | null> {
  const transcript = ctx.chain<TranscriptItem>([
    { role: "system", content: crew.prompts.value.compact },
    { role: "user", content: older.map(shown).join("\n\n") },
  ]);
  const request = {
    purpose: "compact" as const,
    worker: worker.name,
    turn,
    from: { crew, tier: "small" as const, complexity: null },
    tools: null,
    reply_schema: null,
    max_completion_tokens: crew.limits.max_completion_tokens,
  };
  const outcome = await ask(ctx, withTranscript(ctx, request, transcript));
  const text = outcome.ok ? outcome.value.message.value.content.trim() : "";
  return text === "" ? null : text;
}

/** Where the last so many answers begin, so that no result is parted from its call. */
function startOfTurn(items: readonly TranscriptItem[], turns: number): number {
  const answers = items.flatMap((item, index) => ("$kept" in item ? [index] : []));
  return answers.at(-turns) ?? 0;
}

function textOf(item: TranscriptItem): string {
  if ("$kept" in item) return item.value.content;
  return typeof item.content === "string" ? item.content : item.content.value;
}

function callsOf(item: TranscriptItem): readonly string[] {
  const calls = "$kept" in item ? (item.value.tool_calls ?? []) : [];
  return calls.map((call) => `called ${call.name}(${call.arguments})`);
}

function sizeOf(items: readonly TranscriptItem[]): number {
  const characters = items.flatMap((item) => [textOf(item), ...callsOf(item)].map((text) => text.length));
  return characters.reduce((sum, length) => sum + length, 0) / CHARACTERS_PER_TOKEN;
}

function shown(item: TranscriptItem): string {
  const who = "$kept" in item ? "Worker" : item.role === "tool" ? "Result" : "Told";
  return [`## ${who}`, textOf(item), ...callsOf(item)].map((text) => cut(text, MAX_SHOWN)).join("\n");
}

function summaryMessage(summary: string, messages: number, notes: string): string {
  const noted = notes === "" ? "" : `\n\n# What your tool calls tell so far\n${cut(notes, 6_000)}`;
  return `# Summary of your work so far (${messages} earlier messages are left out; read files again where you need their text)\n${summary}${noted}`;
}
