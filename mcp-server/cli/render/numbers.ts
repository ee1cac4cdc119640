/** Numbers for people; what is unknown is said to be unknown. */
import type { RunUsage } from "../../../shared/run-view.ts";

/** `340 ms`, `4.2 s`, `3 m 05 s`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, "0")} s`;
}

/** With thousands separated, whatever the locale: `12,345`. */
export function count(value: number): string {
  return String(Math.round(value)).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}

type Cost = Pick<RunUsage, "usd" | "source">;

/** `$0.0123`, `about $0.01` when estimated, `cost unknown`. */
export function cost({ usd, source }: Cost): string {
  if (usd === null || source === "unknown") return "cost unknown";
  const amount = usd === 0 ? "$0" : `$${usd.toFixed(usd < 1 ? 4 : 2)}`;
  return source === "estimated" ? `about ${amount}` : amount;
}

/** `1 file`, `3 files`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

export function usageLine(usage: RunUsage): string {
  const tokens = `${count(usage.prompt_tokens)} + ${count(usage.completion_tokens)} tokens${usage.source === "reported" ? "" : ` (${usage.source})`}`;
  return `${cost(usage)} · ${tokens} · ${count(usage.model_calls)} model, ${plural(usage.tool_calls, "tool call")}`;
}

/** When it was, in local time: `21:04`, or `11-20 21:04` when that was not today. @param at,now epoch milliseconds */
export function clock(at: number, now: number): string {
  const [then, today] = [new Date(at), new Date(now)];
  const time = `${two(then.getHours())}:${two(then.getMinutes())}`;
  return then.toDateString() === today.toDateString() ? time : `${two(then.getMonth() + 1)}-${two(then.getDate())} ${time}`;
}

/** Until when, and how long that is: `22:04 (59 minutes left)`. @param at,now epoch milliseconds */
export function deadline(at: number, now: number): string {
  const minutes = Math.floor((at - now) / 60_000);
  const left =
    at <= now
      ? "over"
      : minutes < 1
        ? "less than a minute left"
        : minutes < 180
          ? `${plural(minutes, "minute")} left`
          : `${plural(Math.floor(minutes / 60), "hour")} left`;
  return `${clock(at, now)} (${left})`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** `512 B`, `3.4 kB`, `1.2 MB`: powers of 1000. */
export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, value)) / 3));
  const scaled = value / 1_000 ** power;
  return `${power === 0 || scaled >= 100 ? Math.round(scaled) : scaled.toFixed(1)} ${units[power] ?? "B"}`;
}
