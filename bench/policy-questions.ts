/**
 * How many questions change sets and accepted rules save against one question for each write, on simulated histories of decisions: people
 * who have a mind of their own about each folder, and workers who write into some folders more than into others. All chance comes from a seed.
 * `npm run bench -- policy-questions [seed] [people] [change sets each] [files of a change set]`
 */
import { createPolicy } from "../mcp-server/approvals/policy.ts";
import { type PastDecision, suggestRules } from "../mcp-server/approvals/suggest-rules.ts";
import type { PolicyRule } from "../shared/config.ts";
import type { Risk } from "../shared/change.ts";
import { judgeChanges } from "../mcp-server/approvals/judge-changes.ts";
import { mulberry } from "../training/softmax.ts";

const seed = Number(process.argv[2] ?? 1);
const people = Number(process.argv[3] ?? 50);
const sets = Number(process.argv[4] ?? 200);
/** Files of a change set, on average. */
const meanFiles = Number(process.argv[5] ?? 2);
const FOLDERS = ["src", "src/api", "src/ui", "test", "test/unit", "docs", "docs/api", "scripts", "gen", "config"];
const WORKERS = ["coder", "writer", "debugger"];

/** How a person feels about a folder: 1 approves always, 0 never; what is between looks at each change. */
type Person = ReadonlyMap<string, number>;

/** @param firm share of the folders about which the person always decides alike */
function personOf(chance: () => number, firm: number): Person {
  return new Map(
    FOLDERS.map((folder) => {
      const kind = chance();
      if (kind < firm * 0.85) return [folder, 1];
      return [folder, kind < firm ? 0 : 0.6 + 0.38 * chance()];
    }),
  );
}

interface Totals {
  writes: number;
  sets: number;
  asked: number;
  suggestions: number;
  allowedAgainst: number;
  refusedAgainst: number;
  decidedByRule: number;
}

/** @param accepts does the person accept what is suggested? Being asked that is a question, too. */
function simulate(chance: () => number, firm: number, accepts: number): Totals {
  const totals: Totals = { writes: 0, sets: 0, asked: 0, suggestions: 0, allowedAgainst: 0, refusedAgainst: 0, decidedByRule: 0 };
  for (let each = 0; each < people; each += 1) {
    const person = personOf(chance, firm);
    const past: PastDecision[] = [];
    const rules: PolicyRule[] = [];
    const turnedDown = new Set<string>();
    for (let round = 0; round < sets; round += 1) {
      const worker = WORKERS[Math.floor(chance() * WORKERS.length)] ?? "coder";
      // A worker keeps to few folders, as tasks do.
      const home = FOLDERS[Math.floor(chance() * chance() * FOLDERS.length)] ?? "src";
      const other = FOLDERS[Math.floor(chance() * FOLDERS.length)] ?? "src";
      const count = meanFiles <= 1 ? 1 : 1 + Math.floor(Math.log(1 - chance()) / Math.log(1 - 1 / meanFiles));
      const files = Array.from(
        { length: count },
        (_, index) => `${chance() < 0.85 ? home : other}/file-${Math.floor(chance() * 40)}-${index}.ts`,
      );
      const dice = chance();
      const risk: Risk = dice < 0.05 ? "high" : dice < 0.2 ? "medium" : "low";
      const wants = files.every((file) => chance() < (person.get(file.slice(0, file.lastIndexOf("/"))) ?? 1));
      totals.writes += count;
      totals.sets += 1;
      const changes = files.map((path) => ({ path, before: null, after: { content: { $blob: "", size: 0 }, mode: 0o644 } }));
      const policy = createPolicy({ person: rules, workspace: [] });
      const decided = judgeChanges(policy, { worker, kind: "write", risk, changes })?.decide ?? "ask";
      if (decided !== "ask") {
        totals.decidedByRule += 1;
        if (decided === "allow" && !wants) totals.allowedAgainst += 1;
        if (decided === "deny" && wants) totals.refusedAgainst += 1;
        continue;
      }
      totals.asked += 1;
      past.push({ worker, class: "write", risk, files, decision: wants ? "approve" : "reject" });
      for (const { rule } of suggestRules(past, policy)) {
        const key = `${rule.decide} ${String(rule.worker)} ${String(rule.path)}`;
        if (turnedDown.has(key)) continue;
        totals.suggestions += 1;
        if (chance() < accepts) rules.push(rule);
        else turnedDown.add(key);
      }
    }
  }
  return totals;
}

const percent = (part: number, of: number): string => `${((100 * part) / of).toFixed(1)} %`;

process.stdout.write(`seed ${seed}, ${people} people with ${sets} change sets each, of ${meanFiles} files on average\n`);
for (const [title, firm, accepts] of [
  ["firm about 90 % of the folders, accepts all", 0.9, 1],
  ["firm about 60 %, accepts all", 0.6, 1],
  ["firm about 60 %, accepts half", 0.6, 0.5],
  ["firm about 30 %, accepts all", 0.3, 1],
  ["firm about none, accepts all", 0, 1],
] as const) {
  const { writes, sets: all, asked, suggestions, allowedAgainst, refusedAgainst, decidedByRule } = simulate(mulberry(seed), firm, accepts);
  process.stdout.write(
    `${title}\n` +
      `  one question a write ${writes}; a change set ${all} (${percent(writes - all, writes)} fewer); with rules ${asked + suggestions}, ${suggestions} of them about rules (${percent(writes - asked - suggestions, writes)} fewer)\n` +
      `  decided by rules ${decidedByRule}: allowed what the person would have rejected ${allowedAgainst} (${percent(allowedAgainst, Math.max(1, decidedByRule))}), refused what they would have approved ${refusedAgainst} (${percent(refusedAgainst, Math.max(1, decidedByRule))})\n`,
  );
}
