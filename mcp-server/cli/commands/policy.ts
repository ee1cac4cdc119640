import type { Command } from "commander";
import { BosunError } from "../../../shared/errors.ts";
import type { PolicyCheck, PolicyReport, PolicyRuleView, PolicyVerdict } from "../../../shared/policy.ts";
import { askLine } from "../ask-line.ts";
import { type CliContext, command, withService } from "../command.ts";
import { escapeLine } from "../../../shared/visible-text.ts";
import { EXIT } from "../exit-code.ts";
import { canAsk } from "../io.ts";
import { printHint, printJson, printLines, printText } from "../print.ts";
import { type Line, piece, type Tone } from "../render/line.ts";

const TONES: Readonly<Record<PolicyVerdict["decide"], Tone>> = { allow: "good", ask: "wait", deny: "bad" };

export function policyCommand(context: CliContext): Command {
  return command("policy", "The rules about what is done without asking, asked about, or refused; the first that matches decides.", [
    "policy",
    `policy check write_file '{"path":"docs/a.md","content":""}' --worker writer`,
    "policy suggest",
    "policy accept rule_1a2b3c4d",
  ])
    .action(async () => {
      await withService(context, {}, (service) => {
        const report = service.policy();
        if (context.json) printJson(context.io, report);
        else printLines(context.io, reportLines(report));
        return 0;
      });
    })
    .addCommand(checkCommand(context))
    .addCommand(suggestCommand(context))
    .addCommand(changeCommand(context, "accept"))
    .addCommand(changeCommand(context, "revoke"));
}

function checkCommand(context: CliContext): Command {
  return command("check <tool> <arguments>", "Say which rule decides about such a call, why, and what would happen.", [
    `policy check read_file '{"path":"src/a.ts"}'`,
  ])
    .option("--worker <name>", "who calls", "coder")
    .action(async (tool: string, args: string, options: { readonly worker: string }) => {
      await withService(context, {}, (service) => {
        const check = service.checkPolicy({ tool, args, worker: options.worker });
        if (context.json) printJson(context.io, check);
        else printLines(context.io, checkLines(check));
        return 0;
      });
    });
}

function suggestCommand(context: CliContext): Command {
  return command("suggest", "Rules that follow from your decisions so far. None of them holds before you accept it.", [
    "policy suggest",
  ]).action(async () => {
    await withService(context, {}, (service) => {
      const suggestions = service.suggestRules();
      if (context.json) {
        printJson(context.io, { suggestions });
        return 0;
      }
      if (suggestions.length === 0) printText(context.io, "Nothing to suggest: no folder in which you always decided alike often enough.");
      for (const { id, rule, decide, why } of suggestions)
        printLines(context.io, [
          [piece(`${escapeLine(id, 40)}  `, "name"), piece(escapeLine(rule, 500), TONES[decide])],
          [piece(`  ${escapeLine(why, 500)}`, "dim")],
        ]);
      if (suggestions.length > 0) printHint(context.io, "`bosun policy accept <id>` puts one into your settings.");
      return 0;
    });
  });
}

/** Both change what is written without asking, so both need a person on a terminal. */
function changeCommand(context: CliContext, action: "accept" | "revoke"): Command {
  const summary =
    action === "accept"
      ? "Put a suggested rule into your own settings. Needs a terminal."
      : "Take a rule out of your own settings. Needs a terminal.";
  return command(`${action} <id>`, summary, [`policy ${action} rule_1a2b3c4d`]).action(async (id: string) => {
    const { io } = context;
    await withService(context, {}, async (service) => {
      const known =
        action === "accept"
          ? service.suggestRules().find((each) => each.id === id)
          : service.policy().rules.find((each) => each.id === id && each.source === "person");
      if (known === undefined)
        throw new BosunError(
          "not_found",
          action === "accept"
            ? `there is no suggestion ${JSON.stringify(id)}: \`bosun policy suggest\` lists them`
            : `no rule ${JSON.stringify(id)} stands in your own file: \`bosun policy\` lists them`,
        );
      await io.stdin.drain();
      if (!context.json) {
        printLines(io, [[piece(escapeLine(known.rule, 500), TONES[known.decide])]]);
        if (known.why !== null) printText(io, escapeLine(known.why, 500));
      }
      const question =
        action === "accept"
          ? "Put this rule into your settings? It counts in all your workspaces. [y/N] "
          : "Take this rule out of your settings? [y/N] ";
      const isAgreed = canAsk(io) && (await askLine(io, question))?.toLowerCase() === "y";
      if (!isAgreed) {
        printHint(io, canAsk(io) ? "Nothing was changed." : "Nothing was changed: a person decides this on a terminal.");
        return EXIT.waits;
      }
      const changed = action === "accept" ? service.acceptRule(id) : service.revokeRule(id);
      if (context.json) printJson(io, changed);
      else printHint(io, changedHint(action, changed));
      return 0;
    });
  });
}

function changedHint(action: "accept" | "revoke", { id, file }: PolicyRuleView): string {
  return action === "accept"
    ? `It stands in ${escapeLine(file, 500)} and counts from now on. \`bosun policy revoke ${escapeLine(id, 40)}\` takes it out again.`
    : `It is gone from ${escapeLine(file, 500)}.`;
}

function reportLines({ rules, warnings }: PolicyReport): readonly Line[] {
  const lines = rules.flatMap((rule): readonly Line[] => [
    [
      piece(`${escapeLine(rule.id, 40)}  `, "name"),
      piece(escapeLine(rule.rule, 500), TONES[rule.decide]),
      piece(`  ${escapeLine(rule.file, 500)} [${rule.index}]`, "dim"),
    ],
    ...(rule.why === null ? [] : [[piece(`  ${escapeLine(rule.why, 500)}`, "dim")]]),
  ]);
  return [
    ...(rules.length === 0 ? [[piece("There are no rules of your own.")]] : lines),
    [piece("else: reading is allowed, changes are asked about, all that is not known is refused", "dim")],
    ...warnings.map((warning): Line => [piece(escapeLine(warning, 500), "wait")]),
  ];
}

function checkLines({ call, changes, outcome }: PolicyCheck): readonly Line[] {
  return [
    ...verdictLines("call", call),
    ...changes.flatMap((change) => verdictLines(`change of ${change.path ?? ""}`, change)),
    [piece(escapeLine(outcome, 500), "strong")],
  ];
}

const WHOSE: Readonly<Record<PolicyVerdict["source"], string>> = {
  person: "your rule",
  workspace: "this workspace's rule",
  default: "no rule",
  protected: "no rule can change it",
};

function verdictLines(what: string, { decide, source, rule, why }: PolicyVerdict): readonly Line[] {
  return [
    [piece(`${escapeLine(what, 500)}: `), piece(decide, TONES[decide]), piece(`, ${WHOSE[source]}`, "dim")],
    ...(rule === null ? [] : [[piece(`  ${escapeLine(rule, 500)}`, "dim")]]),
    [piece(`  because ${escapeLine(why, 500)}`, "dim")],
  ];
}
