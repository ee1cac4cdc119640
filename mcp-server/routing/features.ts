/**
 * Routing: which worker a task belongs to, told by its words alone. Pure and local: it never asks a model, reads no file, and knows
 * nothing of runs. This file turns a text into hashed features, the same in training and in use.
 */
import { TECHNICAL_PIECES, TECHNICAL_WORDS } from "./technical-words.ts";

/** Size of the hashed space; weights are held for each of these and each class. */
export const DIMENSIONS = 1 << 16;

/** Longer texts are looked at in their beginning and their end alone, so that a huge one takes no longer. */
const HEAD = 2_000;
const TAIL = 500;

/** Of the title, the words that open it and the rest, in the order of their say. */
const TITLE_WEIGHT = 4;
/** Weight of each group of features; each group is brought to length 1 first, so that a long text is not louder than a short one. */
const GROUPS = { words: 1, pieces: 0.8, shape: 0.7 } as const;

/** Index in the hashed space and weight, each index once. */
export interface Features {
  readonly index: Uint32Array;
  readonly weight: Float32Array;
}

export function featuresOf(text: string): Features {
  const { title, body, code } = partsOf(clipped(text));
  const words = new Map<string, number>();
  const pieces = new Map<string, number>();
  addWords(words, pieces, tokensOf(title), TITLE_WEIGHT, true);
  for (const line of body) addWords(words, pieces, tokensOf(line), 1, false);
  for (const name of errorNames(code)) bump(words, `err:${name}`, 1);
  return gathered([
    [words, GROUPS.words],
    [pieces, GROUPS.pieces],
    [shapeOf(text, title, body, code), GROUPS.shape],
  ]);
}

function clipped(text: string): string {
  return text.length <= HEAD + TAIL ? text : `${text.slice(0, HEAD)}\n${text.slice(-TAIL)}`;
}

interface Parts {
  readonly title: string;
  /** The other lines in which somebody says something. */
  readonly body: readonly string[];
  /** Fenced blocks, lines of stack traces, of diffs, and lines that look like code. */
  readonly code: readonly string[];
}

const FENCE = /^\s*(```|~~~)/u;
const FRAME = /^\s*(at .*[:(]\d+|at [\w.$]+\(|File ".*", line \d+|\.\.\. \d+ more|goroutine \d+|#\d+ +0x|\S+\.\w+:\d+(:\d+)?$)/u;
const DIFF = /^(diff --git|index [0-9a-f]+\.\.|@@ |--- a\/|\+\+\+ b\/|[+-](?![+-]?\s*$)\s*\S.*[;{}()=])/u;
const CODE =
  /^(\s{2,}|\t)\S|[;{}]\s*$|^\s*(def|class|import|from|const|let|var|return|if|for|while|function|func|public|private|#include|SELECT|FROM|COPY|CMD)\b.*[(:={;]|^\s*(\$|>>>|#) /u;

function partsOf(text: string): Parts {
  const said: string[] = [];
  const code: string[] = [];
  let fenced = false;
  for (const line of text.split(/\r\n?|\n/u)) {
    if (FENCE.test(line)) {
      fenced = !fenced;
      code.push(line);
    } else if (fenced || FRAME.test(line) || DIFF.test(line) || (CODE.test(line) && !/^\s*[-*] /u.test(line))) code.push(line);
    else if (line.trim() !== "") said.push(line);
  }
  const [title = "", ...body] = said;
  return { title, body, code };
}

/** Words, lower-cased; names of code and paths as one word each; scripts without spaces as runs that are cut up later. */
function tokensOf(line: string): readonly string[] {
  const cleaned = line
    .toLowerCase()
    .normalize("NFKC")
    .replaceAll(/https?:\/\/\S+/gu, " urlurl ")
    .replaceAll(/`[^`]{1,80}`/gu, (name) => ` ${/\s/u.test(name) ? name.slice(1, -1) : "codename"} `);
  return cleaned.match(/[\p{L}\p{M}]+(?:['’][\p{L}]+)*|\d+|[?!]/gu) ?? [];
}

const CJK = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;

function addWords(
  words: Map<string, number>,
  pieces: Map<string, number>,
  tokens: readonly string[],
  weight: number,
  opens: boolean,
): void {
  let before = opens ? "^" : "";
  for (const [at, token] of tokens.entries()) {
    const word = /^\d+$/u.test(token) ? "0" : token;
    if (CJK.test(word)) {
      for (let size = 1; size <= 3; size += 1)
        for (let from = 0; from + size <= word.length; from += 1) bump(pieces, `z:${word.slice(from, from + size)}`, weight);
      continue;
    }
    bump(words, word, weight);
    if (before !== "") bump(words, `${before} ${word}`, weight);
    if (opens && at < 2) bump(words, `^${at}:${word}`, weight);
    before = word;
    const padded = `<${word}>`;
    for (let size = 3; size <= 5; size += 1)
      for (let from = 0; from + size <= padded.length; from += 1) bump(pieces, padded.slice(from, from + size), weight);
  }
}

function errorNames(code: readonly string[]): readonly string[] {
  return code
    .slice(0, 60)
    .flatMap((line) =>
      (line.match(/\b[A-Za-z]*(?:Error|Exception|Warning|panic|FAIL(?:ED)?)\b/gu) ?? []).map((name) => name.toLowerCase()),
    );
}

/** What a text looks like, whatever its words. */
function shapeOf(text: string, title: string, body: readonly string[], code: readonly string[]): Map<string, number> {
  const shape = new Map<string, number>();
  const set = (name: string, when: boolean): void => {
    if (when) shape.set(`shape:${name}`, 1);
  };
  const said = [title, ...body].join("\n");
  set("question", /[?？]\s*$/u.test(title));
  set(
    "question-later",
    body.some((line) => /[?？]\s*$/u.test(line)),
  );
  set("no-question", !/[?？]/u.test(said));
  set("code", code.length > 0);
  set("much-code", code.length > 5 && code.length > body.length);
  set("frames", code.filter((line) => FRAME.test(line)).length > 1);
  set(
    "diff",
    code.some((line) => /^(diff --git|@@ |\+\+\+ )/u.test(line)),
  );
  set("error-name", errorNames(code).length > 0 || /\b\w+(Error|Exception)\b/u.test(said));
  set("headings", body.filter((line) => /^(#{1,6} |\*\*.+\*\*:?\s*$)/u.test(line)).length > 1);
  set(
    "boxes",
    body.some((line) => /^\s*[-*] \[[ x]\]/u.test(line)),
  );
  set("numbered", body.filter((line) => /^\s*\d+[.)] /u.test(line)).length > 1);
  set("tag", /^\s*[[(]\w+[\])]/u.test(title));
  set("path", /\b[\w-]+\/[\w./-]+|\b\w+\.(ts|js|py|go|rs|java|md|rb|c|cpp|tsx|jsx|json|ya?ml)\b/u.test(title));
  set("md", /\b\w+\.(md|rst|txt)\b|readme|changelog/iu.test(title));
  const technical = technicalWords(said);
  set(`technical-${Math.min(technical, 3)}`, true);
  set("not-technical-at-all", technical === 0 && code.length === 0);
  const length = text.length;
  set(length < 20 ? "tiny" : length < 60 ? "short" : length < 200 ? "middle" : length < 800 ? "long" : "huge", true);
  return shape;
}

/** How many different words tell that it is about software; names as code writes them count. */
function technicalWords(said: string): number {
  const names = said.match(/`[^`]+`|\b\w+\(|\b[a-z]+[A-Z]\w*|\b\w+_\w+|\b[\w-]+\.[a-z]{1,4}\b|--\w+|[{}[\]<>]=?|::|=>/gu) ?? [];
  const words = new Set(said.toLowerCase().match(/[\p{L}\p{M}]+/gu) ?? []);
  const known = [...words].filter((word) => TECHNICAL_WORDS.has(word)).length;
  const pieces = CJK.test(said) ? TECHNICAL_PIECES.filter((piece) => said.includes(piece)).length : 0;
  return known + pieces + names.length;
}

function bump(counts: Map<string, number>, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

function gathered(groups: readonly (readonly [Map<string, number>, number])[]): Features {
  const sums = new Map<number, number>();
  for (const [counts, say] of groups) {
    const damped = [...counts].map(([name, count]) => [hashOf(name), Math.log1p(count)] as const);
    const length = Math.sqrt(damped.reduce((sum, [, value]) => sum + value * value, 0));
    for (const [index, value] of damped) sums.set(index, (sums.get(index) ?? 0) + (say * value) / length);
  }
  return { index: Uint32Array.from(sums.keys()), weight: Float32Array.from(sums.values()) };
}

/** FNV-1a over UTF-16 units, folded into the space. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at += 1) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return ((hash >>> 16) ^ hash) & (DIMENSIONS - 1);
}
