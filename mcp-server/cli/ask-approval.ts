/**
 * Asks a person about a change set. Only `y` and Enter approves, only after the diff was shown, and the decision carries the digest
 * of what was shown. Anything else decides nothing.
 */
import type { ApprovalDetail, Service } from "../service.ts";
import { escapeLine } from "./escape.ts";
import { canAsk, type CliIo } from "./io.ts";
import { printLines, printText } from "./print.ts";
import { diffLines } from "./render/diff-lines.ts";
import { type Line, piece, type Tone } from "./render/line.ts";
import { plural } from "./render/numbers.ts";

/** Longer diffs are cut; `d` shows the rest. */
const MAX_DIFF_LINES = 80;
const PROMPT = "Apply these changes? [y/N/d(iff)/r(eject with reason)] ";

export type ApprovalAnswer = "approved" | "rejected" | "undecided";

/** The change set with its risk, as a person should see it before deciding. */
export function approvalLines(detail: ApprovalDetail, maxDiffLines: number | null): readonly Line[] {
  const { approval, diff } = detail;
  const tone: Tone = approval.risk === "low" ? "good" : approval.risk === "medium" ? "wait" : "bad";
  const reasons = approval.reasons.map((reason): Line => [piece(`    because ${escapeLine(reason, 300)}`)]);
  return [
    [piece("? ", "wait"), piece(escapeLine(approval.title, 500), "strong")],
    [
      piece(
        `  ${escapeLine(approval.approval_id, 80)} · ${plural(approval.files.length, "file")} · open until ${escapeLine(approval.expires_at, 40)}`,
        "dim",
      ),
    ],
    [piece("  risk: "), piece(approval.risk, tone)],
    ...reasons,
    [],
    ...diffLines(diff, maxDiffLines),
    [],
  ];
}

/** How a person decides later. */
export function howToDecide(approvalId: string): string {
  const id = escapeLine(approvalId, 80);
  return `Nothing was decided. A person decides on a terminal with \`bosun approve ${id}\` or \`bosun reject ${id} --reason "…"\`.`;
}

/**
 * Shows the change set; with a terminal on both ends it also asks.
 * @param hint what to say when nothing was decided.
 */
export async function askApproval(
  io: CliIo,
  service: Service,
  approvalId: string,
  hint = howToDecide(approvalId),
): Promise<ApprovalAnswer> {
  const detail = service.getApproval(approvalId);
  const { digest } = detail;
  await io.stdin.drain();
  printLines(io, approvalLines(detail, canAsk(io) ? MAX_DIFF_LINES : null));
  while (canAsk(io)) {
    io.stdout.write(PROMPT);
    const answer = await io.stdin.readLine();
    if (answer === null) io.stdout.write("\n");
    const word = (answer ?? "").trim().toLowerCase();
    if (word === "d" || word === "diff") {
      printLines(io, diffLines(detail.diff, null));
      continue;
    }
    if (word === "y") {
      service.decide(approvalId, { decision: "approve", digest });
      return "approved";
    }
    if (word === "r" || word === "reject") {
      const reason = await askReason(io);
      if (reason === null) break;
      service.decide(approvalId, { decision: "reject", digest, reason });
      return "rejected";
    }
    break;
  }
  printText(io, hint);
  return "undecided";
}

async function askReason(io: CliIo): Promise<string | null> {
  io.stdout.write("Why not? The worker is told: ");
  const reason = (await io.stdin.readLine())?.trim() ?? "";
  return reason === "" ? null : reason;
}
