/** Policy at a tool call: refuses it, or lets it see no more than the rules let it. */
import { BosunError, isBosunError } from "../../shared/errors.ts";
import type { RunFiles } from "../changes/overlay.ts";
import { showPath } from "../changes/show-path.ts";
import type { Tool } from "../tools/port.ts";
import type { Workspace } from "../tools/workspace.ts";
import type { CallFacts, Policy } from "./policy.ts";

export interface Seen {
  readonly workspace: Workspace;
  readonly files: RunFiles;
}

export interface Guarded extends Seen {
  /** Some files are hidden, so a result must not be kept for others, nor taken from them. */
  readonly restricted: boolean;
}

/**
 * @param seen what the tool would see without policy
 * @throws BosunError policy_denied, with the rule's reason for the worker
 */
export function guardCall(
  policy: Policy,
  { worker, tool, args }: { worker: string; tool: Tool; args: Record<string, unknown> },
  seen: Seen,
): Guarded {
  // Most have no rules, and a look at each path would cost more than many a kept result.
  if (policy.isEmpty) return { ...seen, restricted: false };
  const { reads, writes } = tool.effects(args);
  const facts = { worker, tool: tool.name, kind: writes.length > 0 ? ("writes" as const) : ("reads" as const) };
  const paths = [...new Set([...reads, ...writes])].map((path) => canonical(seen.workspace, path));
  for (const path of paths.length === 0 ? [null] : paths) refuse(policy, { ...facts, path });
  if (facts.kind !== "reads" || !policy.hidesFrom(worker, tool.name)) return { ...seen, restricted: false };
  const isHidden = (path: string): boolean => policy.call({ ...facts, path }).decide !== "allow";
  return {
    workspace: { ...seen.workspace, isClosed: (path) => seen.workspace.isClosed(path) || isHidden(path) },
    files: checkedReads(seen.files, (path) => refuse(policy, { ...facts, path: canonical(seen.workspace, path) })),
    restricted: true,
  };
}

/** Where the path leads, links followed: a rule about a folder holds for every way into it. What leads nowhere is for the tool to refuse. */
export function canonical(workspace: Workspace, path: string): string {
  try {
    return workspace.forListing(path).path;
  } catch (error) {
    if (isBosunError(error)) return path;
    throw error;
  }
}

function refuse(policy: Policy, facts: CallFacts): void {
  const verdict = policy.call(facts);
  const at = facts.path === null ? "" : ` on ${showPath(facts.path)}`;
  if (verdict.decide === "deny")
    throw new BosunError("policy_denied", `The ${facts.worker} may not use ${facts.tool}${at}: ${verdict.why}. Go on without it.`);
  if (verdict.decide === "ask" && facts.kind === "reads")
    throw new BosunError(
      "policy_denied",
      `A person wants to be asked about ${facts.tool}${at}, and nobody can be asked about reading yet: ${verdict.why}. Go on without it.`,
    );
}

function checkedReads(inner: RunFiles, check: (path: string) => void): RunFiles {
  return {
    get view() {
      return inner.view;
    },
    read(path) {
      check(path);
      return inner.read(path);
    },
    stat: (path) => inner.stat(path),
    entries: (folder) => inner.entries(folder),
    write: (path, bytes, by) => inner.write(path, bytes, by),
    check: (path, by) => inner.check(path, by),
    remove: (path, by) => inner.remove(path, by),
    move: (from, to, by) => inner.move(from, to, by),
    dropStale: (path, step) => inner.dropStale(path, step),
  };
}
