/** What to throw instead of what the database threw: which file it is, what happened to it, what to do. */
import { BosunError, isBosunError } from "../../shared/errors.ts";
import { isCorruption } from "../journal/open-database.ts";

/** What has words already comes back as it is. */
export function explainLedger(file: string, error: unknown): unknown {
  if (isBosunError(error)) return error;
  const given: unknown = (error as { code?: unknown }).code;
  const code = typeof given === "string" ? given : "";
  const reason = error instanceof Error ? error.message : String(error);
  if (isCorruption(error))
    return new BosunError(
      "internal",
      `the ledger ${file} is damaged (${reason}), so the budget of the day cannot be kept. Move it away: a new one begins with what the journals have of today`,
      { cause: error },
    );
  if (code.startsWith("SQLITE_BUSY"))
    return new BosunError("conflict", `another process keeps the ledger ${file} locked: look what it does, and try again`, {
      cause: error,
    });
  if (code === "SQLITE_FULL" || code === "ENOSPC")
    return new BosunError(
      "internal",
      `the disk is full: the ledger ${file} cannot be written, so no model is asked. Free some space; \`bosun resume <run>\` goes on`,
      { cause: error },
    );
  return new BosunError("internal", `the ledger ${file} cannot be used (${code || "error"}): ${reason}. \`bosun doctor\` says more`, {
    cause: error,
  });
}
