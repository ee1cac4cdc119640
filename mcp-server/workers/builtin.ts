/** The six workers that come with Bosun, bundled as text. */
import { BosunError } from "../../shared/errors.ts";
import type { WorkerDefinition } from "../../shared/worker.ts";
import architect from "./builtin/architect.md";
import coder from "./builtin/coder.md";
import debuggerWorker from "./builtin/debugger.md";
import researcher from "./builtin/researcher.md";
import reviewer from "./builtin/reviewer.md";
import writer from "./builtin/writer.md";
import { describeProblem, parseWorker } from "./parse-worker.ts";

const FILES = { architect, coder, debugger: debuggerWorker, researcher, reviewer, writer };

/**
 * The built-in workers, sorted by name.
 * @param knownTools names of all tools that are built; a worker that names another one is a mistake of ours.
 * @throws BosunError internal, naming file, line and reason
 */
export function loadBuiltinWorkers(knownTools: readonly string[]): readonly WorkerDefinition[] {
  return Object.entries(FILES).map(([name, source]) => {
    const parsed = parseWorker(source, `builtin/${name}.md`, knownTools);
    if (!parsed.ok) throw new BosunError("internal", `A built-in worker is broken: ${parsed.problems.map(describeProblem).join("; ")}`);
    return parsed.worker;
  });
}
