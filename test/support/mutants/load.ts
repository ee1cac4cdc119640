/** Runs the supervisor from changed source text: each mutant gets modules of its own. */
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { transformSync } from "esbuild";
import type { AnyDurableFunction } from "../../../mcp-server/engine/run-instance.ts";
import { mutantsOf } from "./generate.ts";
import type { Mutant } from "./generate.ts";
import { guardLoops } from "./guard-loops.ts";

const root = join(import.meta.dirname, "../../..");
const supervisor = join(root, "mcp-server/supervisor");
const native = createRequire(import.meta.url);

/** What is mutated: the supervisor, and the part of `shared/` that decides for it. Paths by file name. */
const TARGETS: ReadonlyMap<string, string> = new Map(
  [...readdirSync(supervisor).map((name) => join(supervisor, name)), join(root, "shared/effects.ts")]
    .filter((path) => path.endsWith(".ts"))
    .map((path) => [basename(path), path]),
);

/** @param wanted which of them to make, by name */
export function supervisorMutants(wanted?: (name: string) => boolean): readonly Mutant[] {
  return [...TARGETS].flatMap(([file, path]) => mutantsOf(file, readFileSync(path, "utf8"), wanted));
}

/** Loops and calls that one replay may make: more than a hundred times what any recorded history needs. */
const MAX_STEPS = 100_000;

let steps = 0;

function tick(): void {
  steps += 1;
  if (steps > MAX_STEPS) throw new Error("the mutant does not come to an end");
}

/** To be called before each replay. @returns loops and calls since the last time */
export function resetSteps(): number {
  const taken = steps;
  steps = 0;
  return taken;
}

interface Exports {
  readonly exports: object;
}

type Body = (require: (name: string) => object, module: Exports, tick: () => void) => void;

function compile(source: string): Body {
  const { code } = transformSync(guardLoops(source, "tick__()"), { loader: "ts", format: "cjs", target: "node22" });
  // oxlint-disable-next-line typescript/no-implied-eval -- source text that was changed a moment ago is what shall run
  return new Function("require", "module", "tick__", code) as Body;
}

const unchanged = new Map<string, Body>();

function bodyOf(path: string): Body {
  const known = unchanged.get(path) ?? compile(readFileSync(path, "utf8"));
  unchanged.set(path, known);
  return known;
}

/** By workflow. */
export type Functions = Readonly<Record<string, AnyDurableFunction>>;

/** The durable functions with one file changed, null for as they are. @throws whatever the changed modules throw when loaded */
export function loadSupervisor(mutant: Pick<Mutant, "file" | "source"> | null): Functions {
  const changedPath = mutant === null ? null : TARGETS.get(mutant.file);
  const modules = new Map<string, Exports>();
  const load = (path: string): object => {
    const loaded = modules.get(path);
    if (loaded !== undefined) return loaded.exports;
    const module: Exports = { exports: {} };
    modules.set(path, module);
    const body = mutant !== null && path === changedPath ? compile(mutant.source) : bodyOf(path);
    body((name) => (name.startsWith(".") ? load(join(dirname(path), name)) : (native(name) as object)), module, tick);
    return module.exports;
  };
  const { runTask, planTask, revertRun } = load(join(supervisor, "run-task.ts")) as Functions;
  if (runTask === undefined || planTask === undefined || revertRun === undefined) throw new Error("a durable function is gone");
  return { task: runTask, plan: planTask, revert: revertRun };
}
