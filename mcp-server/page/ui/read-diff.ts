/** From the unified diff that a person decides about to rows of two sides. Pure. */

/** One line of a side; `text` as it is in the file. */
export interface Side {
  readonly line: number;
  readonly text: string;
}

export type Row =
  | { readonly kind: "same"; readonly before: Side; readonly after: Side }
  | { readonly kind: "changed"; readonly before: Side | null; readonly after: Side | null }
  /** Where a hunk begins, what was cut, a missing line end. */
  | { readonly kind: "note"; readonly text: string };

export interface FileDiff {
  /** As the diff names it. */
  readonly title: string;
  readonly added: number;
  readonly removed: number;
  /** How many `@@` it has. */
  readonly hunks: number;
  readonly rows: readonly Row[];
}

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/u;

export function readDiff(diff: string): readonly FileDiff[] {
  const files: string[][] = [];
  for (const line of diff.split("\n")) {
    if (line.startsWith("diff --git ") || files.length === 0) files.push([]);
    files.at(-1)?.push(line);
  }
  return files.filter((lines) => lines.some((line) => line !== "")).map(readFile);
}

function readFile(lines: readonly string[]): FileDiff {
  const rows: Row[] = [];
  let [added, removed] = [0, 0];
  let at: { before: number; after: number } | null = null;
  let pending: { readonly before: Side[]; readonly after: Side[] } = { before: [], after: [] };
  const flush = (): void => {
    const { before, after } = pending;
    for (let index = 0; index < Math.max(before.length, after.length); index += 1)
      rows.push({ kind: "changed", before: before[index] ?? null, after: after[index] ?? null });
    pending = { before: [], after: [] };
  };
  for (const line of lines) {
    const hunk = HUNK.exec(line);
    if (hunk !== null) {
      flush();
      at = { before: Number(hunk[1]), after: Number(hunk[2]) };
      rows.push({ kind: "note", text: line });
    } else if (at === null) {
      if (!/^(?:diff --git|---|\+\+\+) /u.test(line) && line !== "") rows.push({ kind: "note", text: line });
    } else if (line.startsWith("-")) {
      removed += 1;
      pending.before.push({ line: at.before, text: line.slice(1) });
      at.before += 1;
    } else if (line.startsWith("+")) {
      added += 1;
      pending.after.push({ line: at.after, text: line.slice(1) });
      at.after += 1;
    } else if (line.startsWith(" ")) {
      flush();
      rows.push({ kind: "same", before: { line: at.before, text: line.slice(1) }, after: { line: at.after, text: line.slice(1) } });
      at.before += 1;
      at.after += 1;
    } else if (line !== "") {
      flush();
      rows.push({ kind: "note", text: line });
    }
  }
  flush();
  const hunks = rows.filter((row) => row.kind === "note" && HUNK.test(row.text)).length;
  return { title: titleOf(lines[0] ?? ""), added, removed, hunks, rows };
}

/** Both names of a file are the same in our diffs: `diff --git a/x b/x`, each quoted as git does where that is needed. */
function titleOf(first: string): string {
  const names = first.slice("diff --git ".length);
  const name = names.slice(0, (names.length - 1) / 2);
  return first.startsWith("diff --git ") ? name.replace(/^("?)a\//u, "$1") : first;
}
