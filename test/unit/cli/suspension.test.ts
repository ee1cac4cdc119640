import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { askLine } from "../../../mcp-server/cli/ask-line.ts";
import { createSuspension } from "../../../mcp-server/cli/suspension.ts";
import { watchRun } from "../../../mcp-server/cli/watch-run.ts";
import { FakeService } from "./fake-service.ts";
import { FakeTerminal } from "./fake-terminal.ts";
import { runView } from "./views.ts";

const UP = /\u001b\[\d+A/u;

describe("Ctrl+Z and fg", () => {
  it("gives the cursor back before it stops, and then draws below what the shell printed", () => {
    const terminal = new FakeTerminal({ stdinTTY: true, stdoutTTY: true });
    const watch = watchRun(terminal.io, new FakeService({ states: [runView()] }), "run_aaaa1111", false);
    terminal.tick(100);
    expect(terminal.out).toMatch(UP);
    terminal.out = "";
    terminal.suspend("$ ls\n");
    const [before, after] = terminal.out.split("$ ls\n");
    expect(before).toBe("\u001b[?25h");
    expect(after).toContain("Fix the retry helper");
    expect(after).not.toMatch(UP);
    expect(after).toContain("\u001b[?25l");
    terminal.out = "";
    terminal.tick(100);
    expect(terminal.out).toMatch(UP);
    watch.stop();
    terminal.out = "";
    terminal.suspend("$ ls\n");
    expect(terminal.out).toBe("$ ls\n");
  });

  it("puts a question again", async () => {
    const terminal = new FakeTerminal({ stdinTTY: true, stdoutTTY: true, onSilence: (silent) => silent.suspend("$ ls\n$ fg\n") });
    void askLine(terminal.io, "Apply these changes? [y]es ");
    await Promise.resolve();
    expect(terminal.out).toBe("Apply these changes? [y]es $ ls\n$ fg\nApply these changes? [y]es ");
  });
});

describe("what listens to Ctrl+Z", () => {
  class FakeProcess extends EventEmitter {
    readonly pid = 7;
    readonly happened: string[] = [];
    kill(pid: number, signal: string): void {
      this.happened.push(`${signal} to ${pid}, ${this.listenerCount(signal)} listeners`);
    }
  }
  function watched() {
    const process = new FakeProcess();
    const off = createSuspension(process).on({
      before: () => process.happened.push("before"),
      after: () => process.happened.push("after"),
    });
    return { process, off };
  }
  const STOPPED = ["before", "SIGTSTP to 7, 0 listeners", "after"];

  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("stops the process by the signal's own effect, as often as it is pressed", () => {
    const { process } = watched();
    process.emit("SIGTSTP");
    process.emit("SIGCONT");
    vi.runAllTimers();
    process.emit("SIGTSTP");
    process.emit("SIGCONT");
    expect(process.happened).toEqual([...STOPPED, ...STOPPED]);
  });

  it("says once that it goes on, whether the signal or the clock is seen first", () => {
    const { process } = watched();
    process.emit("SIGTSTP");
    vi.runAllTimers();
    process.emit("SIGCONT");
    expect(process.happened).toEqual(STOPPED);
  });

  it("goes on where the system refuses to stop it", () => {
    const { process } = watched();
    process.emit("SIGTSTP");
    vi.runAllTimers();
    expect(process.happened).toEqual(STOPPED);
    expect(process.listenerCount("SIGTSTP")).toBe(1);
  });

  it("draws anew after a stop that it could not see coming", () => {
    const { process } = watched();
    process.emit("SIGCONT");
    expect(process.happened).toEqual(["before", "after"]);
  });

  it("listens to nothing when nobody draws", () => {
    const { process, off } = watched();
    off();
    expect(process.eventNames()).toEqual([]);
  });
});
