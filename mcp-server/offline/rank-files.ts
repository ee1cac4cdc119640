/** Which files say most about a query, from the lines that its words were found in. */
import { matcherOf, partsOfName, baseOf, type Query } from "./query-words.ts";

/** A line that a search found. */
export interface Hit {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

/** What was found for one word, or for one exact name. */
export interface Found {
  readonly word: string;
  readonly pattern: string;
  readonly weight: number;
  /** Letter by letter. */
  readonly exact: boolean;
  readonly hits: readonly Hit[];
}

export interface RankedFile {
  readonly path: string;
  readonly score: number;
  /** Lines that say most, best first. */
  readonly lines: readonly number[];
}

const DEFINITION =
  /^\s*(?:export\s+|public\s+|private\s+|protected\s+|static\s+|async\s+|pub\s+|abstract\s+|default\s+)*(?:function|class|interface|type|enum|const|def|fn|func|struct|trait|impl|module|namespace)\b/u;
const COMMENT = /^\s*(?:\/\*|\*|\/\/|#|"""|--|<!--)/u;

export function rankFiles(query: Query, found: readonly Found[], files: readonly string[]): readonly RankedFile[] {
  const all = Math.max(files.length, 1);
  const scores = new Map<string, { score: number; words: number; lines: Map<number, number> }>();
  const of = (path: string) => {
    const known = scores.get(path) ?? { score: 0, words: 0, lines: new Map<number, number>() };
    scores.set(path, known);
    return known;
  };
  const patterns = found.filter((each) => !each.exact).map((each) => each.pattern);
  for (const { pattern, weight, exact, hits } of found) {
    const byFile = new Map<string, Hit[]>();
    for (const hit of hits) byFile.set(hit.path, [...(byFile.get(hit.path) ?? []), hit]);
    const named = exact ? [] : files.filter((path) => isNamedSo(path, pattern));
    const rarity = Math.log(1 + all / (1 + byFile.size + named.length / 2)) * weight * (exact ? 1.6 : 1);
    for (const [path, own] of byFile) {
      const at = of(path);
      const defining = own.some((hit) => DEFINITION.test(hit.text));
      const introducing = own.some((hit) => hit.line <= 6 && COMMENT.test(hit.text));
      at.score += rarity * ((own.length / (own.length + 1.5)) * 1.6 + (defining ? 0.5 : 0) + (introducing ? 0.8 : 0));
      at.words += weight;
      for (const hit of own) {
        const says = rarity * (1 + (DEFINITION.test(hit.text) ? 0.6 : 0) + (COMMENT.test(hit.text) ? 0.3 : 0));
        at.lines.set(hit.line, (at.lines.get(hit.line) ?? 0) + says);
      }
    }
    for (const path of named) {
      const at = of(path);
      const file = path.slice(path.lastIndexOf("/") + 1);
      at.score += rarity * (matcherOf(pattern)(file) ? 0.8 + 1.2 * coverage(file, patterns) : 0.6);
      if (!byFile.has(path)) at.words += weight * 0.5;
    }
  }
  const wanted = found.reduce((sum, { weight }) => sum + weight, 0);
  return [...scores]
    .map(([path, { score, words, lines }]) => ({
      path,
      // A file that holds several of the words is meant more than one that is full of a single one.
      score: score * (0.4 + (0.6 * words) / Math.max(wanted, 1e-9)) * kindFactor(path, query),
      lines: bestLines(lines),
    }))
    .filter((file) => file.score > 0)
    .toSorted((a, b) => b.score - a.score || (a.path < b.path ? -1 : 1));
}

/** Lines close to each other speak for one another. */
function bestLines(lines: ReadonlyMap<number, number>): readonly number[] {
  const around = (line: number): number =>
    [...lines].reduce((sum, [other, says]) => sum + (Math.abs(other - line) <= 4 ? says / (1 + 0.3 * Math.abs(other - line)) : 0), 0);
  return [...lines.keys()]
    .slice(0, 400)
    .map((line) => ({ line, says: around(line) }))
    .toSorted((a, b) => b.says - a.says || a.line - b.line)
    .slice(0, 10)
    .map(({ line }) => line);
}

function isNamedSo(path: string, pattern: string): boolean {
  const matches = matcherOf(pattern);
  return partsOfName(path).some((part) => matches(baseOf(part)) && part.length > 2);
}

/** How much of a file's name the query speaks of, 0..1: `owner-lock` is meant by both words more than `owner-of-all-things` by one. */
function coverage(file: string, patterns: readonly string[]): number {
  const parts = partsOfName(file.replace(/\.\w+$/u, ""));
  const matches = patterns.map(matcherOf);
  return parts.filter((part) => matches.some((match) => match(baseOf(part)))).length / Math.max(1, parts.length);
}

const TEST = /(?:^|\/)(?:tests?|__tests__|spec|specs|e2e|fixtures?)\/|[._-](?:test|spec)\.|(?:^|\/)test_[^/]*$|_test\.\w+$/u;
const DOCUMENT = /\.(?:md|rst|txt|adoc)$|(?:^|\/)docs?\//iu;
const DATA = /\.(?:json|jsonl|ya?ml|toml|lock|csv|tsv|svg|weights|snap|map|min\.js)$|(?:^|\/)(?:package-lock\.json|yarn\.lock)$/u;
const ASIDE = /(?:^|\/)(?:bench|benchmarks?|examples?|scripts?|training|vendor|third_party|generated|\.github)\//u;

/** Where one looks last unless it is asked for. */
function kindFactor(path: string, { wantsTests, wantsDocs }: Query): number {
  if (/lock\.json$|\.lock$|\.min\.js$|\.map$/u.test(path)) return 0.05;
  if (TEST.test(path)) return wantsTests ? 1.1 : 0.3;
  if (DOCUMENT.test(path)) return wantsDocs ? 1.2 : 0.55;
  if (DATA.test(path)) return 0.4;
  return ASIDE.test(path) ? 0.5 : 1;
}
