/** What a person does with worker files: looks at them, makes one, imports some, trusts those of a workspace. */
import { join } from "node:path";
import { BosunError } from "../../shared/errors.ts";
import type { ImportedWorker, WorkersReport } from "../../shared/worker-view.ts";
import { findForeign, readForeign, type ForeignWorker } from "./import-workers.ts";
import { makeWorkerFile, newWorkerText, workerFileText } from "./new-worker.ts";
import { parseWorker } from "./parse-worker.ts";
import type { WorkerRegistry } from "./registry.ts";

export interface WorkerFiles {
  workers(): WorkersReport;
  /** @returns the file @throws BosunError invalid_input, not_found, conflict */
  newWorker(request: { readonly name: string; readonly user: boolean; readonly from?: string }): string;
  /** @param request.paths none: all that are found in the workspace. @throws BosunError not_found when there is nothing to import */
  importWorkers(request: {
    readonly paths: readonly string[];
    readonly user: boolean;
    readonly dry_run: boolean;
  }): readonly ImportedWorker[];
}

export interface WorkerFilesParts {
  readonly registry: WorkerRegistry;
  readonly knownTools: readonly string[];
  /** Canonical root of the workspace. */
  readonly root: string;
  /** Folder from which relative paths start. */
  readonly folder: string;
  /** The person's own folder of workers. */
  readonly userFolder: string;
}

export function createWorkerFiles({ registry, knownTools, root, folder, userFolder }: WorkerFilesParts): WorkerFiles {
  const placeOf = (user: boolean): { readonly folder: string; readonly within: string | null } =>
    user ? { folder: userFolder, within: null } : { folder: join(root, ".bosun", "workers"), within: root };

  const checked = (name: string, text: string): void => {
    const parsed = parseWorker(text, `${name}.md`, knownTools);
    if (!parsed.ok) throw new BosunError("invalid_input", parsed.problems.map(({ reason }) => reason).join("; "));
    if (registry.get(name) !== undefined)
      throw new BosunError("conflict", `there is a worker ${name} already: nobody takes another's name`);
  };

  const take = (
    { from, definition, notes }: ForeignWorker,
    request: { readonly user: boolean; readonly dry_run: boolean },
  ): ImportedWorker => {
    const failed = (why: string): ImportedWorker => ({ from, name: null, file: null, tools: [], notes: [...notes, why] });
    if (definition === null) return { from, name: null, file: null, tools: [], notes };
    const taken = registry.get(definition.name) !== undefined;
    const named = taken ? { ...definition, name: `${definition.name.slice(0, 31)}-imported` } : definition;
    const renamed = taken ? [`${definition.name} is taken, so it is called ${named.name}`] : [];
    const text = workerFileText(named);
    try {
      checked(named.name, text);
      const place = placeOf(request.user);
      const file = request.dry_run ? join(place.folder, `${named.name}.md`) : makeWorkerFile({ ...place, name: named.name }, text);
      return { from, name: named.name, file, tools: named.tools, notes: [...renamed, ...notes] };
    } catch (error) {
      return failed(error instanceof Error ? error.message : String(error));
    }
  };

  return {
    workers: () => {
      const { workers, problems } = registry.list();
      return {
        workers: workers.map(({ definition, origin, file }) => {
          const { name, description, tools, tier, max_turns, examples } = definition;
          return { name, description, tools, tier, max_turns, examples, source: origin, file };
        }),
        problems,
      };
    },
    newWorker: ({ name, user, from }) => {
      const model = from === undefined ? null : registry.get(from);
      if (model === undefined) throw new BosunError("not_found", `there is no worker ${from ?? ""}: \`bosun workers\` lists them`);
      const text = newWorkerText(name, model);
      checked(name, text);
      return makeWorkerFile({ ...placeOf(user), name }, text);
    },
    importWorkers: ({ paths, ...request }) => {
      const files = paths.length === 0 ? findForeign(root) : paths.map((path) => join(path.startsWith("/") ? "" : folder, path));
      if (files.length === 0)
        throw new BosunError(
          "not_found",
          "nothing to import was found: looked for .claude/agents/*.md, .github/agents/*.agent.md, .github/chatmodes/*.chatmode.md and .roomodes",
        );
      return files.flatMap(readForeign).map((foreign) => take(foreign, request));
    },
  };
}
