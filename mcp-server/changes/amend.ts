/** A change set as a person wants it: some of its files, some of a file's hunks, or their own version of a file. */
import { applyPatch } from "diff";
import type { ApprovalChoice } from "../../shared/approval-choice.ts";
import type { FileChange, FileState } from "../../shared/change.ts";
import { BosunError } from "../../shared/errors.ts";
import type { BlobStore } from "../journal/blobs.ts";
import { hunksOf } from "./diff.ts";
import { sameState } from "./same-state.ts";
import { showPath } from "./show-path.ts";
import { textOf } from "./text.ts";

export interface Amended {
  /** What is applied; at least one. */
  readonly changes: readonly FileChange[];
  /** Paths of which nothing is applied. */
  readonly leftOut: readonly string[];
  /** Paths of which some hunks are. */
  readonly partly: readonly string[];
  /** Paths that the person wrote themselves. */
  readonly edited: readonly string[];
}

type Part = NonNullable<ApprovalChoice["parts"]>[number];

/**
 * @param blobs keeps the contents that come of it
 * @returns null when that is the change set as it is
 * @throws BosunError invalid_input when a file or hunk is not in it, a file has no hunks to choose from, or nothing is left
 */
export function amendChanges(changes: readonly FileChange[], choice: ApprovalChoice, blobs: BlobStore): Amended | null {
  const paths = changes.map(({ path }) => path);
  const named = [...(choice.parts ?? []), ...(choice.edits ?? [])].map(({ path }) => path);
  const stranger = named.find((path) => !paths.includes(path));
  if (stranger !== undefined)
    throw invalid(`${showPath(stranger)} is not in the change set; in it are: ${paths.slice(0, 20).map(showPath).join(", ")}`);
  const twice = named.find((path, at) => named.indexOf(path) !== at && !isBoth(choice, path));
  if (twice !== undefined) throw invalid(`${showPath(twice)} is named twice`);

  const amended = changes.map((change): FileChange => {
    const part = choice.parts?.find(({ path }) => path === change.path);
    const edit = choice.edits?.find(({ path }) => path === change.path);
    if (choice.parts !== undefined && part === undefined) return { ...change, after: change.before };
    if (edit !== undefined) return { ...change, after: written(change, edit.content, blobs) };
    return part?.hunks === undefined ? change : { ...change, after: someHunks(change, part, blobs) };
  });
  const kept = amended.filter(({ before, after }) => !sameState(before, after));
  if (kept.length === 0) throw invalid("nothing of the change set is left: reject it instead");
  const original = (path: string): FileChange | undefined => changes.find((each) => each.path === path);
  const other = kept.filter(({ path, after }) => !sameState(original(path)?.after ?? null, after)).map(({ path }) => path);
  const edited = other.filter((path) => choice.edits?.some((edit) => edit.path === path) === true);
  const leftOut = paths.filter((path) => !kept.some((each) => each.path === path));
  if (leftOut.length === 0 && other.length === 0) return null;
  return { changes: kept, leftOut, partly: other.filter((path) => !edited.includes(path)), edited };
}

/** Paths of the files of which a part can be chosen: modified text with more than one hunk. */
export function divisibleFiles(changes: readonly FileChange[], blobs: BlobStore): readonly string[] {
  return changes.filter((change) => (divided(change, blobs)?.length ?? 0) > 1).map(({ path }) => path);
}

/** Null when the file can only be taken or left as a whole. */
function divided({ before, after }: FileChange, blobs: BlobStore): ReturnType<typeof hunksOf> {
  if (before === null || after === null) return null;
  const [old, now] = [blobs.get(before.content.$blob), blobs.get(after.content.$blob)];
  return textOf(old) === null || textOf(now) === null ? null : hunksOf(old.toString("utf8"), now.toString("utf8"));
}

/** A file may be chosen, and edited, too. */
function isBoth(choice: ApprovalChoice, path: string): boolean {
  const count = (list: readonly { readonly path: string }[] | undefined): number => list?.filter((each) => each.path === path).length ?? 0;
  return count(choice.parts) <= 1 && count(choice.edits) <= 1;
}

function written(change: FileChange, content: string, blobs: BlobStore): FileState {
  if (change.after === null) throw invalid(`${showPath(change.path)} is to be deleted: there is nothing to edit`);
  if (/\p{Cs}/u.test(content) || content.includes("\0")) throw invalid(`your version of ${showPath(change.path)} is no text`);
  return { content: blobs.put(Buffer.from(content, "utf8")), mode: change.after.mode };
}

function someHunks(change: FileChange, { hunks: wanted = [] }: Part, blobs: BlobStore): FileState {
  const { path, before, after } = change;
  const hunks = divided(change, blobs);
  if (hunks === null || before === null || after === null)
    throw invalid(
      `${showPath(path)} can be taken or left as a whole only: it is created or deleted, no text, or almost all of it is different`,
    );
  const missing = wanted.find((number) => number > hunks.length);
  if (missing !== undefined) throw invalid(`${showPath(path)} has ${hunks.length} hunks, so there is no hunk ${missing}`);
  const chosen = hunks.filter((_, index) => wanted.includes(index + 1));
  const patch = { oldFileName: "", newFileName: "", oldHeader: undefined, newHeader: undefined, hunks: chosen };
  const text = applyPatch(blobs.get(before.content.$blob).toString("utf8"), patch, { autoConvertLineEndings: false });
  if (text === false) throw new BosunError("internal", `the chosen hunks of ${showPath(path)} do not fit its content`);
  return { content: blobs.put(Buffer.from(text, "utf8")), mode: after.mode };
}

function invalid(message: string): BosunError {
  return new BosunError("invalid_input", message);
}

/** What the worker hears of it. @param reason the person's own words */
export function tellAmended({ changes, leftOut, partly, edited }: Amended, reason: string | null): string {
  const list = (paths: readonly string[]): string => paths.map(showPath).join(", ");
  const sentences = [
    `The person approved a part of your changes${reason === null ? "" : `, and says: ${reason}`}.`,
    `Applied: ${list(changes.map(({ path }) => path))}.`,
    ...(partly.length === 0 ? [] : [`Of these only some of your changes were taken: ${list(partly)}.`]),
    ...(edited.length === 0 ? [] : [`The person wrote these themselves: ${list(edited)}.`]),
    ...(leftOut.length === 0 ? [] : [`Not approved, and as before: ${list(leftOut)}.`]),
    "All your other changes were dropped. Read these files again before you go on, do not make again what was not approved, and say in your report what was done and what was not.",
  ];
  return sentences.join(" ");
}
