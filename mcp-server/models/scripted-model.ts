/**
 * The scripted model: answers from a file of rules, for demonstrations and tests. It costs nothing, and says `scripted` wherever a
 * model is named.
 *
 * `times` is counted per run from the journal. The model reports which rule answered (`ModelReply.rule`, or `failureOf(error).rule`
 * for a failure that a rule asked for), the caller journals that number with the outcome, and at the first use of a rule in this
 * process the model asks {@link ScriptedModelOptions.matchesSoFar} how often the journal has it. From then on it counts in memory,
 * at the moment of the match, so parallel calls never share a turn of a rule. A call that a crash loses was not journalled, so
 * the same rule answers when it is made again; a call that is cancelled gives its turn back.
 */
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { AssistantMessage, ModelReply, ModelRequest } from "../../shared/model.ts";
import type { Usage } from "../../shared/usage.ts";
import { startCallClock } from "./call-clock.ts";
import { oneLine } from "./clean-detail.ts";
import { estimateUsage } from "./estimate.ts";
import { modelError, type Asked, type FailureDetails } from "./model-failure.ts";
import type { Model } from "./port.ts";
import { lastAsked, matchingRule, scriptError, scriptReader, spokenReply, type ScriptRule } from "./script-file.ts";
import { statusError } from "./status-error.ts";

export interface ScriptedModelOptions {
  /** Absolute path of the script. */
  readonly file: string;
  /** How often the journal says that this rule (counted from 1) has answered or failed in this run. Default: never. */
  matchesSoFar?(runId: string, rule: number): number;
  /** Milliseconds after which a `hang` is given up. */
  readonly idleTimeoutMs: number;
  /** Milliseconds that a call may take in all, `delay_ms` included. */
  readonly callTimeoutMs: number;
}

/** Nothing is paid for a script, so its price is known to be zero unless the script says otherwise. */
function usageOf(rule: ScriptRule, request: ModelRequest, message: AssistantMessage): Usage {
  const given = rule.usage;
  if (given === undefined) return { ...estimateUsage(request, message, null), usd: 0 };
  const { prompt_tokens, completion_tokens, cached_tokens = 0, usd = 0 } = given;
  return { prompt_tokens, completion_tokens, cached_tokens, usd, source: "reported" };
}

/** How often each rule was used, by run. */
function createTally(matchesSoFar: (runId: string, rule: number) => number) {
  const runs = new Map<string, Map<number, number>>();
  const used = (runId: string, rule: number): number => {
    const counts = runs.get(runId) ?? new Map<number, number>();
    runs.set(runId, counts);
    const known = counts.get(rule) ?? matchesSoFar(runId, rule);
    counts.set(rule, known);
    return known;
  };
  return {
    used,
    add: (runId: string, rule: number, by: 1 | -1): void => {
      const before = used(runId, rule);
      runs.get(runId)?.set(rule, Math.max(0, before + by));
    },
  };
}

export function createScriptedModel(options: ScriptedModelOptions): Model {
  const name = path.basename(options.file);
  const asked: Asked = { provider: "scripted", model: name, shownUrl: name, keyVariable: null };
  const rules = scriptReader(options.file);
  const tally = createTally(options.matchesSoFar?.bind(options) ?? (() => 0));

  const noRule = (request: ModelRequest): Error => {
    const last = oneLine(lastAsked(request.messages).slice(0, 1000));
    const shown = last.length > 200 ? `${last.slice(0, 200)}…` : last;
    const who = request.worker === null ? "" : `, worker ${request.worker}`;
    return modelError(
      "model_unavailable",
      asked,
      `has no rule for purpose ${request.purpose}${who}, turn ${request.turn}, last message: "${shown}". Add one to the script`,
      { retryable: false },
    );
  };

  async function act(
    rule: ScriptRule,
    number: number,
    request: ModelRequest,
    signal: AbortSignal,
    onDelta: (text: string) => void,
  ): Promise<ModelReply> {
    if (rule.delay_ms !== undefined) await delay(rule.delay_ms, undefined, { signal });
    if (rule.error !== undefined) {
      const failure = scriptError(rule.error);
      if (failure.kind === "status") {
        const retryAfterMs = failure.retryAfterSeconds === null ? null : failure.retryAfterSeconds * 1000;
        throw statusError(asked, { status: failure.status, detail: `as rule ${number} says`, retryAfterMs, rule: number });
      }
      if (failure.kind === "cut")
        throw modelError("model_unavailable", asked, `did not finish: the answer was cut off, as rule ${number} says. Try again`, {
          rule: number,
          retryable: true,
        });
      // A hang ends by a timeout or by the caller; the clock sees to both.
      await delay(2 ** 31 - 1, undefined, { signal });
    }
    const { content, tool_calls } = spokenReply(rule.reply ?? {}, request.turn);
    const message: AssistantMessage = { role: "assistant", content, ...(tool_calls.length === 0 ? {} : { tool_calls }) };
    if (content !== "") onDelta(content);
    return {
      message,
      model: `scripted:${name}`,
      finish_reason: tool_calls.length === 0 ? "stop" : "tool_calls",
      usage: usageOf(rule, request, message),
      rule: number,
    };
  }

  return {
    async complete(request, ctx) {
      const script = rules();
      const number = matchingRule(script, request, (rule) => tally.used(request.run_id, rule));
      const rule = number === null ? undefined : script[number - 1];
      if (number === null || rule === undefined) throw noRule(request);
      tally.add(request.run_id, number, 1);
      const clock = startCallClock(ctx.signal, rule.error === undefined ? null : options.idleTimeoutMs, options.callTimeoutMs);
      try {
        return await act(rule, number, request, clock.signal, (text) => ctx.onDelta(text));
      } catch (error) {
        const ended = clock.endedBy();
        if (ended === null) throw error;
        if (ended === "cancelled") {
          tally.add(request.run_id, number, -1);
          throw modelError("cancelled", asked, "was not waited for: the call was cancelled");
        }
        const seconds = (ended === "idle" ? options.idleTimeoutMs : options.callTimeoutMs) / 1000;
        const details: FailureDetails = { rule: number, retryable: true };
        throw modelError(
          "model_unavailable",
          asked,
          `${ended === "idle" ? "sent nothing for" : "was not done within"} ${seconds} s, as rule ${number} says, so the call was given up`,
          details,
        );
      } finally {
        clock.stop();
      }
    },
  };
}
