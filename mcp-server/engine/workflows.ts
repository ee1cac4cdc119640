/** The durable functions that this Bosun knows, by name. */
import { BosunError } from "../../shared/errors.ts";
import type { RunEvent } from "../../shared/events.ts";
import type { AnyDurableFunction } from "./run-instance.ts";

export interface WorkflowDefinition {
  readonly name: string;
  readonly version: number;
  /** Numbered changes of its behaviour; a run keeps those that it was started with. Default: none. */
  readonly flags?: readonly number[];
  readonly fn: AnyDurableFunction;
}

export class Workflows {
  readonly #byName: ReadonlyMap<string, WorkflowDefinition>;

  constructor(definitions: readonly WorkflowDefinition[]) {
    this.#byName = new Map(definitions.map((definition) => [definition.name, definition]));
  }

  /** @throws BosunError internal when it is not known */
  named(name: string): WorkflowDefinition {
    const workflow = this.#byName.get(name);
    if (workflow === undefined) throw new BosunError("internal", `this Bosun has no workflow ${name}`);
    return workflow;
  }

  /** That of a run. @throws BosunError internal when the run was begun by a Bosun that knows more than this one */
  ofRun(history: readonly RunEvent[]): WorkflowDefinition {
    const first = history[0];
    if (first?.kind !== "run-started") throw new BosunError("internal", "the run's journal does not begin with run-started");
    const { workflow: name, version, flags } = first.data;
    const workflow = this.named(name);
    if (version > workflow.version || flags.some((flag) => workflow.flags?.includes(flag) !== true))
      throw new BosunError("internal", "the run was begun by a newer Bosun: update, then resume it");
    return workflow;
  }
}
