/**
 * What a decision of policy takes, in microseconds: with no rule, 100 and 500 rules of which the last or none matches, and a change set of
 * 1,000 files. `npm run bench -- policy`
 */
import { judgeChanges } from "../mcp-server/approvals/judge-changes.ts";
import { createPolicy } from "../mcp-server/approvals/policy.ts";
import type { PolicyRule } from "../shared/config.ts";
import { median } from "./measure.ts";

const ROUNDS = 31;
const TIMES = 200;

function rulesOf(count: number): readonly PolicyRule[] {
  return Array.from({ length: count }, (_, index) => ({
    decide: index % 3 === 0 ? ("deny" as const) : ("allow" as const),
    path: index === count - 1 ? "docs/**" : `packages/part-${index}/**/*.ts`,
    worker: "writer",
  }));
}

function timed(times: number, act: () => unknown): { readonly p50: number; readonly worst: number } {
  const each: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const began = performance.now();
    for (let time = 0; time < times; time += 1) act();
    each.push(((performance.now() - began) * 1000) / times);
  }
  return { p50: median(each), worst: Math.max(...each) };
}

function tell(title: string, { p50, worst }: { readonly p50: number; readonly worst: number }): void {
  process.stdout.write(`${title.padEnd(52)} p50 ${p50.toFixed(1).padStart(9)} µs   slowest round ${worst.toFixed(1).padStart(9)} µs\n`);
}

const files = Array.from({ length: 1_000 }, (_, index) => ({
  path: `docs/part-${index % 50}/page-${index}.md`,
  before: null,
  after: { content: { $blob: "0".repeat(64), size: 1 }, mode: 0o644 },
}));

for (const count of [0, 100, 500]) {
  const rules = rulesOf(count);
  const policy = createPolicy({ person: rules, workspace: rules.slice(0, 20) });
  const facts = { worker: "writer", class: "write", risk: "low" } as const;
  tell(
    `${count} rules, the last one decides`,
    timed(TIMES, () => policy.change({ ...facts, path: "docs/deep/a.md" })),
  );
  tell(
    `${count} rules, none decides`,
    timed(TIMES, () => policy.change({ ...facts, path: "elsewhere/a.md" })),
  );
  tell(
    `${count} rules, a tool call`,
    timed(TIMES, () => policy.call({ worker: "coder", tool: "read_file", kind: "reads", path: "src/a.ts" })),
  );
  tell(
    `${count} rules, a change set of 1,000 files`,
    timed(1, () => judgeChanges(policy, { worker: "writer", kind: "write", risk: "low", changes: files })),
  );
  tell(
    `${count} rules read anew (after a change of settings)`,
    timed(1, () => createPolicy({ person: rules, workspace: [] })),
  );
}
