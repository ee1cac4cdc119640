/** What checking came to, in words. */
import type { VerifyReport } from "../../service.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import type { Tone } from "./line.ts";
import { count, plural } from "./numbers.ts";

export interface VerifyLine {
  readonly text: string;
  readonly tone: Tone;
}

export function verifyLines(report: VerifyReport): readonly VerifyLine[] {
  const { bad } = report;
  if (bad !== undefined) return [{ text: badLine(bad), tone: "bad" }, ...signerLines(report)];
  if (report.removed_at !== undefined)
    return [{ text: goneLine(report.run_id ?? "", report.removed_at), tone: "wait" }, ...signerLines(report)];
  const counts = `${plural(report.events, "event")} of ${plural(report.runs, "run")}, ${plural(report.payloads, "payload")}`;
  return [...soundLines(report, counts), ...removedLines(report), ...lostLines(report), ...signerLines(report)];
}

/** Unproven runs that are named; `--json` names all. */
const NAMED = 5;

function soundLines({ unproven }: VerifyReport, counts: string): readonly VerifyLine[] {
  if (unproven.length === 0) return [{ text: `Nothing was changed: ${counts}.`, tone: "good" }];
  const named = unproven.slice(0, NAMED).map((runId) => escapeLine(runId, 80));
  const more = unproven.length > NAMED ? ` and ${count(unproven.length - NAMED)} more` : "";
  const runs = `${plural(unproven.length, "run")} that ${unproven.length === 1 ? "has" : "have"} not ended (${named.join(", ")}${more})`;
  return [
    { text: `Nothing was found changed, but not all is proved: ${counts}.`, tone: "wait" },
    {
      text: `NOT PROVED: ${runs}. The private key that checks the seal (signing-key.pem of who signed) is not at hand: the chains hold, but whoever can write the file can make them anew.`,
      tone: "wait",
    },
  ];
}

function goneLine(runId: string, at: string): string {
  return `Run ${escapeLine(runId, 80)} is not there any more: \`bosun gc\` removed it on ${at.slice(0, 10)}, as the log says.`;
}

function badLine({ run_id: run, seq, message }: NonNullable<VerifyReport["bad"]>): string {
  const where = [run === null ? [] : [escapeLine(run, 80)], seq === null ? [] : [`event ${seq}`]].flat().join(", ");
  return `Not as it was written${where === "" ? "" : `: ${where}`}: ${escapeLine(message, 1_000)}.`;
}

function removedLines(report: VerifyReport): readonly VerifyLine[] {
  const { payloads_removed: removed } = report;
  if (removed === 0) return [];
  const text =
    report.run_id === undefined
      ? `${plural(removed, "payload")} removed by \`bosun forget\`, as the log says.`
      : `${plural(removed, "payload")} left out${report.redacted === true ? ": the file is redacted" : ", for they were removed before"}.`;
  return [{ text, tone: "plain" }];
}

function lostLines({ payloads_lost: lost }: VerifyReport): readonly VerifyLine[] {
  return lost === 0 ? [] : [{ text: `${plural(lost, "payload")} lost when the journal was corrupt, as the log says.`, tone: "wait" }];
}

function signerLines(report: VerifyReport): readonly VerifyLine[] {
  const { key, signer, adopted } = report;
  const lines: VerifyLine[] = [];
  if (adopted > 0)
    lines.push({ text: `${plural(adopted, "run")} were there before the signed log began: they are proved from then on.`, tone: "wait" });
  if (report.unsigned && report.ok && report.events > 0)
    lines.push({ text: "UNSIGNED: the chains hold, but whoever can write the file can make them anew.", tone: "wait" });
  if (key === null) return lines;
  const shown = escapeLine(key, 100);
  if (signer === "unknown")
    lines.push({
      text: `Signed by ${shown}, a key not known here: ask its owner for the fingerprint, or give it with --key.`,
      tone: "wait",
    });
  else lines.push({ text: `Signed by ${shown} (${signer === "given_key" ? "the key you gave" : "this installation"}).`, tone: "dim" });
  return lines;
}
