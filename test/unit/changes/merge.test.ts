import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergeOntoDisk, mergeTexts } from "../../../mcp-server/changes/merge.ts";
import type { FileChange, FileState } from "../../../shared/change.ts";
import { memoryBlobs } from "../../support/memory-blobs.ts";
import { fixture } from "./fixture.ts";

const merge = (base: string, ours: string, theirs: string): string | null =>
  mergeTexts(Buffer.from(base), Buffer.from(ours), Buffer.from(theirs))?.toString("utf8") ?? null;
const LINES = Array.from({ length: 12 }, (_, index) => `line ${index + 1}\n`);
const TEXT = LINES.join("");
const withLine = (at: number, line: string): string => LINES.with(at - 1, line).join("");

describe("merging a text three ways", () => {
  it("keeps both changes when they are apart, the same change once", () => {
    expect(merge(TEXT, withLine(2, "two\n"), withLine(9, "nine\n"))).toBe(LINES.with(1, "two\n").with(8, "nine\n").join(""));
    expect(merge(TEXT, withLine(2, "two\n"), withLine(2, "two\n"))).toBe(withLine(2, "two\n"));
    expect(merge(TEXT, `${TEXT}more\n`, `first\n${TEXT}`)).toBe(`first\n${TEXT}more\n`);
  });

  it("keeps line ends and a missing one as they are", () => {
    expect(merge("a\r\nb\r\nc\r\nd", "A\r\nb\r\nc\r\nd", "a\r\nb\r\nc\r\nD")).toBe("A\r\nb\r\nc\r\nD");
    expect(merge("\ufeffa\nb\nc\n", "\ufeffa\nb\nC\n", "\ufeffA\nb\nc\n")).toBe("\ufeffA\nb\nC\n");
  });

  it.each([
    ["the same line in two ways", TEXT, withLine(5, "ours\n"), withLine(5, "theirs\n")],
    ["a line that the other took out", TEXT, withLine(5, "ours\n"), LINES.toSpliced(4, 1).join("")],
    ["two ends", TEXT, `${TEXT}ours\n`, `${TEXT}theirs\n`],
  ])("says that it cannot where both change %s", (_, base, ours, theirs) => {
    expect(merge(base, ours, theirs)).toBeNull();
    expect(merge(base, theirs, ours)).toBeNull();
  });

  it("merges no binary, no other encoding and no huge text", () => {
    const binary = Buffer.from([0, 1]);
    expect(mergeTexts(Buffer.from("a"), binary, Buffer.from("a"))).toBeNull();
    expect(mergeTexts(Buffer.from("a"), Buffer.from([0xff, 0xfe]), Buffer.from("a"))).toBeNull();
    const huge = Buffer.from("x".repeat(1024 * 1024 + 1));
    expect(mergeTexts(Buffer.from("a"), huge, Buffer.from("a"))).toBeNull();
    expect(merge("a\n".repeat(20_001), "b\n", "c\n")).toBeNull();
  });

  it("of a change and none is the change, from either side, whatever the lines are", () => {
    const line = fc.constantFrom("a", "b", "constructor", "__proto__", "toString", "", "<<<<<<<", "é");
    const text = fc.array(line, { maxLength: 8 }).chain((lines) => fc.constantFrom(lines.join("\n"), `${lines.join("\n")}\n`));
    fc.assert(
      fc.property(text, text, text, (base, ours, theirs) => {
        expect(merge(base, ours, base)).toBe(ours);
        expect(merge(base, base, theirs)).toBe(theirs);
        expect(merge(base, ours, ours)).toBe(ours);
        const [one, other] = [merge(base, ours, theirs), merge(base, theirs, ours)];
        if (one !== null && other !== null) expect(one).toBe(other);
      }),
    );
  });
});

describe("merging a change set onto the disk", () => {
  it("takes what is as it was, leaves out what is there already, and merges what was edited with its mode", () => {
    const { workspace, root } = fixture({ same: "1\n", there: "2\n", edited: TEXT });
    const blobs = memoryBlobs();
    const state = (content: string, mode = 0o644): FileState => ({ content: blobs.put(Buffer.from(content)), mode });
    const changes: FileChange[] = [
      { path: "edited", before: state(TEXT), after: state(withLine(2, "two\n")) },
      { path: "same", before: state("1\n"), after: state("one\n") },
      { path: "there", before: state("1\n"), after: state("2\n") },
    ];
    writeFileSync(join(root, "edited"), withLine(9, "nine\n"));
    chmodSync(join(root, "edited"), 0o755);
    const found = mergeOntoDisk(workspace, changes, blobs);
    if (!found.ok) throw new Error(found.why.join());
    expect(found.merged).toEqual(["edited"]);
    expect(found.changes.map(({ path }) => path)).toEqual(["edited", "same"]);
    const [edited] = found.changes;
    expect(Buffer.from(blobs.get(edited?.after?.content.$blob ?? "")).toString()).toBe(LINES.with(1, "two\n").with(8, "nine\n").join(""));
    expect([edited?.before?.mode, edited?.after?.mode]).toEqual([0o755, 0o755]);
    expect([readFileSync(join(root, "edited"), "utf8"), statSync(join(root, "edited")).mode & 0o777]).toEqual([
      withLine(9, "nine\n"),
      0o755,
    ]);
  });

  it("names every file that cannot be merged", () => {
    const { workspace } = fixture({ gone: "x", made: "theirs", cut: "theirs\n" });
    const blobs = memoryBlobs();
    const state = (content: string): FileState => ({ content: blobs.put(Buffer.from(content)), mode: 0o644 });
    const found = mergeOntoDisk(
      workspace,
      [
        { path: "cut", before: state("old\n"), after: state("ours\n") },
        { path: "made", before: null, after: state("ours") },
        { path: "none", before: state("1"), after: state("2") },
        { path: "gone", before: state("y"), after: null },
      ],
      blobs,
    );
    expect(found).toEqual({ ok: false, why: ["`cut` was edited", "`made` exists now", "`none` is gone", "`gone` was edited"] });
  });
});
