/**
 * The next turn of a worker without a language model: list the files, search for the task's words, search again where there was too much,
 * read the best places, tell them. All of it follows from the messages, so that a killed run goes on and a replay says the same.
 */
import type { ModelMessage } from "../../shared/model.ts";
import { queryOf, type Query } from "./query-words.ts";
import { type Found, rankFiles, type RankedFile } from "./rank-files.ts";
import { hitsOf, pathsOf, told, wasCut, type DoneCall, type Told } from "./read-conversation.ts";
import { answerText, stopText, type Findings, type Passage } from "./report.ts";
import { fileOf, framesOf, type Frame } from "./stack-frames.ts";

export type OfflineTurn =
  | { readonly calls: readonly { readonly name: string; readonly args: object }[] }
  | { readonly report: string }
  | { readonly giveUp: string };

export interface OfflineWorker {
  /** Names of the tools that it has. */
  readonly tools: readonly string[];
  /** The task wants files changed. */
  readonly needsWriting: boolean;
  /** What to configure, in one sentence. */
  readonly howToSet: string;
}

/** Code of the common kinds; everything is searched where a workspace has none of it. */
const CODE_GLOB =
  "**/*.{ts,tsx,js,jsx,mjs,cjs,py,go,rs,java,kt,rb,cs,cpp,cc,c,h,hpp,php,swift,scala,sh,sql,vue,svelte,ex,exs,lua,pl,r,dart,zig,tf}";
const MAX_PASSAGES = 5;
const MAX_OTHERS = 5;
/** Folders in which a word is searched for again when there was too much of it. */
const MAX_FOLDERS = 16;
const MAX_SECOND_SEARCHES = 48;
/** Lines before and after the one that was found. */
const BEFORE = 3;
const AFTER = 8;
const MAX_LINE = 200;

export function nextTurn(messages: readonly ModelMessage[], worker: OfflineWorker): OfflineTurn {
  const at = told(messages);
  const query = queryOf(at.task);
  const frames = framesOf(at.task);
  if (!worker.tools.includes("list_files") || !worker.tools.includes("search_text") || !worker.tools.includes("read_file"))
    return end(worker, NOTHING);
  if (at.turns === 0) return { calls: [{ name: "list_files", args: {} }, ...firstSearches(query, at.files)] };
  const files = filesOf(at.calls);
  const second = at.turns === 1 ? secondSearches(query, at.calls, files) : [];
  if (second.length > 0) return { calls: second };
  const ranked = rankFiles(query, foundOf(query, at.calls), files);
  const wanted = placesOf({ query, frames, files, ranked, named: at.files });
  const reads = at.calls.filter((call) => call.name === "read_file");
  if (reads.length === 0 && wanted.length > 0) return { calls: wanted.map(readCall) };
  return end(worker, findings({ query, frames, files, ranked, wanted, at }));
}

const NOTHING: Findings = { passages: [], others: [], searched: [], frames: [], cut: false };

function end(worker: OfflineWorker, found: Findings): OfflineTurn {
  return worker.needsWriting ? { giveUp: stopText(found, worker.howToSet) } : { report: answerText(found, worker.howToSet) };
}

function firstSearches(query: Query, named: readonly string[]): readonly { name: string; args: object }[] {
  const searches = query.words.map(({ pattern }) => ({ pattern, regex: true, glob: CODE_GLOB }));
  const everywhere = query.wantsDocs || query.words.length === 0 ? [] : [...query.words].slice(0, 3);
  return [
    ...searches,
    ...everywhere.map(({ pattern }) => ({ pattern, regex: true, glob: "**/*.md" })),
    ...(query.wantsDocs ? query.words.map(({ pattern }) => ({ pattern, regex: true, glob: "**/*.{md,rst,txt}" })) : []),
    ...query.exact.map((pattern) => ({ pattern })),
    ...named.slice(0, 3).flatMap((path) => query.words.slice(0, 2).map(({ pattern }) => ({ pattern, regex: true, path }))),
  ].map((args) => ({ name: "search_text", args }));
}

/** Words of which there was too much, once more, folder by folder; and everywhere when code had none of any. */
function secondSearches(query: Query, calls: readonly DoneCall[], files: readonly string[]): readonly { name: string; args: object }[] {
  const searches = calls.filter((call) => call.name === "search_text");
  const tooMuch = searches.filter((call) => call.args["glob"] === CODE_GLOB && wasCut(call.result)).map((call) => call.args["pattern"]);
  const folders = foldersOf(files);
  const again = tooMuch.flatMap((pattern) => folders.map((path) => ({ pattern, regex: true, glob: CODE_GLOB, path })));
  const nothing = searches.every((call) => hitsOf(call.result).length === 0);
  const everywhere = nothing ? query.words.slice(0, 4).map(({ pattern }) => ({ pattern, regex: true })) : [];
  return [...again.slice(0, MAX_SECOND_SEARCHES), ...everywhere].map((args) => ({ name: "search_text", args }));
}

/** Folders with most of the files, tests and the like left out. */
function foldersOf(files: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const file of files) {
    const parts = file.split("/");
    if (parts.length < 2 || /^(?:tests?|docs?|bench|examples?|training|vendor|\..*)$/u.test(parts[0] ?? "")) continue;
    const folder = parts.length > 2 ? `${parts[0]}/${parts[1]}` : (parts[0] ?? "");
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts]
    .toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, MAX_FOLDERS)
    .map(([folder]) => folder);
}

function filesOf(calls: readonly DoneCall[]): readonly string[] {
  return calls.flatMap((call) => (call.name === "list_files" ? pathsOf(call.result) : []));
}

function foundOf(query: Query, calls: readonly DoneCall[]): readonly Found[] {
  const searches = calls.filter((call) => call.name === "search_text");
  const hitsFor = (pattern: string): Found["hits"] => {
    const hits = searches.filter((call) => call.args["pattern"] === pattern).flatMap((call) => hitsOf(call.result));
    return [...new Map(hits.map((hit) => [`${hit.path}:${hit.line}`, hit])).values()];
  };
  return [
    ...query.words.map(({ word, pattern, weight }) => ({ word, pattern, weight, exact: false, hits: hitsFor(pattern) })),
    ...query.exact.map((name) => ({ word: name, pattern: name, weight: 1, exact: true, hits: hitsFor(name) })),
  ];
}

/** A place that is read. */
interface Place {
  readonly path: string;
  readonly line: number;
}

interface Seen {
  readonly query: Query;
  readonly frames: readonly Frame[];
  readonly files: readonly string[];
  readonly ranked: readonly RankedFile[];
}

/** What a stack trace names, then what a person named, then what was found. */
function placesOf({ query, frames, files, ranked, named }: Seen & { readonly named: readonly string[] }): readonly Place[] {
  const traced = frames.flatMap((frame) => {
    const path = fileOf(frame, files);
    return path === null ? [] : [{ path, line: frame.line }];
  });
  const lineIn = (path: string): number => ranked.find((file) => file.path === path)?.lines[0] ?? 1;
  const asked = [...named, ...query.paths.flatMap((path) => fileOf({ path, line: 1 }, files) ?? [])].map((path) => ({
    path,
    line: lineIn(path),
  }));
  const found = ranked.map((file) => ({ path: file.path, line: file.lines[0] ?? 1 }));
  const places = new Map<string, Place>();
  for (const place of [...traced, ...asked, ...found]) {
    const key = traced.includes(place) ? `${place.path}:${place.line}` : place.path;
    if (![...places.values()].some((known) => known.path === place.path && Math.abs(known.line - place.line) < AFTER))
      places.set(key, place);
    if (places.size >= MAX_PASSAGES) break;
  }
  return [...places.values()];
}

function readCall({ path, line }: Place): { name: string; args: object } {
  return { name: "read_file", args: { path, start_line: Math.max(1, line - BEFORE), end_line: line + AFTER } };
}

function findings({ query, frames, files, ranked, wanted, at }: Seen & { readonly wanted: readonly Place[]; readonly at: Told }): Findings {
  const reads = at.calls.filter((call) => call.name === "read_file");
  const passages = wanted.flatMap((place): readonly Passage[] => {
    const start = Math.max(1, place.line - BEFORE);
    const read = reads.find((call) => call.args["path"] === place.path && call.args["start_line"] === start);
    const text = read === undefined ? null : numbered(read.result);
    return text === null ? [] : [{ ...place, text }];
  });
  const told = new Set(passages.map((passage) => passage.path));
  return {
    passages,
    others: ranked
      .filter((file) => !told.has(file.path))
      .slice(0, MAX_OTHERS)
      .map((file) => `${file.path}:${file.lines[0] ?? 1}`),
    searched: [...query.words.map(({ word }) => word), ...query.exact],
    frames: frames.map((frame) => ({ frame, path: fileOf(frame, files) })),
    cut: at.calls.some((call) => wasCut(call.result)),
  };
}

/** Lines of a result of `read_file` with their numbers; null when there are none. */
function numbered(result: string): string | null {
  const [head = "", ...lines] = result.split("\n");
  const first = /, lines (\d+)-\d+ of \d+/u.exec(head)?.[1];
  if (first === undefined) return null;
  const shown = lines.filter((line) => !line.startsWith("[cut:"));
  const width = String(Number(first) + shown.length).length;
  return shown
    .map((line, at) => `${String(Number(first) + at).padStart(width)}  ${line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line}`)
    .join("\n")
    .replaceAll("```", "'''");
}
