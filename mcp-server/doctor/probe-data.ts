/** What Bosun keeps of this workspace: the journal, its owner, change sets under way, and how much room all takes. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { openManifests } from "../changes/leftovers.ts";
import { inspectJournal } from "../journal/inspect.ts";
import type { JournalFacts } from "../journal/inspect.ts";
import { isOwned, lookAtLock, ownerNote } from "../journal/owner-lock.ts";
import type { Finding, Probe } from "./examine.ts";
import { size } from "./size.ts";

const NONE = "none yet: the first run begins it";

/** @param dataDir of the workspace; may not exist. What is opened is closed by `close`. */
export function dataProbes(dataDir: string): { readonly probes: readonly Probe[]; close(): void } {
  const file = join(dataDir, "journal.db");
  let facts: JournalFacts | null = null;
  let broken = false;
  const open = (): Finding => {
    if (!existsSync(file)) return NONE;
    broken = true;
    facts = inspectJournal(file);
    broken = false;
    if (facts === null) return NONE;
    if (facts.fault === null) return `schema ${facts.schema}, ${facts.runs} ${facts.runs === 1 ? "run" : "runs"}, the file is sound`;
    return {
      bad: `the file is damaged (${facts.fault}): the next command that works, such as \`bosun run\`, carries over what can be read and keeps the damaged file`,
    };
  };
  return {
    probes: [
      { name: "journal", look: open },
      { name: "projections", look: () => (broken ? { bad: "cannot be compared before the journal is sound" } : lookAtProjections(facts)) },
      { name: "owner", look: () => lookAtOwner(dataDir) },
      { name: "change sets", look: () => lookAtChangeSets(dataDir, facts, broken) },
      { name: "disk use", look: () => lookAtDisk(dataDir, facts) },
    ],
    close: () => facts?.close(),
  };
}

function lookAtProjections(facts: JournalFacts | null): Finding {
  if (facts === null) return NONE;
  const { projections, runs } = facts;
  if (projections.state === "to be built") return "of another version: the next command that works builds them again";
  const compared = projections.compared === runs ? `all ${runs}` : `the newest ${projections.compared} of ${runs}`;
  if (projections.state === "equal") return `equal to what the events say (${compared} runs)`;
  const some = projections.runs.slice(0, 3).join(", ");
  return {
    bad: `differ from the events for ${projections.runs.length} of ${compared} runs (${some}): \`bosun rebuild\` builds them again`,
  };
}

function lookAtOwner(dataDir: string): Finding {
  const note = ownerNote(dataDir);
  const lock = lookAtLock(dataDir);
  if (lock === "unknown")
    return {
      bad: `the lock in ${dataDir} cannot be looked at: look whether the disk is full or broken, and whether you may read and write there`,
    };
  if (lock === "free") return note === null ? "none" : "none; the last one was stopped without an end, so the next one looks closer";
  return note === null ? "a living process" : `process ${note.pid}, since ${note.since}`;
}

function lookAtChangeSets(dataDir: string, facts: JournalFacts | null, broken: boolean): Finding {
  const open = openManifests(dataDir);
  if (open.length === 0) return "none is half applied";
  if (broken) return { bad: `${open.length} may be half applied; which run they are of cannot be told before the journal is sound` };
  const found = open.map((each) => ({ ...each, run: facts?.unfinishedRunOf(each.id) ?? null }));
  const stuck = found.filter(({ run }) => run === null).map(({ file }) => file);
  const left = found.filter(({ run }) => run !== null);
  if (stuck.length > 0)
    return {
      bad: `${stuck.length} may be half applied, and no run will finish them: look at the files that ${stuck.join(", ")} names, put them in order, then remove it`,
    };
  if (isOwned(dataDir)) return `${left.map(({ id, run }) => `${id} of run ${run ?? ""}`).join(", ")} is being applied`;
  return {
    bad: left
      .map(({ id, run }) => `run ${run ?? ""} was stopped while it applied ${id}: \`bosun resume ${run ?? ""}\` finishes it`)
      .join("; "),
  };
}

function lookAtDisk(dataDir: string, facts: JournalFacts | null): Finding {
  const names = existsSync(dataDir) ? readdirSync(dataDir) : [];
  const sizeOf = (wanted: (name: string) => boolean): number =>
    names.filter(wanted).reduce((sum, name) => sum + (statSync(join(dataDir, name), { throwIfNoEntry: false })?.size ?? 0), 0);
  const isAside = (name: string): boolean => name.startsWith("journal.db.corrupt-");
  const parts = [`journal ${size(sizeOf((name) => name.startsWith("journal.db") && !isAside(name)))}`];
  if (facts !== null) parts.push(`of it payloads ${size(facts.payload_bytes)} in ${facts.payloads}`);
  const aside = names.filter((name) => isAside(name) && !/-(?:wal|shm)$/u.test(name));
  if (aside.length > 0)
    parts.push(
      `corrupt journals kept aside ${size(sizeOf(isAside))} in ${dataDir}: ${aside.join(", ")} (remove them when you need them no more)`,
    );
  return parts.join(", ");
}
