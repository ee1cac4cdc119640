/** What of a change set is ticked: whole files, and hunks of those that can be divided. Pure. */
import type { ApprovalChoice } from "../../../shared/approval-choice.ts";

type Parts = NonNullable<ApprovalChoice["parts"]>;

export interface Chosen {
  /** @param hunk from 1; null: the whole file */
  set(path: string, hunk: number | null, ticked: boolean): void;
  has(path: string, hunk: number | null): boolean;
  /** `all`: as it was put up; `none`: there is nothing to approve. */
  parts(): Parts | "all" | "none";
}

/** @param hunks how many each file has to choose from, by path; 0 or 1: it is taken or left as a whole */
export function createChosen(hunks: ReadonlyMap<string, number>): Chosen {
  const left = new Map([...hunks.keys()].map((path) => [path, new Set<number>()]));
  const all = (path: string): readonly number[] => Array.from({ length: Math.max(1, hunks.get(path) ?? 0) }, (_, index) => index + 1);
  return {
    set: (path, hunk, ticked) => {
      const out = left.get(path);
      for (const each of hunk === null ? all(path) : [hunk]) {
        if (ticked) out?.delete(each);
        else out?.add(each);
      }
    },
    has: (path, hunk) => (hunk === null ? (left.get(path)?.size ?? 0) < all(path).length : left.get(path)?.has(hunk) !== true),
    parts: () => {
      if ([...left.values()].every((out) => out.size === 0)) return "all";
      const parts = [...left].flatMap(([path, out]): Parts => {
        const kept = all(path).filter((hunk) => !out.has(hunk));
        if (kept.length === 0) return [];
        return [out.size === 0 ? { path } : { path, hunks: [...kept] }];
      });
      return parts.length === 0 ? "none" : parts;
    },
  };
}
