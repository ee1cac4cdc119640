/** What model calls came to, as a table: one line for each run, worker, model or day, and one for all together. */
import type { UsageReport, UsageTotal } from "../../../shared/reports.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import { cutToWidth, textWidth } from "../text-width.ts";
import { type Line, piece } from "./line.ts";
import { cost, count } from "./numbers.ts";

/** Of whom the supervisor's own calls are. */
const SUPERVISOR = "supervisor";

/** The first column is never cut to less than a day has; a run's id is kept whole, where need be without the column that is least wanted. */
const DAY_COLUMNS = 10;
const ID_COLUMNS = 24;

const NUMBERS: readonly (readonly [string, (row: UsageTotal) => string])[] = [
  ["calls", (row) => count(row.calls)],
  ["prompt", (row) => count(row.prompt_tokens)],
  ["cached", (row) => count(row.cached_tokens)],
  ["answer", (row) => count(row.completion_tokens)],
  ["cost", costWords],
];
const LEAST_WANTED = "cached";

/** @param by what the rows stand for @param width columns of the terminal */
export function usageLines({ usage, total }: UsageReport, by: string, width: number): readonly Line[] {
  const rows = [...usage.map((row) => ({ name: nameOf(row), row })), { name: "total", row: total }];
  const all = NUMBERS.map(([title, text]) => [title, ...rows.map(({ row }) => text(row))]);
  const widthOf = (columns: readonly (readonly string[])[]): number => columns.reduce((sum, cells) => sum + 2 + widest(cells), 0);
  const names = [by, ...rows.map(({ name }) => name)];
  const enough = Math.min(widest(names), ID_COLUMNS);
  const numbers = width - widthOf(all) < enough ? all.filter(([title]) => title !== LEAST_WANTED) : all;
  const nameWidth = Math.max(DAY_COLUMNS, Math.min(widest(names), width - widthOf(numbers)));
  return names.map((name, at) => {
    const cut = cutToWidth(name, nameWidth);
    const left = cut + " ".repeat(nameWidth - textWidth(cut));
    const right = numbers.map((cells) => `  ${(cells[at] ?? "").padStart(widest(cells))}`).join("");
    if (at === 0) return [piece(left + right, "dim")];
    return at === rows.length ? [piece(left + right, "strong")] : [piece(left), piece(right)];
  });
}

function nameOf(row: UsageReport["usage"][number]): string {
  return escapeLine(row.day ?? row.run_id ?? row.model ?? row.worker ?? SUPERVISOR);
}

function widest(texts: readonly string[]): number {
  return Math.max(...texts.map(textWidth));
}

/** `$0.0123`, `about $0.0123`, `unknown`; `$0.0123 + unknown` where the price of a part is not known. */
function costWords({ usd, known_usd: known, source }: UsageTotal): string {
  if (usd !== null) return source === "unknown" ? "unknown" : cost({ usd, source });
  return known === 0 ? "unknown" : `${cost({ usd: known, source: source === "estimated" ? source : "reported" })} + unknown`;
}
