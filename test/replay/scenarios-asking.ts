/** Models that cannot be had, or whose answers do not do. */
import { BosunError } from "../../shared/errors.ts";
import type { ErrorCode } from "../../shared/errors.ts";
import { plan } from "../support/fake-crew.ts";
import { crew, reads, resume, stepOf } from "./scenario.ts";
import type { Scenarios } from "./scenario.ts";

const HELD: readonly ErrorCode[] = ["rate_limited", "timeout", "budget_exceeded"];

export const ASKING: Scenarios = {
  "held-for-each-reason": {
    world: {
      model: (request, call) => {
        const code = HELD[call - 1];
        if (code !== undefined) throw new BosunError(code, "not now");
        return request.purpose === "plan" ? plan(["a", "coder"]) : { content: "report" };
      },
    },
    act: resume,
  },
  "planner-refuses": {
    world: {
      model: () => {
        throw new BosunError("model_refused", "no");
      },
    },
  },
  "planner-never-usable": { world: crew({ plan: plan(["a", "wizard"]) }) },
  "worker-says-nothing": {
    // Each way of saying nothing, and of saying something after all.
    world: crew({
      plan: plan(["blank", "coder"], ["twice", "coder"], ["spaces", "coder"], ["no-calls", "coder"], ["silent-call", "coder"]),
      replan: (request) => ({ json: { ...(plan().json as object), keep: request.last.includes("silent-call") ? ["none"] : [] } }),
      work: (request) => {
        const [step, again] = [stepOf(request), request.last.startsWith("That answer cannot be used")];
        if (step === "blank") return { content: again ? "report after all" : "" };
        if (step === "twice") return { content: "" };
        if (step === "spaces") return { content: again ? "report after all" : " \n " };
        if (step === "no-calls") return again ? { content: "report after all" } : { content: "", tool_calls: [] };
        return request.turn === 1 ? reads("a") : { content: "report" };
      },
      synthesise: { content: "all" },
    }),
  },
  "worker-refuses": {
    world: {
      model: (request) => {
        if (request.purpose === "work") throw new BosunError("model_refused", "I will not");
        return plan(["a", "coder"]);
      },
    },
    input: { worker: "coder" },
  },
};
