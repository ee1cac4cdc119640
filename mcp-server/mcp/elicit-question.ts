/**
 * Puts what a run asks to the person at the client, where the client can do that. Their answer clarifies the task and nothing else: it is
 * what `answer_question` would have been told, and a hook may have given it.
 */
import { randomBytes } from "node:crypto";
import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  createRequestStateCodec,
  type ElicitRequestFormParams,
  inputRequired,
  type InputRequiredResult,
  inputResponse,
  type McpServer,
  type ServerContext,
} from "@modelcontextprotocol/server";
import * as z from "zod";
import { cleanLine, cleanText } from "../../shared/clean-text.ts";
import { isBosunError } from "../../shared/errors.ts";
import type { RunView } from "../../shared/run-view.ts";
import type { Service } from "../service.ts";

/** What the client carries from the call that asked to the one that answers: so that is about the same run, and begins none. */
export interface Asked {
  readonly run_id: string;
  readonly question_id: string;
}

/** Sealed with a key of this process; a daemon that took its place refuses it, and the run is found by its id. */
export const ASKED = createRequestStateCodec<Asked>({ key: randomBytes(32), ttlSeconds: 3_600 });

export interface Elicitation {
  /** What was asked before this call, if it is the answer to a question. */
  before(ctx: ServerContext): Asked | undefined;
  /** Hands on the answer that came with this call. */
  take(asked: Asked, ctx: ServerContext): Promise<void>;
  /**
   * Asks what the run asks.
   * @param ms how long the call may still take
   * @returns a result that asks the client; `answered`: go on waiting; null: nobody is asked, or nobody answered
   */
  ask(view: RunView, ms: number, ctx: ServerContext): Promise<InputRequiredResult | "answered" | null>;
}

const KEY = "answer";
const MAX_MESSAGE = 4_000;
/** A person needs longer than that to read. */
const MIN_MS = 1_000;
const given = z.object({ [KEY]: z.string().min(1).max(100_000) });

export function createElicitation(server: McpServer, service: Service): Elicitation {
  /** Questions that the person did not want to answer here. */
  const turnedDown = new Set<string>();
  const answer = async ({ run_id, question_id }: Asked, text: string): Promise<void> => {
    try {
      await service.answer(run_id, question_id, text);
    } catch (error) {
      // It was answered elsewhere meanwhile, or the run has ended: the client is told how it is.
      if (!isBosunError(error) || (error.code !== "conflict" && error.code !== "not_found")) throw error;
    }
  };
  return {
    before: ({ mcpReq }) => {
      const state = mcpReq.requestState<Asked>();
      return typeof state?.run_id === "string" && typeof state.question_id === "string" ? state : undefined;
    },
    take: async (asked, { mcpReq }) => {
      const content = acceptedContent(mcpReq.inputResponses, KEY, given);
      if (content !== undefined) await answer(asked, content[KEY] ?? "");
      else if (inputResponse(mcpReq.inputResponses, KEY).kind !== "missing") turnedDown.add(asked.question_id);
    },
    ask: async (view, ms, ctx) => {
      const { question, run_id } = view;
      if (view.status !== "waiting_answer" || question === null || ms < MIN_MS) return null;
      const asked: Asked = { run_id, question_id: question.question_id };
      if (turnedDown.has(asked.question_id) || !canAsk(server, ctx)) return null;
      const form = formOf(question);
      if (ctx.mcpReq.envelope !== undefined)
        return inputRequired({ inputRequests: { [KEY]: inputRequired.elicit(form) }, requestState: await ASKED.mint(asked, ctx) });
      try {
        const { action, content } = await ctx.mcpReq.elicitInput(form, {
          relatedRequestId: ctx.mcpReq.id,
          timeout: ms,
          signal: ctx.mcpReq.signal,
        });
        const parsed = given.safeParse(content);
        if (action === "accept" && parsed.success) {
          await answer(asked, parsed.data[KEY] ?? "");
          return "answered";
        }
        turnedDown.add(asked.question_id);
      } catch {
        // No answer in time, or a client that says it can and cannot.
      }
      return null;
    },
  };
}

function canAsk(server: McpServer, { mcpReq }: ServerContext): boolean {
  const envelope = mcpReq.envelope as Readonly<Record<string, ClientCapabilities | undefined>> | undefined;
  const { elicitation } = envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? server.server.getClientCapabilities() ?? {};
  // Who names no way means the form.
  return elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined);
}

function formOf({ text, options }: NonNullable<RunView["question"]>): ElicitRequestFormParams {
  const titled = options.map(({ value, label }) => ({ const: value, title: cleanLine(label, 200) }));
  const field =
    titled.length === 0 ? { type: "string" as const, title: "Answer", minLength: 1 } : { type: "string" as const, oneOf: titled };
  return {
    mode: "form",
    message: cleanText(text).slice(0, MAX_MESSAGE),
    requestedSchema: { type: "object", properties: { [KEY]: field }, required: [KEY] },
  };
}
