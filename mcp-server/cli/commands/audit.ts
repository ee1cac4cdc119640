import type { Command } from "commander";
import type { AuditEntry } from "../../../shared/audit.ts";
import { type CliContext, command, withService } from "../command.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import { EXIT } from "../exit-code.ts";
import { findRun } from "../find-ids.ts";
import { printJson, printLines, printText } from "../print.ts";
import { type Line, piece, type Tone } from "../render/line.ts";
import { plural } from "../render/numbers.ts";

export function auditCommand(context: CliContext): Command {
  return command("audit", "Each request for an approval: who decided it, where, by which rule, and whether exactly that was applied.", [
    "audit",
    "audit --run run_4f2a --json",
  ])
    .option("--run <run>", "only of this run")
    .action(async (options: { readonly run?: string; readonly json?: boolean }) => {
      await withService(context, {}, (service) => {
        const entries = service.audit(options.run === undefined ? {} : { run_id: findRun(service, options.run) });
        if (options.json === true) printJson(context.io, { audit: entries });
        else if (entries.length === 0) printText(context.io, "Nothing was put up for approval.");
        else printLines(context.io, entries.flatMap(entryLines));
        return entries.some((entry) => entry.problem !== null) ? EXIT.failed : EXIT.done;
      });
    });
}

const TONES: Readonly<Record<AuditEntry["outcome"], Tone>> = {
  open: "wait",
  approved: "good",
  rejected: "bad",
  expired: "wait",
  void: "dim",
};

function entryLines(entry: AuditEntry): readonly Line[] {
  const { outcome, channel, assurance, rule, reason, applied_at: appliedAt, problem } = entry;
  const by = channel === null ? "" : ` on ${channel} (${String(assurance)})`;
  const facts = [
    `${escapeLine(entry.run_id, 80)} ${escapeLine(entry.approval_id, 80)}`,
    `${entry.risk} risk, ${plural(entry.files.length, "file")}`,
    `digest ${escapeLine(entry.digest.slice(0, 12), 12)}`,
    ...(entry.post_state === null ? [] : [`after ${escapeLine(entry.post_state.slice(0, 12), 12)}`]),
  ];
  return [
    [
      piece(`${entry.requested_at}  `, "dim"),
      piece(`${outcome}${entry.amended ? " in part" : ""}${escapeLine(by, 80)}`, TONES[outcome]),
      piece(`  ${escapeLine(entry.title, 300)}`),
    ],
    [piece(`  ${facts.join(" · ")}`, "dim")],
    ...(rule === null ? [] : [[piece(`  ${escapeLine(`rule: ${rule}`, 500)}`, "dim")]]),
    ...(reason === null ? [] : [[piece(`  ${escapeLine(`because ${reason}`, 500)}`, "dim")]]),
    ...(appliedAt === null ? [] : [[piece(`  applied ${appliedAt}`, "dim")]]),
    ...(problem === null ? [] : [[piece(`  ${problem}`, "bad")]]),
  ];
}
