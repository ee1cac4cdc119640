/** All commands, put together. */
import { Command } from "commander";
import type { CliContext } from "./command.ts";
import { answerCommand } from "./commands/answer.ts";
import { approvalsCommand } from "./commands/approvals.ts";
import { approveCommand } from "./commands/approve.ts";
import { auditCommand } from "./commands/audit.ts";
import { cancelCommand } from "./commands/cancel.ts";
import { compareCommand } from "./commands/compare.ts";
import { demoCommand } from "./commands/demo.ts";
import { forkCommand } from "./commands/fork.ts";
import { installCommand } from "./commands/install.ts";
import { mcpCommand } from "./commands/mcp.ts";
import { pauseCommand } from "./commands/pause.ts";
import { exportCommand } from "./commands/export.ts";
import { forgetCommand } from "./commands/forget.ts";
import { daemonCommand } from "./commands/daemon.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { gcCommand } from "./commands/gc.ts";
import { planCommand } from "./commands/plan.ts";
import { policyCommand } from "./commands/policy.ts";
import { rebuildCommand } from "./commands/rebuild.ts";
import { rejectCommand } from "./commands/reject.ts";
import { replayCommand } from "./commands/replay.ts";
import { resumeCommand } from "./commands/resume.ts";
import { revertCommand } from "./commands/revert.ts";
import { runCommand } from "./commands/run.ts";
import { runsCommand } from "./commands/runs.ts";
import { serveCommand } from "./commands/serve.ts";
import { settleCommand } from "./commands/settle.ts";
import { routeCommand } from "./commands/route.ts";
import { showCommand } from "./commands/show.ts";
import { tellCommand } from "./commands/tell.ts";
import { traceCommand } from "./commands/trace.ts";
import { uiCommand } from "./commands/ui.ts";
import { usageCommand } from "./commands/usage.ts";
import { verifyCommand } from "./commands/verify.ts";
import { workersCommand } from "./commands/workers.ts";

const EXAMPLES = ['run "why does the login test fail?"', "runs", "trace run_4f2a", "approvals"];
const CODES = "Exit codes: 0 done, 1 failed, 2 wrong use, 3 waits for a person, 4 budget exhausted, 130 cancelled.";

export function createProgram(context: CliContext): Command {
  const program = new Command("bosun")
    .description("A supervised crew of agents: it plans, works side by side, and writes nothing before you have seen the diff.")
    .version(context.io.version, "-V, --version")
    .option("--in-process", "use no daemon: do everything in this process")
    .addHelpText("after", `\nExamples:\n${EXAMPLES.map((example) => `  $ bosun ${example}`).join("\n")}\n\n${CODES}`);
  const visible = [
    runCommand,
    planCommand,
    routeCommand,
    workersCommand,
    runsCommand,
    showCommand,
    traceCommand,
    compareCommand,
    usageCommand,
    pauseCommand,
    resumeCommand,
    tellCommand,
    cancelCommand,
    forkCommand,
    replayCommand,
    verifyCommand,
    exportCommand,
    forgetCommand,
    revertCommand,
    approvalsCommand,
    approveCommand,
    rejectCommand,
    policyCommand,
    auditCommand,
    answerCommand,
    settleCommand,
    mcpCommand,
    serveCommand,
    uiCommand,
    installCommand,
    daemonCommand,
    doctorCommand,
    gcCommand,
    rebuildCommand,
  ];
  for (const make of visible) program.addCommand(make(context));
  return program.addCommand(demoCommand(context), { hidden: true });
}
