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
        const report = await verify(service, { target, file: target === undefined ? null : fileOf(resolve(io.cwd, target)), key });
        if (options.json === true) printJson(io, report);
        else for (const { text, tone } of verifyLines(report)) printHint(io, text, tone);
        return report.ok ? EXIT.done : EXIT.failed;
      });
    });
}

/** What names an existing file is one; all else is a run. */
async function verify(
  service: Service,
  { target, file, key }: { readonly target: string | undefined; readonly file: string | null; readonly key: { readonly key?: string } },
): Promise<VerifyReport> {
  if (file !== null) return service.verifyFile(file, key);
  return service.verify(target === undefined ? key : { ...key, run_id: idOf(service, target) });
}

/** A run that is gone from the journal is known to the log by its whole id only. */
function idOf(service: Service, given: string): string {
  try {
    return findRun(service, given);
  } catch (error) {
    if (!isBosunError(error) || error.code !== "not_found") throw error;
    if (/[./\\]/u.test(given)) throw new BosunError("not_found", `there is no file ${given}, and no run of that name`, { cause: error });
    return given;
  }
}

function fileOf(path: string): string | null {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true ? path : null;
}

function readKey(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new BosunError("invalid_input", `the key ${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
