/** Whatever a repository, a model or a client puts into an approval, the person sees that it is there, wherever approvals are shown. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createChangeSet } from "../../../mcp-server/changes/change-set.ts";
import { approvalLines } from "../../../mcp-server/cli/ask-approval.ts";
import { plainText } from "../../../mcp-server/cli/render/line.ts";
import { createPlainEvents } from "../../../mcp-server/cli/render/plain-events.ts";
import { runCli } from "../../../mcp-server/cli/run-cli.ts";
import type { ApprovalView } from "../../../shared/run-view.ts";
import type { RunEvent } from "../../../shared/events.ts";
import { memoryBlobs } from "../../support/memory-blobs.ts";
import { FakeService } from "./fake-service.ts";
import { FakeTerminal } from "./fake-terminal.ts";
import { runView } from "./views.ts";

const CASES = readFileSync(join(import.meta.dirname, "../../data/hidden-text.jsonl"), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as { readonly what: string; readonly text: string });

/** What a terminal acts on, or shows as nothing or as a plain space. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/u;

/** Nothing hidden on any line; line ends are ours. */
function expectVisible(shown: string): void {
  const line = shown.split("\n").find((each) => HIDDEN.test(each));
  expect(line === undefined ? null : JSON.stringify(line)).toBeNull();
}

/** Title and reasons as Bosun makes them from a path. */
function proposalOf(path: string, content: string): { title: string; reasons: readonly string[]; diff: string } {
  const blobs = memoryBlobs();
  const state = { content: blobs.put(Buffer.from(content)), mode: 0o755 };
  return createChangeSet({ runId: "run_1", attempt: "a", root: "/w", worker: "coder" }, [{ path, before: null, after: state }], blobs);
}

const approvalOf = (title: string, reasons: readonly string[], files: readonly string[]): ApprovalView => ({
  approval_id: "apr_1",
  run_id: "run_1",
  kind: "write",
  title,
  risk: "medium",
  reasons,
  files,
  status: "open",
  expires_at: "2026-01-02T04:04:05.000Z",
  how_to_decide: "",
});

/** All places in which approvals are shown, with this text wherever it could be put. */
async function shownWith(text: string): Promise<string> {
  const made = proposalOf(`dir/${text.replaceAll("/", "")}`, `${text}\n`);
  // Our own words are made visible before they are kept, so that a client's window can show them as they are.
  expectVisible([made.title, ...made.reasons].join("\n"));
  const approval = approvalOf(`${made.title} ${text}`, [...made.reasons, text], [text]);
  const detail = { approval, diff: made.diff, digest: "d", divisible: [] };
  const lines = [null, 80].flatMap((maxDiffLines) => approvalLines(detail, { now: 0, maxDiffLines }).map(plainText));
  const policy = { decide: "allow", rule: `policy[0]: allow path=${text}`, why: { $kept: "0".repeat(64) } } as const;
  const event = {
    run_id: "run_1",
    seq: 2,
    time: 1,
    epoch: 1,
    kind: "approval-requested",
    path: "step:a",
    cause: null,
    data: { ...approval, policy },
  };
  const told = createPlainEvents(0)(event as unknown as RunEvent, null);
  const entry = {
    ...approval,
    change_set_id: "chg_1",
    worker: text,
    digest: text,
    post_state: text,
    requested_at: "2026-01-02T03:04:05.000Z",
    outcome: "rejected",
    decided_at: null,
    channel: text,
    assurance: text,
    rule: text,
    policy: "deny",
    reason: text,
    applied_at: null,
    amended: false,
    problem: null,
  } as const;
  const service = new FakeService({
    states: [runView({ status: "waiting_approval", approvals: [approval] })],
    audit: [entry],
    diff: made.diff,
  });
  const outputs: string[] = [];
  for (const argv of [["approvals"], ["approve", "apr_1"], ["audit"], ["show", runView().run_id]]) {
    const terminal = new FakeTerminal();
    await runCli(argv, terminal.io, () => Promise.resolve(service));
    outputs.push(terminal.out, terminal.err);
  }
  return [...lines, told ?? "", ...outputs].join("\n");
}

describe("an approval", () => {
  it.each(CASES)("makes visible: $what", async ({ text }) => {
    expect(text).toMatch(HIDDEN);
    expectVisible(await shownWith(text));
  });

  it("makes visible whatever else comes in", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 40 }), async (text) => {
        expectVisible(await shownWith(text));
      }),
      { numRuns: 60 },
    );
  });

  it("cuts very long lines, saying how much is missing", () => {
    const detail = {
      approval: approvalOf("t".repeat(5_000), ["r".repeat(5_000)], []),
      diff: `+${"x".repeat(5_000)}\n`,
      digest: "d",
      divisible: [],
    };
    const lines = approvalLines(detail, { now: 0, maxDiffLines: 80 }).map(plainText);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(1_100);
    expect(lines.join("\n")).toContain("… [+4001 characters]");
  });
});
