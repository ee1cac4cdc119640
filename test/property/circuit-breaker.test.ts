/** Random calls, ends and pauses: in half-open never more than one trial, and a model that is well is always asked again. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { createCircuitBreaker, type Sign } from "../../mcp-server/models/circuit-breaker.ts";

const command = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("begin" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("end" as const),
      which: fc.nat(20),
      sign: fc.constantFrom<Sign>("alive", "failing", "failing", "nothing"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.nat(40_000) }) },
);

it("tries a model with one call at a time, and lets calls through again when it works", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
      let now = 0;
      const breaker = createCircuitBreaker(() => now);
      const open: { readonly end: (sign: Sign) => void; readonly trial: boolean }[] = [];
      for (const each of commands) {
        const state = breaker.state();
        if (each.do === "pass") now += each.ms;
        else if (each.do === "end") open.splice(each.which % (open.length || 1), 1)[0]?.end(each.sign);
        else {
          const free = breaker.waitMs() === 0;
          const end = breaker.begin();
          expect(end !== null).toBe(free);
          if (state === "closed") expect(end).not.toBeNull();
          if (state === "open") expect(end).toBeNull();
          if (end !== null) open.push({ end, trial: state === "half-open" });
        }
        if (breaker.state() === "half-open") expect(open.filter(({ trial }) => trial).length).toBeLessThanOrEqual(1);
      }
      for (const { end } of open) end("nothing");
      now += 300_000;
      breaker.begin()?.("alive");
      expect(breaker.state()).toBe("closed");
      expect(breaker.begin()).not.toBeNull();
    }),
  );
});
