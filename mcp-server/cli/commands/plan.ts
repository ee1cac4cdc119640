import type { Command } from "commander";
import type { PlanView } from "../../../shared/run-view.ts";
import { type CliContext, command, withService } from "../command.ts";
import { escapeLine } from "../escape.ts";
import { printJson, printLines } from "../print.ts";
import { type Line, piece } from "../render/line.ts";

interface PlanOptions {
  readonly model?: string;
  readonly json?: boolean;
}

export function planCommand(context: CliContext): Command {
  return command("plan <task>", "Say what would be done, without doing it. Costs one model call.", [
    'plan "add pagination to the list endpoint"',
    'plan "fix the build" --json',
  ])
    .option("--model <provider:model>", "use this model")
    .action(async (task: string, options: PlanOptions) => {
      const model = options.model === undefined ? {} : { model: options.model };
      await withService(context, model, async (service) => {
        await service.findModels();
        const { plan, confidence, complexity } = await service.plan({ task, ...model });
        if (options.json === true) printJson(context.io, { plan });
        else
          printLines(context.io, [
            ...planLines(plan),
            [piece(`confidence ${confidence ?? "unknown"} · complexity ${complexity ?? "unknown"}`, "dim")],
          ]);
        return 0;
      });
    });
}

function planLines(plan: PlanView): readonly Line[] {
  return plan.steps.map((step, at): Line => {
    const after = step.depends_on.length === 0 ? "" : ` (after ${step.depends_on.map((id) => escapeLine(id, 80)).join(", ")})`;
    return [
      piece(`${at + 1}. `, "dim"),
      piece(escapeLine(step.id, 80), "strong"),
      piece(" › ", "dim"),
      piece(escapeLine(step.worker, 60), "name"),
      piece(after, "dim"),
      piece(`: ${escapeLine(step.goal, 1_000)}`),
    ];
  });
}
