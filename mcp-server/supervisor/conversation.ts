/** A conversation with a model as it grows. What is added stays in memory until the model is asked again: one link of the chain for each request. */
import type { Chain } from "../../shared/durable.ts";
import type { Ctx, TranscriptItem } from "./activities.ts";
import { ONE_LINK_A_REQUEST } from "./flags.ts";

export interface Conversation {
  /** What the model was asked with last. */
  readonly asked: Chain<TranscriptItem>;
  /** What came after it: the answer, results of tools, news. */
  readonly since: readonly TranscriptItem[];
}

export function opened(asked: Chain<TranscriptItem>): Conversation {
  return { asked, since: [] };
}

export function add(ctx: Ctx, conversation: Conversation, items: readonly TranscriptItem[]): Conversation {
  if (items.length === 0) return conversation;
  if (!ctx.flag(ONE_LINK_A_REQUEST)) return opened(ctx.chain(items, conversation.asked));
  return { asked: conversation.asked, since: [...conversation.since, ...items] };
}

/** All of it, as the model is asked with it. */
export function transcriptOf(ctx: Ctx, { asked, since }: Conversation): Chain<TranscriptItem> {
  return since.length === 0 ? asked : ctx.chain(since, asked);
}
