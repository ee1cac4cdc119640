import { describe, expect, it } from "vitest";
import { createPlainEvents } from "../../../mcp-server/cli/render/plain-events.ts";
import type { NewEvent, RunEvent } from "../../../shared/events.ts";

const ref = { $kept: "0".repeat(64) } as never;
const error = { code: "tool_failed", retryable: false, message: ref } as const;
const event = (made: NewEvent): RunEvent => ({ run_id: "run_a", seq: 1, time: 1_500, epoch: 1, cause: null, ...made });

describe("plain lines", () => {
  it("name the tool of a call and of an attempt that failed", () => {
    const tell = createPlainEvents(0);
    const path = "plan:0/step:fix/turn:2/call:1";
    const started = event({
      kind: "call-started",
      path,
      data: {
        activity: "use_tool",
        version: 1,
        kind: "read",
        input_hash: "",
        input: { inline: null },
        label: { kind: "tool", name: "edit_file", note: "README.md" },
      },
    });
    expect(tell(started, null)).toBe("[1.5 s] fix: tool edit_file README.md");
    expect(tell(event({ kind: "call-failed", path, data: { attempt: 1, error } }), "no such text")).toBe(
      "[1.5 s] fix: tool edit_file README.md failed: no such text",
    );
    const attempt = { attempt: 1, reason: "lost", error: null } as const;
    expect(tell(event({ kind: "attempt-ended", path: `${path}/attempt:1`, data: attempt }), null)).toBe(
      "[1.5 s] fix: tool edit_file README.md attempt 1 lost",
    );
  });

  it("leave the words of a question to where it is put", () => {
    const about = { for: "answer", question_id: "q_1", question: ref } as const;
    const line = createPlainEvents(0)(
      event({ kind: "wait-started", path: "", data: { name: "answer:q_1", deadline: null, about } }),
      "Which?\nA or B?",
    );
    expect(line).toBe("[1.5 s] supervisor: a question for a person");
  });

  it("say what the run was told", () => {
    const told = event({ kind: "event-received", path: "", data: { payload: { inline: null } } });
    expect(createPlainEvents(0)(told, "be brief")).toBe("[1.5 s] told: be brief");
  });
});
