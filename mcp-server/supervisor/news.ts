/** What a task is told while it is under way: steps hear all of it, each once, with their next turn; so do a replan and the synthesis. */
import type { Json, Kept } from "../../shared/durable.ts";
import type { Ctx, TranscriptItem } from "./activities.ts";
import { newsMessage } from "./messages.ts";

/** A message for what was said after the first `heard` things; none when nothing was. */
export function newsAfter(ctx: Ctx, heard: number): readonly TranscriptItem[] {
  const news = ctx.events().slice(heard) as readonly Kept<Json>[];
  if (news.length === 0) return [];
  const texts = news.map(({ value }) => (typeof value === "string" ? value : JSON.stringify(value)));
  return [{ role: "user", content: newsMessage(texts) }];
}
