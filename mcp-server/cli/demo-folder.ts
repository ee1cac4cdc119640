/** The demonstration's folder: a throw-away copy of an example with a data folder of its own, at a fixed place so that it can be taken up again. */
import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { BosunError } from "../../shared/errors.ts";
import type { CliIo } from "./io.ts";
import type { OpenServiceOptions } from "./open-service.ts";

export interface DemoFolder {
  readonly options: OpenServiceOptions;
  readonly workspace: string;
  exists(): boolean;
  /** Makes it anew. @throws BosunError not_found when the examples are not where they belong */
  create(): void;
  discard(): void;
}

export function demoFolder(io: Pick<CliIo, "dataFolder" | "packageRoot">): DemoFolder {
  const root = join(io.dataFolder, "demo");
  const workspace = join(root, "workspace");
  const script = join(root, "script.json");
  const examples = join(io.packageRoot, "examples");
  return {
    options: { home: join(root, "home"), workspace, model: `scripted:${script}` },
    workspace,
    // The script is copied last, so a copy that was cut off does not count.
    exists: () => existsSync(script),
    create: () => {
      if (!existsSync(join(examples, "demo", "script.json"))) {
        throw new BosunError(
          "not_found",
          `The demonstration's files are missing: ${examples}. Run it from a clone or from the installed package.`,
        );
      }
      rmSync(root, { recursive: true, force: true });
      mkdirSync(join(root, "home"), { recursive: true, mode: 0o700 });
      cpSync(join(examples, "retry-helper"), workspace, { recursive: true });
      cpSync(join(examples, "demo", "script.json"), script);
    },
    discard: () => rmSync(root, { recursive: true, force: true }),
  };
}
