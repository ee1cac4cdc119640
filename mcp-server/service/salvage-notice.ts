/** What a person is told when a corrupt journal was put aside. */
import type { SalvageReport } from "../journal/salvage.ts";

/** @param salvaged null when nothing could be carried over */
export function salvageNotice(setAside: string, salvaged: SalvageReport | null): string {
  const start = `the journal was corrupt; it was kept as ${setAside}, and a new one was begun`;
  if (salvaged === null) return `${start}; nothing of it could be read`;
  const { runs, gaps, stopped, cut, lost_runs: lostRuns, payloads, lost_payloads: lostPayloads } = salvaged;
  const parts = [
    `${counted(runs, "whole run")} and ${counted(payloads, "payload")} were carried over`,
    ...(gaps === 0
      ? []
      : [`of ${counted(gaps, "more run")} all events were carried over, but not all that was said in ${gaps === 1 ? "it" : "them"}`]),
    ...(stopped === 0
      ? []
      : [`${stopped} of them had not ended and cannot go on without it: ${stopped === 1 ? "it was" : "they were"} ended`]),
    ...(cut === 0
      ? []
      : [`${counted(cut, "run")} of which the end is lost ${cut === 1 ? "was" : "were"} ended, so that nothing is done twice`]),
    ...(lostRuns === 0 ? [] : [`${counted(lostRuns, "run")} lost`]),
    ...(lostPayloads === 0 ? [] : [`${counted(lostPayloads, "payload")} lost`]),
  ];
  return `${start}: ${parts.join("; ")}`;
}

/** @param salvaged the runs were carried over from a corrupt journal */
export function adoptionNotice(runs: number, salvaged: boolean): string {
  if (salvaged)
    return `the signed log of the new journal begins with the ${counted(runs, "run")} that ${runs === 1 ? "was" : "were"} carried over, as found`;
  return `the journal had no signed log; one was begun with the ${counted(runs, "run")} that ${runs === 1 ? "was" : "were"} there, as found`;
}

function counted(value: number, one: string): string {
  return `${value} ${one}${value === 1 ? "" : "s"}`;
}
