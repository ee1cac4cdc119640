/** A database as text: what made its tables and one statement for each row, so that a change of it can be read. */
import type { Database } from "better-sqlite3";

/** Tables, rows, indexes and `user_version`, in this order; never reads more than one row at a time. */
export function dumpSql(db: Database): string {
  const made = db
    .prepare("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid")
    .all() as { type: string; name: string; sql: string }[];
  const lines = made.filter((each) => each.type === "table").map((each) => `${each.sql};`);
  for (const { name } of made.filter((each) => each.type === "table"))
    for (const row of db.prepare(`SELECT * FROM ${name}`).raw().iterate())
      lines.push(`INSERT INTO ${name} VALUES (${(row as unknown[]).map(literal).join(", ")});`);
  lines.push(...made.filter((each) => each.type !== "table").map((each) => `${each.sql};`));
  lines.push(`PRAGMA user_version = ${String(db.pragma("user_version", { simple: true }))};`);
  return `${lines.join("\n")}\n`;
}

/** Words stay words: bytes that are UTF-8 text are written as text. */
function literal(value: unknown): string {
  if (value === null || typeof value === "number") return String(value);
  if (typeof value === "string") return quoted(value);
  const bytes = value as Buffer;
  const text = bytes.toString("utf8");
  const isText = bytes.length > 0 && Buffer.from(text).equals(bytes) && !text.includes("\0");
  return isText && bytes.length !== 32 ? `CAST(${quoted(text)} AS BLOB)` : `x'${bytes.toString("hex")}'`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
