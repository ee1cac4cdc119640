/** Commands that a person may copy, as they are called here: from a clone by npm, else by name. */
import type { CliIo } from "./io.ts";

type Surroundings = Pick<CliIo, "env" | "cwd" | "packageRoot">;

/** `bosun`, or what stands for it when npm started us from a clone. */
export function bosunHere(io: Surroundings): string {
  const { npm_config_user_agent: agent, npm_lifecycle_event: script, npm_package_name: name = "bosun" } = io.env;
  if (agent === undefined || name !== "bosun" || (script !== "bosun" && script !== "start")) return "bosun";
  return io.cwd === io.packageRoot ? "npm run --silent bosun --" : bosunAnywhere(io);
}

/** The same from any folder. */
export function bosunAnywhere({ packageRoot }: Pick<Surroundings, "packageRoot">): string {
  const folder = /^[\w./\\:-]+$/u.test(packageRoot) ? packageRoot : JSON.stringify(packageRoot);
  return `npm --prefix ${folder} run --silent bosun --`;
}

/** Our own text with the commands in its `backticks` as they are called here. */
export function commandsHere(io: Surroundings, text: string): string {
  return text.replaceAll(/`bosun(?= [a-z<-])/gu, `\`${bosunHere(io)}`);
}
