import type { Command } from "commander";
import { type CliContext, command, withService } from "../command.ts";
import { printJson, printLines } from "../print.ts";
import { piece } from "../render/line.ts";
import { planLines } from "../render/plan-lines.ts";

interface PlanOptions {
  readonly model?: string;
  readonly json?: boolean;
}

export function planCommand(context: CliContext): Command {
  return command("plan <task>", "Say what would be done and what it would cost, without doing it. Costs one model call.", [
    'plan "add pagination to the list endpoint"',
    'plan "fix the build" --json',
  ])
    .option("--model <provider:model>", "use this model")
    .action(async (task: string, options: PlanOptions) => {
      const model = options.model === undefined ? {} : { model: options.model };
      await withService(context, model, async (service) => {
        await service.findModels();
        const { plan, estimate, confidence, complexity } = await service.plan({ task, ...model });
        if (options.json === true) printJson(context.io, { plan, estimate });
        else
          printLines(context.io, [
            ...planLines({ steps: plan.steps, estimate }),
            [piece(`confidence ${confidence ?? "unknown"} · complexity ${complexity ?? "unknown"}`, "dim")],
          ]);
        return 0;
      });
    });
}
