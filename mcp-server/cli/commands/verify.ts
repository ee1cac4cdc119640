import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { BosunError, isBosunError } from "../../../shared/errors.ts";
import type { Service, VerifyReport } from "../../service.ts";
import { type CliContext, command, withService } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { findRun } from "../find-ids.ts";
import { printHint, printJson } from "../print.ts";
import { verifyLines } from "../render/verify-lines.ts";

export function verifyCommand(context: CliContext): Command {
  return command(
    "verify [run-or-file]",
    "Check that nothing in the journal, in one run, or in an exported file was changed, dropped, added or reordered.",
    ["verify", "verify run_4f2a --json", "verify run.bosun.jsonl --key their-signing-key.pub.pem"],
  )
    .option("--key <file>", "public key (PEM) that must have signed it; left out, this installation's own")
    .action(async (target: string | undefined, options: { readonly key?: string; readonly json?: boolean }) => {
      const { io } = context;
      const key = options.key === undefined ? {} : { key: readKey(resolve(io.cwd, options.key)) };
      await withService(context, {}, async (service) => {
        const path = target === undefined ? null : resolve(io.cwd, target);
        const stat = path === null ? undefined : statSync(path, { throwIfNoEntry: false });
        const report = await verify(service, {
          target,
          file: stat?.isFile() === true ? path : null,
          folder: stat?.isDirectory() === true ? path : null,
          key,
        });
        if (options.json === true) printJson(io, report);
        else for (const { text, tone } of verifyLines(report)) printHint(io, text, tone);
        if (report.ok) return EXIT.done;
        // Nothing is wrong as far as can be seen here: a person must say whether that is enough, or bring the private key.
        return report.bad === undefined ? EXIT.waits : EXIT.failed;
      });
    });
}

interface Target {
  readonly target: string | undefined;
  /** Its path, when there is such a file, or such a folder. */
  readonly file: string | null;
  readonly folder: string | null;
  readonly key: { readonly key?: string };
}

/** What names an existing file is one; all else is a run. */
async function verify(service: Service, { target, file, folder, key }: Target): Promise<VerifyReport> {
  if (file !== null) return service.verifyFile(file, key);
  return service.verify(target === undefined ? key : { ...key, run_id: idOf(service, target, folder) });
}

/** A run that is gone from the journal is known to the log by its whole id only. */
function idOf(service: Service, given: string, folder: string | null): string {
  try {
    return findRun(service, given);
  } catch (error) {
    if (!isBosunError(error) || error.code !== "not_found") throw error;
    if (folder !== null) throw new BosunError("not_found", `${folder} is a folder: name the file in it, or a run`, { cause: error });
    if (/[./\\]/u.test(given)) throw new BosunError("not_found", `there is no file ${given}, and no run of that name`, { cause: error });
    return given;
  }
}

function readKey(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new BosunError("invalid_input", `the key ${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
