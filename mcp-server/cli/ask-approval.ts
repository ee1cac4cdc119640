/**
 * Asks a person about a change set. Only `y` and Enter approves, only after the diff was shown, and the decision carries the digest
 * of what was shown. What is not understood is asked again; Enter alone decides nothing.
 */
import type { ApprovalChoice } from "../../shared/approval-choice.ts";
import type { ApprovalDetail } from "../../shared/reports.ts";
import type { Service } from "../service.ts";
import { askPart } from "./ask-part.ts";
import { askLine } from "./ask-line.ts";
import { escapeLine } from "../../shared/visible-text.ts";
import { canAsk, type CliIo } from "./io.ts";
import { printHint, printLines, printText } from "./print.ts";
import { diffLines } from "./render/diff-lines.ts";
import { type Line, piece, type Tone } from "./render/line.ts";
import { deadline, plural } from "./render/numbers.ts";

/** Longer diffs are cut; `d` shows the rest. */
const MAX_DIFF_LINES = 80;
const PROMPT = "Apply these changes? [y]es / [n]ot now / [p]art / [d]iff / [r]eject ";
/** How often what we do not understand is asked again. */
const MAX_ASKED_AGAIN = 3;

export type ApprovalAnswer = "approved" | "rejected" | "undecided";

/** The change set with its risk, as a person should see it before deciding. */
export function approvalLines(
  detail: ApprovalDetail,
  { now, maxDiffLines }: { readonly now: number; readonly maxDiffLines: number | null },
): readonly Line[] {
  const { approval, diff } = detail;
  const tone: Tone = approval.risk === "low" ? "good" : approval.risk === "medium" ? "wait" : "bad";
  const reasons = approval.reasons.map((reason): Line => [piece(`    because ${escapeLine(reason, 300)}`)]);
  return [
    [piece("? ", "wait"), piece(escapeLine(approval.title, 500), "strong")],
    [
      piece(
        `  ${escapeLine(approval.approval_id, 80)} · ${plural(approval.files.length, "file")} · open until ${deadline(Date.parse(approval.expires_at), now)}`,
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
 * @param options.hint what to say when nothing was decided.
 * @param options.choice what `y` approves; left out: all of it.
 */
export async function askApproval(
  io: CliIo,
  service: Service,
  approvalId: string,
  { hint, choice }: { readonly hint?: string | undefined; readonly choice?: ApprovalChoice } = {},
): Promise<ApprovalAnswer> {
  const detail = service.getApproval(approvalId);
  await io.stdin.drain();
  printLines(io, approvalLines(detail, { now: io.now(), maxDiffLines: canAsk(io) ? MAX_DIFF_LINES : null }));
  if (!canAsk(io)) {
    printHint(io, hint ?? howToDecide(approvalId));
    return "undecided";
  }
  if (choice?.parts !== undefined)
    printText(io, `Only this would be applied: ${choice.parts.map(({ path }) => escapeLine(path, 300)).join(", ")}`);
  const answer = await decideOnTerminal(io, service, detail, choice);
  if (answer === "undecided") printHint(io, hint ?? leftOpen(approvalId));
  return answer;
}

/** Shows the change set and asks whether to turn it down for the reason given. Only for a terminal. */
export async function askRejection(io: CliIo, service: Service, approvalId: string, reason: string): Promise<ApprovalAnswer> {
  const detail = service.getApproval(approvalId);
  await io.stdin.drain();
  printLines(io, approvalLines(detail, { now: io.now(), maxDiffLines: MAX_DIFF_LINES }));
  if ((await askLine(io, "Reject these changes? [y/N] "))?.toLowerCase() === "y") {
    await service.decide(approvalId, { decision: "reject", digest: detail.digest, reason });
    printText(io, "Rejected; the worker is told.");
    return "rejected";
  }
  printHint(io, leftOpen(approvalId));
  return "undecided";
}

function leftOpen(approvalId: string): string {
  return `Left open. Decide later: \`bosun approve ${escapeLine(approvalId, 80)}\``;
}

async function decideOnTerminal(
  io: CliIo,
  service: Service,
  detail: ApprovalDetail,
  choice: ApprovalChoice | undefined,
): Promise<ApprovalAnswer> {
  const { approval, diff, digest } = detail;
  let misses = 0;
  while (misses <= MAX_ASKED_AGAIN) {
    const word = (await askLine(io, PROMPT))?.toLowerCase() ?? "";
    switch (word) {
      case "":
      case "n":
      case "no":
      case "not now":
        return "undecided";
      case "y":
        await service.decide(approval.approval_id, { decision: "approve", digest, ...choice });
        return "approved";
      case "p":
      case "part": {
        const part = await askPart(io, detail);
        if (part === null) break;
        await service.decide(approval.approval_id, { decision: "approve", digest, ...part });
        return "approved";
      }
      case "d":
      case "diff":
        printLines(io, diffLines(diff, null));
        break;
      case "r":
      case "reject": {
        const reason = await askLine(io, "Why not? The worker is told: ");
        if (reason === null) return "undecided";
        if (reason !== "") {
          await service.decide(approval.approval_id, { decision: "reject", digest, reason });
          return "rejected";
        }
        printText(io, "A rejection needs a reason.");
        misses += 1;
        break;
      }
      default:
        printText(io, "Type y, n, p, d or r, then Enter.");
        misses += 1;
    }
  }
  return "undecided";
}
