/** Verifying and exporting: needs no lock and no engine. What is checked are the rows as they are stored, not what the journal makes of them. */
import { createReadStream, statSync } from "node:fs";
import { BosunError, isBosunError } from "../../shared/errors.ts";
import type { ChainedRows } from "../journal/chained-rows.ts";
import { linesOf } from "../journal/export-lines.ts";
import { exportRun } from "../journal/export-run.ts";
import type { LogRow } from "../journal/log-format.ts";
import { parsePublicKey } from "../journal/signing-key.ts";
import type { PublicKey, SigningKey } from "../journal/signing-key.ts";
import { verifyExport } from "../journal/verify-export.ts";
import { verifyRows } from "../journal/verify.ts";
import type { Service, VerifyReport } from "../service.ts";

export type Integrity = Pick<Service, "verify" | "verifyFile" | "exportRun">;

export interface IntegrityParts {
  /** One state of the journal; null when there is none. */
  readonly openRows: () => { readonly rows: ChainedRows; readonly close: () => void } | null;
  /** The installation's keys, null when it has none. */
  readonly publicKey: () => PublicKey | null;
  readonly signingKey: () => SigningKey | null;
  /** What to throw instead of what the database threw. */
  readonly explain: (error: unknown) => unknown;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export function createIntegrity(parts: IntegrityParts): Integrity {
  const withRows = <T>(use: (rows: ChainedRows) => T, none: () => T): T => {
    const opened = parts.openRows();
    if (opened === null) return none();
    try {
      return use(opened.rows);
    } catch (error) {
      throw parts.explain(error);
    } finally {
      opened.close();
    }
  };

  const signerOf = (given: PublicKey | null, key: string | null): VerifyReport["signer"] => {
    if (key === null) return null;
    if (key === given?.fingerprint) return "given_key";
    return key === parts.publicKey()?.fingerprint ? "this_installation" : "unknown";
  };

  /** One that cannot be read proves as little as one that is not there; what is left unproven is named. */
  const seals = (): SigningKey | null => {
    try {
      return parts.signingKey();
    } catch (error) {
      if (isBosunError(error)) return null;
      throw error;
    }
  };

  return {
    verify: ({ run_id: runId, key: pem } = {}) => {
      const given = pem === undefined ? null : parsePublicKey(pem);
      const options = { key: given ?? parts.publicKey(), seals, ...(runId === undefined ? {} : { run_id: runId }) };
      return withRows(
        (rows) => {
          if (runId !== undefined && rows.run(runId) === null && rows.logOf(runId).length === 0) throw noRun(runId);
          const verdict = verifyRows(rows, options);
          // Whose it is said to be counts for nothing when the signature does not hold.
          const key = verdict.unsigned ? null : (rows.tip()?.key ?? null);
          const removed = runId === undefined || rows.run(runId) !== null ? undefined : rows.logOf(runId).find(isRemoval);
          return {
            ...verdict,
            key,
            signer: signerOf(given, key),
            ...(removed === undefined ? {} : { run_id: runId ?? null, removed_at: new Date(removed.time).toISOString() }),
          };
        },
        () => {
          if (runId !== undefined) throw noRun(runId);
          return EMPTY;
        },
      );
    },
    verifyFile: async (file, { key: pem } = {}) => {
      const given = pem === undefined ? null : parsePublicKey(pem);
      if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw new BosunError("not_found", `there is no file ${file}`);
      const { left_out: removed, is_export: isExport, ...found } = await verifyExport(linesOf(createReadStream(file)), given);
      if (!isExport) throw new BosunError("invalid_input", `${file} is not a Bosun export: name a file that \`bosun export\` wrote`);
      const signer = signerOf(given, found.key);
      return {
        ...found,
        runs: found.run_id === null ? 0 : 1,
        payloads_removed: removed,
        payloads_lost: 0,
        unsigned: found.key === null,
        adopted: 0,
        unproven: [],
        signer,
      };
    },
    exportRun: (runId, { redact }, write) =>
      withRows(
        (rows) => {
          const run = rows.run(runId);
          if (run === null) throw noRun(runId);
          // What does not verify must not get a signature that does.
          const { bad, unproven } = verifyRows(rows, { key: rows.tip() === null ? null : parts.publicKey(), seals, run_id: runId });
          if (bad !== undefined)
            throw new BosunError("conflict", `${runId} is not exported, for it does not verify: ${bad.message}`, UNCHANGED);
          const key = parts.signingKey();
          if (unproven.length > 0 && key !== null)
            throw new BosunError(
              "conflict",
              `${runId} is not exported, for it is sealed with another key than the one of this installation (${key.public.fingerprint}): put the former back`,
              UNCHANGED,
            );
          const { header, lines } = exportRun({ rows, run, run_id: runId, key, redact, now: parts.now() });
          for (const line of lines) write(`${line}\n`);
          const { seq: events, payloads, left_out } = header;
          return { run_id: runId, events, payloads, left_out, key: key?.public.fingerprint ?? null };
        },
        () => {
          throw noRun(runId);
        },
      ),
  };
}

const isRemoval = (entry: LogRow): boolean => entry.kind === "run-removed";

const UNCHANGED = { retryable: false };

const EMPTY: VerifyReport = {
  ok: true,
  runs: 0,
  events: 0,
  payloads: 0,
  payloads_removed: 0,
  payloads_lost: 0,
  unsigned: true,
  adopted: 0,
  unproven: [],
  key: null,
  signer: null,
};

function noRun(runId: string): BosunError {
  return new BosunError("not_found", `no run ${runId}: \`bosun runs\` lists them`);
}
