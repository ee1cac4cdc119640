/** A file's diff, its two sides beside each other. */
import { element } from "./elements.ts";
import type { FileDiff, Row, Side } from "./read-diff.ts";

/** More rows are shown when they are asked for. */
const FIRST_ROWS = 400;

/** Which parts are ticked, and what a tick does. */
export interface Ticks {
  /** Of the whole file, and of its hunks from 1; null: they cannot be chosen one by one. */
  readonly hunks: number | null;
  has(hunk: number | null): boolean;
  set(hunk: number | null, ticked: boolean): void;
}

export function diffView(file: FileDiff, id: string, ticks: Ticks | null): HTMLElement {
  const boxes = new Map<number | null, HTMLInputElement>();
  const box = (hunk: number | null, label: string): HTMLElement | null => {
    if (ticks === null) return null;
    const made = element("input", { type: "checkbox", "aria-label": label }) as HTMLInputElement;
    made.checked = ticks.has(hunk);
    made.addEventListener("change", () => {
      ticks.set(hunk, made.checked);
      for (const [of, each] of boxes) each.checked = ticks.has(of);
    });
    boxes.set(hunk, made);
    return made;
  };
  let hunks = 0;
  const rowOf = (row: Row): HTMLElement => {
    if (row.kind !== "note" || !row.text.startsWith("@@ ")) return rowView(row, null);
    hunks += 1;
    return rowView(row, ticks?.hunks === null ? null : box(hunks, `Apply hunk ${hunks} of ${file.title}`));
  };
  const body = element("tbody");
  const shown = (count: number): void => {
    hunks = 0;
    body.replaceChildren(...file.rows.slice(0, count).map(rowOf));
  };
  shown(FIRST_ROWS);
  const rest = file.rows.length - FIRST_ROWS;
  const more =
    rest <= 0
      ? null
      : element(
          "button",
          {
            type: "button",
            class: "more",
            click: (event) => {
              shown(file.rows.length);
              (event.currentTarget as HTMLElement).remove();
            },
          },
          `Show ${rest} more lines`,
        );
  const counts = [element("span", { class: "added" }, `+${file.added}`), " ", element("span", { class: "removed" }, `−${file.removed}`)];
  const heading = element("h3", { id }, box(null, `Apply ${file.title}`), element("span", { class: "path" }, file.title), " ", ...counts);
  // The first row may span all columns, so their widths stand before it.
  const columns = element("colgroup", {}, ...["number", "code", "number", "code"].map((kind) => element("col", { class: kind })));
  const table = element("table", { class: "diff", "aria-labelledby": id }, columns, body);
  return element("section", { class: "file" }, heading, element("div", { class: "scroll" }, table), more);
}

function rowView(row: Row, box: HTMLElement | null): HTMLElement {
  if (row.kind === "note") return element("tr", { class: "note" }, element("td", { colspan: "4" }, box, row.text));
  const kind = (side: Side | null, changed: string): string => (row.kind === "same" ? "same" : side === null ? "none" : changed);
  return element("tr", {}, ...sideView(row.before, kind(row.before, "removed")), ...sideView(row.after, kind(row.after, "added")));
}

function sideView(side: Side | null, kind: string): readonly HTMLElement[] {
  const sign = kind === "added" ? "+" : kind === "removed" ? "−" : "";
  return [
    element("td", { class: `line ${kind}`, "data-sign": sign }, side === null ? "" : String(side.line)),
    element("td", { class: `code ${kind}` }, side === null ? "" : side.text.replaceAll("\t", "  ")),
  ];
}
