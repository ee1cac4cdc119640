/** Every row of every projection of a journal, to compare before and after. */
import Database from "better-sqlite3";
import { PROJECTIONS } from "../../mcp-server/journal/projector.ts";

export function projectionRows(file: string): Record<string, readonly string[]> {
  const db = new Database(file, { readonly: true });
  try {
    return Object.fromEntries(
      PROJECTIONS.map((table) => [
        table,
        db
          .prepare(`SELECT * FROM ${table}`)
          .all()
          .map((row) => JSON.stringify(row))
          .toSorted(),
      ]),
    );
  } finally {
    db.close();
  }
}
