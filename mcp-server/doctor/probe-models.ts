/** How the models fare, as the last process that asked them has left it: one check for each. */
import { duration, measuredWords } from "../models/health-words.ts";
import { readHealthFile } from "../models/health-file.ts";
import { createModelHealth, type ModelSnapshot, type ModelStats } from "../models/model-health.ts";
import type { KnownRoom } from "../models/known-room.ts";
import type { ProviderSnapshot } from "../models/provider-limits.ts";
import type { Finding, Probe } from "./examine.ts";

export interface ModelsParts {
  /** Where the health of models is kept; need not exist. */
  readonly file: string;
  /** `provider:model` of all tiers. @throws when the configuration is broken, which is another probe's to say */
  readonly models: () => readonly string[];
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Scripts are left out: they fare as they are written. */
export function modelProbes({ file, models, now }: ModelsParts): readonly Probe[] {
  const kept = readHealthFile(file);
  const health = createModelHealth({ now });
  health.restore(kept.models);
  const names = [...new Set(known(models))].filter((name) => !name.startsWith("scripted:"));
  return names.map((name) => {
    const snapshot = kept.models[name];
    const gate = kept.providers[name.slice(0, name.indexOf(":"))];
    return {
      name: `model ${name}`,
      look: () => (snapshot === undefined ? "not asked yet" : lookAtModel(snapshot, health.state(name), gate, now())),
    };
  });
}

function known(models: () => readonly string[]): readonly string[] {
  try {
    return models();
  } catch {
    return [];
  }
}

function lookAtModel(snapshot: ModelSnapshot, stats: ModelStats, gate: ProviderSnapshot | undefined, now: number): Finding {
  const { lastError, lastOkAt } = stats;
  const measured = measuredWords(stats);
  const found = [
    breakerWords(stats, snapshot, now),
    ...(measured === null ? [] : [measured]),
    ...(snapshot.inFlight === 0 ? [] : [`${snapshot.inFlight} in flight`]),
    ...(gate === undefined ? [] : gateWords(gate, now)),
    `as of ${age(snapshot.updatedAt, now)}`,
  ].join(", ");
  const error = lastError === null ? null : `last error ${age(lastError.at, now)}: ${lastError.message}`;
  const detail = error === null ? found : `${found}; ${error}`;
  if (stats.breaker === "open") return { bad: detail };
  const stuck = lastError?.code === "model_unavailable" && !lastError.retryable && lastError.at >= (lastOkAt ?? 0);
  return stuck ? { bad: `${detail}. Mend that: the next call that works takes this note away` } : detail;
}

function breakerWords({ breaker }: ModelStats, snapshot: ModelSnapshot, now: number): string {
  if (breaker === "closed") return "breaker closed";
  if (breaker === "half-open") return "breaker half-open: the next call tries it";
  return `breaker open: not asked for ${duration((snapshot.breaker?.until ?? now) - now)} more`;
}

function gateWords({ closedUntil, requests, tokens, pace }: ProviderSnapshot, now: number): string[] {
  const left = ({ limit, remaining, resetAt }: KnownRoom, what: string): string[] => {
    if (resetAt === null || resetAt > now) return [`${remaining}${limit === null ? "" : ` of ${limit}`} ${what} left`];
    return limit === null ? [] : [`at most ${limit} ${what}`];
  };
  return [
    ...(closedUntil > now ? [`gate closed for ${duration(closedUntil - now)} by a rate limit`] : []),
    ...(requests === null ? [] : left(requests, "requests")),
    ...(tokens === null ? [] : left(tokens, "tokens")),
    ...(pace === null ? [] : [`at most ${pace.perSecond.toFixed(1)} requests a second since a refusal`]),
  ];
}

function age(at: number, now: number): string {
  return `${duration(Math.max(0, now - at))} ago`;
}
