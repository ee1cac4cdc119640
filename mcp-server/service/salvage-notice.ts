/** What a person is told when a corrupt journal was put aside. */
import type { SalvageReport } from "../journal/salvage.ts";

/** @param salvaged null when nothing could be carried over */
export function salvageNotice(setAside: string, salvaged: SalvageReport | null): string {
  const start = `the journal was corrupt; it was kept as ${setAside}, and a new one was begun`;
  if (salvaged === null) return `${start}; nothing of it could be read`;
  const { runs, cut, lost_runs: lostRuns, payloads, lost_payloads: lostPayloads } = salvaged;
  const parts = [
    `${counted(runs, "whole run")} and ${counted(payloads, "payload")} were carried over`,
    ...(cut === 0
      ? []
      : [`${counted(cut, "run")} of which the end is lost ${cut === 1 ? "was" : "were"} ended, so that nothing is done twice`]),
    ...(lostRuns === 0 ? [] : [`${counted(lostRuns, "run")} lost`]),
    ...(lostPayloads === 0 ? [] : [`${counted(lostPayloads, "payload")} missing`]),
  ];
  return `${start}: ${parts.join("; ")}`;
}

function counted(value: number, one: string): string {
  return `${value} ${one}${value === 1 ? "" : "s"}`;
}
