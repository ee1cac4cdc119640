import { describe, expect, it } from "vitest";
import { createProgress } from "../../../mcp-server/supervisor/progress.ts";
import type { TurnTrace } from "../../../mcp-server/supervisor/progress.ts";

const turn = (...traces: string[]): TurnTrace => ({ failedCall: null, traces });
const failed = (call: string): TurnTrace => ({ failedCall: call, traces: [call] });
const verdicts = (turns: readonly TurnTrace[], seesIdle = true) => {
  const progress = createProgress();
  return turns.map((each) => progress.after(each, seesIdle).verdict);
};

describe("a worker that goes round in circles", () => {
  it("is told after three turns that brought nothing new, and ended after six", () => {
    const circle = ["a", "b", "a", "b", "a", "b", "a", "b"].map((name) => turn(name));
    expect(verdicts(circle)).toEqual(["go_on", "go_on", "go_on", "go_on", "warn", "go_on", "go_on", "stop"]);
  });

  it("gets on with one new result among known ones, and with the same call once it says something else", () => {
    expect(verdicts([turn("a"), turn("a"), turn("a"), turn("a", "b"), turn("a"), turn("a"), turn("a changed"), turn("a")])).toEqual(
      Array.from({ length: 8 }, () => "go_on"),
    );
  });

  it("is ended by the same failing call three times in a row, whatever else is looked at", () => {
    expect(verdicts([failed("x"), failed("x"), failed("x")], false)).toEqual(["go_on", "go_on", "stop"]);
    expect(verdicts([failed("x"), failed("x"), turn("a"), failed("x"), failed("y"), failed("x")], false)).not.toContain("stop");
  });

  it("is ended when two failing calls take turns", () => {
    const calls = ["x", "y", "x", "y", "x", "y", "x", "y"].map(failed);
    expect(verdicts(calls).at(-1)).toBe("stop");
    expect(verdicts(calls, false)).not.toContain("stop");
  });
});
