/** Every row of every projection of a journal, to compare before and after; folds as a reader has them, for they are stored now and then. */
import Database from "better-sqlite3";
import { PROJECTIONS } from "../../mcp-server/journal/projector.ts";
import { needsRebuild } from "../../mcp-server/journal/rebuild.ts";
import { readFold } from "../../mcp-server/journal/stored-fold.ts";
import type { FoldRow } from "../../mcp-server/journal/stored-fold.ts";

export function projectionRows(file: string): Record<string, readonly string[]> {
  const db = new Database(file, { readonly: true });
  const outdated = needsRebuild((text) => db.prepare(text));
  const whole = (table: string, row: unknown): unknown =>
    table === "runs" ? { ...(row as FoldRow), fold: readFold((text) => db.prepare(text), row as FoldRow, outdated) } : row;
  try {
    return Object.fromEntries(
      PROJECTIONS.map((table) => [
        table,
        db
          .prepare(`SELECT * FROM ${table}`)
          .all()
          .map((row) => JSON.stringify(whole(table, row)))
          .toSorted(),
      ]),
    );
  } finally {
    db.close();
  }
}
