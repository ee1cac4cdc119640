/** A file's diff, its two sides beside each other. */
import { element } from "./elements.ts";
import type { FileDiff, Row, Side } from "./read-diff.ts";

/** More rows are shown when they are asked for. */
const FIRST_ROWS = 400;

export function diffView(file: FileDiff, id: string): HTMLElement {
  const body = element("tbody");
  const shown = (count: number): void => body.replaceChildren(...file.rows.slice(0, count).map(rowView));
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
  const heading = element("h3", { id }, element("span", { class: "path" }, file.title), " ", ...counts);
  // The first row may span all columns, so their widths stand before it.
  const columns = element("colgroup", {}, ...["number", "code", "number", "code"].map((kind) => element("col", { class: kind })));
  const table = element("table", { class: "diff", "aria-labelledby": id }, columns, body);
  return element("section", { class: "file" }, heading, element("div", { class: "scroll" }, table), more);
}

function rowView(row: Row): HTMLElement {
  if (row.kind === "note") return element("tr", { class: "note" }, element("td", { colspan: "4" }, row.text));
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
