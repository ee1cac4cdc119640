/**
 * Offline: what can honestly be said without a language model, by searching and reading the workspace. Pure: it decides what to look at next
 * and lays out what was found; the tools are called by the run like any worker's. This file takes from a task what to search for.
 */

/** A word to search for, with its other forms and what else says the same. */
export interface QueryWord {
  /** As it stands in the task. */
  readonly word: string;
  /** An RE2 regular expression that ignores letter case. */
  readonly pattern: string;
  /** 0..1: how much it says of what is meant. */
  readonly weight: number;
}

export interface Query {
  /** What says most first. */
  readonly words: readonly QueryWord[];
  /** Names as code has them, and quoted text: to be found letter by letter. */
  readonly exact: readonly string[];
  /** What looks like a path or a file's name. */
  readonly paths: readonly string[];
  /** The question is about tests, or about documents: these are not put last then. */
  readonly wantsTests: boolean;
  readonly wantsDocs: boolean;
}

const MAX_WORDS = 7;
const MAX_EXACT = 5;
/** So many of the words are looked for by what says the same, too. */
const MAX_SAME = 3;
const SAME_SAYS = 0.3;
/** Of a long text only so much is looked at. */
const MAX_CHARACTERS = 8_000;

const STOP = new Set(
  "a an the this that these those it its is are was were be been being am do does did done doing have has had having i me my we us our you your he she they them their there here what which who whom whose where when why how and or but if then else than so as at by for from in into of off on onto out over to up with without within about after before again further once only own same too very can could should would shall will may might must not no nor just also any all each every both few more most other some such please tell show find explain describe give me let lets get gets got make makes made use uses used using want wants need needs work works working code file files function functions thing things way ways project repository repo workspace one two does happen happens happening defined implemented handled located look looks looking see kind sort lot come comes go goes put puts take takes der die das ein eine einer eines dem den des ist sind war wird werden wurde und oder aber wenn dann wo was wer wie warum welche welcher welches ich wir ihr sie es mit von zu im in am an auf aus bei nach für nicht bitte mir zeige erkläre le la les un une des du de et ou est sont où quoi qui comment pourquoi quel quelle dans sur pour par avec el los las una unos y o es son dónde qué quién cómo por para con".split(
    " ",
  ),
);
/** Words that say little of what is meant, though something. */
const WEAK = new Set(
  "handle handles handling decide decides decided decision check checks checked start starts started stop stops run runs running write writes written read reads store stores stored keep keeps kept call calls called set sets build builds built create creates created compute computes computed choose chooses chosen load loads loaded save saves saved send sends sent return returns know knows known change changes changed new old long many much first last next value values name names list lists number part place between against back down time times still stay stays end ends ended ever never whole long line lines text word words same different say says said told add adds added implement support fix bug error problem".split(
    " ",
  ),
);

/** What says the same in code, by base form. */
const SAME: Readonly<Record<string, readonly string[]>> = {
  retry: ["attempt", "backoff"],
  attempt: ["retry"],
  money: ["usd", "cost", "price", "budget"],
  cost: ["usd", "price"],
  expensive: ["usd", "price", "budget"],
  cheap: ["price", "usd"],
  spend: ["budget", "usd"],
  approve: ["approval", "decision"],
  permission: ["approval", "policy"],
  crash: ["recover", "kill"],
  survive: ["recover", "crash"],
  recover: ["crash", "resume"],
  undo: ["revert"],
  rollback: ["revert"],
  revert: ["undo"],
  delete: ["remove", "unlink"],
  remove: ["delete"],
  config: ["setting", "configuration"],
  configuration: ["config", "setting"],
  setting: ["config"],
  login: ["auth", "signin"],
  authentication: ["auth", "login"],
  secret: ["credential", "password", "token"],
  password: ["secret", "credential"],
  cache: ["kept", "memo"],
  remember: ["memory", "cache"],
  parallel: ["concurrent", "pool"],
  concurrent: ["parallel"],
  limit: ["cap", "max"],
  limited: ["cap", "max"],
  timeout: ["deadline", "expire"],
  expire: ["deadline", "timeout"],
  loop: ["cycle", "circle"],
  summary: ["summarise", "compact"],
  shorten: ["compact", "cut", "truncate"],
  shrink: ["compact", "collect"],
  tamper: ["verify", "chain", "seal"],
  forge: ["verify", "sign"],
  integrity: ["verify", "chain"],
  terminal: ["tty", "ansi"],
  colour: ["color", "ansi"],
  color: ["colour", "ansi"],
  escape: ["control", "sanitize"],
  symlink: ["link", "realpath"],
  ask: ["question", "prompt"],
  worker: ["agent"],
  agent: ["worker"],
  database: ["sqlite", "sql"],
  delay: ["sleep", "wait"],
  random: ["jitter", "seed"],
  command: ["cli", "argv"],
  option: ["flag", "argument"],
  network: ["http", "fetch", "socket"],
  request: ["http", "fetch"],
  startup: ["main", "boot"],
  entry: ["main"],
  route: ["router", "endpoint"],
};

export function queryOf(task: string): Query {
  const text = task.slice(0, MAX_CHARACTERS);
  const paths = unique(
    text.match(/(?:[\w.@-]+\/)+[\w.@-]+|\b[\w-]+\.(?:[cm]?[jt]sx?|py|go|rs|java|rb|cs|cpp|c|h|md|json|ya?ml|toml|sql|sh|css|html)\b/gu) ??
      [],
  );
  const quoted = [...text.matchAll(/`([^`\n]{2,80})`|"([^"\n]{3,80})"|“([^”\n]{3,80})”/gu)].map(
    (match) => match[1] ?? match[2] ?? match[3] ?? "",
  );
  const names =
    text.match(/\b[a-z]+(?:[A-Z][a-z0-9]*)+\b|\b[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]*)+\b|\b\w+_\w+\b|\b[A-Z]{2,}[A-Z0-9_]*\b/gu) ?? [];
  const exact = unique([...quoted.map((quote) => quote.replace(/\(\)$/u, "").trim()), ...names]).filter((name) => !paths.includes(name));
  const said = text.toLowerCase().match(/[\p{L}][\p{L}\p{M}\d]*/gu) ?? [];
  const parts = [...exact, ...paths].flatMap((name) => partsOfName(name));
  const words = new Map<string, number>();
  for (const word of [...said, ...parts]) {
    if (STOP.has(word) || (word.length < 3 && /^[a-z]/u.test(word)) || words.size > 200) continue;
    const base = baseOf(word);
    words.set(base, WEAK.has(word) || WEAK.has(base) ? 0.3 : 1);
  }
  const ranked = [...words].map(([word, weight], at) => ({ word, weight, at })).toSorted((a, b) => b.weight - a.weight || a.at - b.at);
  return {
    words: withSame(ranked.slice(0, MAX_WORDS).map(({ word, weight }) => ({ word, weight, pattern: `(?i)${formsOf(word)}` }))),
    exact: exact.slice(0, MAX_EXACT),
    paths: paths.slice(0, MAX_EXACT),
    wantsTests: /\btests?\b|\btested\b|\bspecs?\b/iu.test(text),
    wantsDocs: /\b(docs?|documentation|documented|readme|changelog|guide|manual)\b/iu.test(text),
  };
}

/** `retryModel.ts` as `retry`, `model`. */
export function partsOfName(name: string): readonly string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/gu, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\d]+/u)
    .filter((part) => part.length > 2);
}

/** Without the ending of an English plural or verb form: the part that all of its forms begin with, made whole. */
export function baseOf(word: string): string {
  if (!/^[a-z]+$/u.test(word) || word.length < 5)
    return word.length === 4 && /[^s]s$/u.test(word) && /^[a-z]+$/u.test(word) ? word.slice(0, -1) : word;
  if (word.endsWith("ies")) return `${word.slice(0, -3)}y`;
  if (word.endsWith("ied")) return `${word.slice(0, -3)}y`;
  if (/(?:ss|us|is)$/u.test(word)) return word;
  if (/(?:ches|shes|sses|xes)$/u.test(word)) return word.slice(0, -2);
  if (word.endsWith("s")) return word.slice(0, -1);
  if (word.endsWith("ing") && word.length > 6) return undoubled(word.slice(0, -3));
  if (word.endsWith("ed") && word.length > 5) return undoubled(word.slice(0, -2));
  return word;
}

function undoubled(stem: string): string {
  return /([bdfgklmnprt])\1$/u.test(stem) && !/(?:ll|ss)$/u.test(stem) ? stem.slice(0, -1) : stem;
}

/** After the words themselves what says the same as the first of them, and says less. */
function withSame(words: readonly QueryWord[]): readonly QueryWord[] {
  const same = words.slice(0, MAX_SAME).flatMap(({ word, weight }) => {
    const others = (SAME[word] ?? []).filter((other) => !words.some((known) => known.word === other));
    const pattern = `(?i)${others.map(formsOf).join("|")}`;
    return others.length === 0 ? [] : [{ word: others.join(" or "), weight: weight * SAME_SAYS, pattern }];
  });
  return [...words, ...same];
}

/** Any form of a word: what its forms begin with. Short words only as words of their own. */
function formsOf(word: string): string {
  const safe = word.replaceAll(/[.*+?^${}()|[\]\\]/gu, "\\$&");
  if (!/^[a-z]+$/u.test(word)) return safe;
  if (word.length <= 3) return `\\b${safe}s?\\b`;
  if (word.endsWith("y")) return `${safe.slice(0, -1)}(?:y|ie[sd])`;
  if (word.endsWith("e") && word.length > 4) return `${safe.slice(0, -1)}(?:e|ing)`;
  return safe;
}

/** Does a line, or a name, hold this word in any form? */
export function matcherOf(pattern: string): (text: string) => boolean {
  const own = new RegExp(pattern.replace(/^\(\?i\)/u, ""), "iu");
  return (text) => own.test(text);
}

function unique(items: readonly string[]): readonly string[] {
  return [...new Set(items)];
}
