/**
 * Which workers there are: those that come with Bosun, the person's own, and those of the workspace once the person trusts it. Files are
 * looked at again whenever somebody asks, and read again when they changed. Nobody takes the name of another one.
 */
import { lstatSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { WorkerDefinition } from "../../shared/worker.ts";
import type { WorkerProblem } from "../../shared/worker-view.ts";
import { parseWorker } from "./parse-worker.ts";
import { readSmallFile } from "./read-small-file.ts";

export type WorkerOrigin = "built-in" | "user" | "workspace";

export interface ListedWorker {
  readonly definition: WorkerDefinition;
  readonly origin: WorkerOrigin;
  /** Absolute; null for those that come with Bosun. */
  readonly file: string | null;
}

export interface WorkerList {
  /** Sorted by name. */
  readonly workers: readonly ListedWorker[];
  readonly problems: readonly WorkerProblem[];
}

/** The workers as they are now. */
export interface Workers {
  get(name: string): WorkerDefinition | undefined;
  all(): readonly WorkerDefinition[];
}

export interface WorkerRegistry extends Workers {
  list(): WorkerList;
}

export interface WorkerFolder {
  /** Absolute; need not exist. */
  readonly path: string;
  readonly origin: Exclude<WorkerOrigin, "built-in">;
  /** The canonical folder that it must lie in; null: anywhere. */
  readonly within: string | null;
  /** Null when its workers count; else what to do so that they do. */
  readonly distrust: () => string | null;
}

export interface RegistryOptions {
  readonly builtIn: readonly WorkerDefinition[];
  /** Those named first come first where two have one name. */
  readonly folders: readonly WorkerFolder[];
  /** Names of all tools that are built. */
  readonly knownTools: readonly string[];
}

const MAX_FILES = 100;
const MAX_BYTES = 200_000;
/** Names that mean something else already. */
const RESERVED: readonly string[] = ["supervisor", "bosun", "task", "person", "user", "model", "none", "all", "offline"];

export function createWorkerRegistry({ builtIn, folders, knownTools }: RegistryOptions): WorkerRegistry {
  let known: { readonly sign: string; readonly list: WorkerList } | null = null;

  const list = (): WorkerList => {
    const looks = folders.map((folder) => ({ folder, look: lookInto(folder), distrust: folder.distrust() }));
    const sign = JSON.stringify(looks.map(({ look, distrust }) => [look, distrust]));
    if (known?.sign === sign) return known.list;
    const workers: ListedWorker[] = builtIn.map((definition) => ({ definition, origin: "built-in" as const, file: null }));
    const problems: WorkerProblem[] = [];
    for (const { folder, look, distrust } of looks) {
      if (look.problem !== null) problems.push({ file: folder.path, line: 1, reason: look.problem });
      for (const { name } of look.files) {
        const file = join(folder.path, name);
        const found =
          distrust === null
            ? readWorker(file, name, workers, knownTools)
            : { problems: [{ file, line: 1, reason: distrust, untrusted: true as const }] };
        if ("problems" in found) problems.push(...found.problems);
        else workers.push({ definition: found.definition, origin: folder.origin, file });
      }
    }
    const made = { workers: workers.toSorted((a, b) => (a.definition.name < b.definition.name ? -1 : 1)), problems };
    known = { sign, list: made };
    return made;
  };
  return {
    list,
    all: () => list().workers.map((worker) => worker.definition),
    get: (name) => list().workers.find((worker) => worker.definition.name === name)?.definition,
  };
}

interface FolderLook {
  readonly files: readonly { readonly name: string; readonly sign: string }[];
  /** What is wrong with the folder as a whole. */
  readonly problem: string | null;
}

const NOTHING: FolderLook = { files: [], problem: null };

function lookInto({ path, within }: WorkerFolder): FolderLook {
  let names: readonly string[];
  // Most have none: to be told so by an exception takes longer.
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return NOTHING;
  try {
    if (within !== null && realpathSync(path) !== join(within, ".bosun", "workers"))
      return { files: [], problem: "the folder is reached through a symbolic link, which is not followed" };
    names = readdirSync(path)
      .filter((name) => name.endsWith(".md"))
      .toSorted();
  } catch (error) {
    const { code = "unknown error" } = error as NodeJS.ErrnoException;
    return { files: [], problem: code === "ENOENT" || code === "ENOTDIR" ? null : `the folder cannot be read (${code})` };
  }
  const problem = names.length > MAX_FILES ? `there are ${names.length} files; only the first ${MAX_FILES} by name count` : null;
  return { files: names.slice(0, MAX_FILES).map((name) => ({ name, sign: signOf(join(path, name)) })), problem };
}

/** Changes when the file does. */
function signOf(file: string): string {
  try {
    const { mtimeMs, size, ino, mode } = lstatSync(file);
    return `${mtimeMs} ${size} ${ino} ${mode}`;
  } catch {
    return "gone";
  }
}

function readWorker(
  file: string,
  name: string,
  others: readonly ListedWorker[],
  knownTools: readonly string[],
): { readonly definition: WorkerDefinition } | { readonly problems: readonly WorkerProblem[] } {
  const problem = (reason: string, line = 1): { readonly problems: readonly WorkerProblem[] } => ({ problems: [{ file, line, reason }] });
  const read = readSmallFile(file, MAX_BYTES);
  if (!read.ok) return problem(`the file ${read.reason}`);
  const parsed = parseWorker(read.text, file, knownTools);
  if (!parsed.ok) return parsed;
  const { worker } = parsed;
  const line = lineOfName(read.text);
  if (`${worker.name}.md` !== name) return problem(`the name is \`${worker.name}\`, so the file must be called ${worker.name}.md`, line);
  if (RESERVED.includes(worker.name)) return problem(`the name \`${worker.name}\` means something else already`, line);
  const twin = others.find((other) => twinOf(other.definition.name) === twinOf(worker.name));
  if (twin === undefined) return { definition: worker };
  const whose = twin.origin === "built-in" ? "a worker that comes with Bosun" : `the worker of ${twin.file ?? ""}`;
  return problem(`the name \`${worker.name}\` is taken by ${whose}; nobody takes another's name`, line);
}

/** What is one name where tools are named: `-` and `_` are the same there. */
function twinOf(name: string): string {
  return name.toLowerCase().replaceAll("-", "_");
}

function lineOfName(text: string): number {
  return Math.max(1, text.split(/\r\n?|\n/u).findIndex((line) => /^name\s*:/u.test(line)) + 1);
}
