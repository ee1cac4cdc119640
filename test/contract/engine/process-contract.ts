/** The contract where it matters that the owner is a real process: `SIGKILL` comes the moment after a yes. */
import { describe, expect, it, onTestFinished } from "vitest";
import type { Priority } from "../../../shared/events.ts";
import { statusOf } from "../../../mcp-server/journal/fold-run.ts";
import type { ProcessHarness, ProcessWorld, Task } from "./process-harness.ts";

interface ProcessSite extends ProcessWorld {
  begin(tasks: readonly Task[], priority?: Priority): Promise<string>;
  status(run: string): string;
  rest(run: string): Promise<string>;
  ends(run: string, value: unknown): Promise<void>;
}

export function engineProcessContract(harness: ProcessHarness): void {
  const open = async (options: { readonly maxRuns?: number } = {}): Promise<ProcessSite> => {
    const at = await harness.start(options);
    onTestFinished(() => at.close());
    const status = (run: string): string => statusOf(at.reader.run(run));
    const rest = async (run: string): Promise<string> => {
      await at.ask("settled", run);
      await at.ask("flush");
      return status(run);
    };
    return {
      ...at,
      status,
      rest,
      begin: (tasks, priority = "normal") => at.ask("start", { workflow: "each", session_id: null, input: tasks, priority }),
      ends: async (run, value) => {
        expect(await rest(run)).toBe("completed");
        expect(await at.ask("replay", run)).toMatchObject({ ok: true, result: { ok: true, value } });
      },
    };
  };
  const begun = async (at: ProcessSite, deed: string): Promise<void> =>
    expect.poll(() => at.deeds().join("\n"), { timeout: 8000 }).toContain(deed);

  describe(`${harness.name}: an owner that is killed`, () => {
    it("has written whatever it said yes to: start, event, pause, signal, resume, fork, cancel", async () => {
      const at = await open();
      const run = await at.begin([{ do: "look" }, { do: "wait", signal: "s" }, { do: "listen" }]);
      // Or it had come to its wait already.
      expect([[run], []]).toContainEqual(await at.takeOver());
      await at.rest(run);
      await at.ask("event", run, { told: 1 });
      await at.takeOver();
      await at.ask("pause", run, "person");
      await at.takeOver();
      expect(await at.rest(run)).toBe("paused");
      await at.ask("signal", run, "s", "yes");
      await at.takeOver();
      const fork = await at.ask("fork", run, { at: 3 });
      await at.takeOver();
      const cancelled = await at.ask("fork", run, { at: 1 });
      await at.ask("cancel", cancelled, "person");
      await at.takeOver();
      expect(await at.rest(run)).toBe("paused");
      await at.ask("resume", run, "person");
      await at.takeOver();
      await at.ends(run, ["look", "yes", [{ told: 1 }]]);
      expect(await at.rest(cancelled)).toBe("cancelled");
      await at.ask("signal", fork, "s", "no");
      await at.ends(fork, ["look", "no", []]);
    }, 30_000);

    it("while a paused run has a paid call under way leaves it paused; the call is settled, and made once more after the resume", async () => {
      const at = await open();
      const run = await at.begin([{ do: "pay", gate: "g" }, { do: "look" }]);
      await begun(at, `pay ${run} g`);
      await at.ask("pause", run, "person");
      await at.takeOver();
      expect(await at.rest(run)).toBe("paused");
      at.open("g");
      await at.takeOver();
      expect(await at.rest(run)).toBe("paused");
      expect(at.deeds()).toEqual([`pay ${run} g`]);
      await at.ask("resume", run, "person");
      await at.ends(run, ["pay", "look"]);
      expect(at.deeds()).toEqual([`pay ${run} g`, `pay ${run} g`, `look ${run} -`]);
      expect(at.reader.run(run).usage).toMatchObject({ completion_tokens: 12, source: "estimated" });
    }, 30_000);

    it("leaves its queue to the next: each run begins in its turn, once", async () => {
      const at = await open({ maxRuns: 1 });
      const busy = await at.begin([{ do: "look", gate: "g" }]);
      await begun(at, `look ${busy} g`);
      const runs: string[] = [];
      for (const priority of ["low", "normal", "high"] as const) runs.push(await at.begin([{ do: "look" }], priority));
      await at.takeOver();
      for (const run of runs) expect(at.status(run)).toBe("queued");
      at.open("g");
      for (const run of [busy, ...runs]) await at.ends(run, ["look"]);
      const [low, normal, high] = runs;
      expect(at.deeds().slice(-3)).toEqual([`look ${high} -`, `look ${normal} -`, `look ${low} -`]);
      expect(at.deeds().filter((deed) => deed !== `look ${busy} g`)).toHaveLength(3);
    }, 30_000);

    for (const [decision, value] of [
      ["happened", "assumed"],
      ["not_happened", "write"],
      ["give_up", "uncertain_effect"],
    ] as const)
      it(`leaves an effect in doubt; the decision ${decision} survives the next kill, and is carried out once`, async () => {
        const at = await open();
        const run = await at.begin([{ do: "write", gate: "g" }, { do: "look" }]);
        await begun(at, `write ${run} g`);
        await at.takeOver();
        expect(await at.rest(run)).toBe("paused");
        at.open("g");
        await at.takeOver();
        expect(at.deeds()).toEqual([`write ${run} g`]);
        if (decision === "not_happened") {
          // Killed right after it, the new attempt may itself be in doubt: so let it finish.
          await at.ask("decideEffect", run, "write:0", decision, "person");
          await at.rest(run);
          await at.takeOver();
        } else {
          await at.ask("decideEffect", run, "write:0", decision, "person");
          await at.takeOver();
        }
        await at.ends(run, [value, "look"]);
        expect(at.deeds().filter((deed) => deed.startsWith("write"))).toHaveLength(decision === "not_happened" ? 2 : 1);
      }, 30_000);

    it("in the middle of many runs loses none of them and repeats no effect that has its receipt", async () => {
      const at = await open({ maxRuns: 4 });
      const runs: string[] = [];
      for (let index = 0; index < 12; index += 1)
        runs.push(await at.begin([{ do: "look" }, { do: "pay" }, { do: "wait", signal: "s" }, { do: "write" }, { do: "look" }]));
      for (const run of runs.slice(0, 6)) await at.ask("signal", run, "s", run);
      await at.takeOver();
      for (const run of runs.slice(6)) await at.ask("signal", run, "s", run);
      await at.takeOver();
      for (const run of runs) {
        if ((await at.rest(run)) === "paused") await at.ask("decideEffect", run, "write:0", "happened", "person");
        expect(await at.rest(run)).toBe("completed");
        expect(await at.ask("replay", run)).toMatchObject({ ok: true });
        expect(at.deeds().filter((deed) => deed === `write ${run} -`).length, run).toBeLessThanOrEqual(1);
      }
    }, 30_000);
  });
}
