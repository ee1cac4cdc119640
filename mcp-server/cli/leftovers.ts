/** Runs that an earlier process left unfinished: taken up by `run` and `resume`, which stay until they rest. */
import { toErrorValue } from "../../shared/errors.ts";
import type { RunView } from "../../shared/run-view.ts";
import type { Service } from "../service.ts";
import { EXIT } from "./exit-code.ts";
import type { CliIo } from "./io.ts";
import { printAside, printError } from "./print.ts";
import { commandsHere } from "./here.ts";

/**
 * Takes them up, and says so.
 * @param asked a run that was named: it is no leftover, and not among those that come back.
 */
export async function takeUpLeftovers(io: CliIo, service: Service, json: boolean, asked?: string): Promise<readonly string[]> {
  const ids = (await service.recover()).filter((id) => id !== asked);
  if (ids.length > 0) tell(io, json, `Taking up ${runs(ids)} that an earlier process left unfinished: ${ids.join(", ")}`);
  return ids;
}

/**
 * Goes on until the runs that were taken up end, wait for a person or pause; a signal leaves them to be resumed. They never change the
 * exit code of the command's own run.
 */
export async function stayWith(
  io: CliIo,
  service: Service,
  at: { readonly ids: readonly string[]; readonly exitCode: number; readonly json: boolean },
): Promise<number> {
  const ids = at.exitCode === EXIT.terminated ? [] : at.ids.filter((id) => isUnderWay(service.getRun(id)));
  if (ids.length === 0) return at.exitCode;
  tell(
    io,
    at.json,
    `Still at work on ${runs(ids)} that an earlier process left: ${ids.join(", ")}. Ctrl+C leaves ${them(ids)} to be resumed.`,
  );
  let leave: () => void = () => undefined;
  const left = new Promise<"left">((resolve) => {
    leave = () => resolve("left");
  });
  const offs = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((signal) => io.onSignal(signal, leave));
  try {
    const rested = Promise.all(
      ids.map(async (id) => {
        const { status } = await service.settled(id);
        tell(io, at.json, `Run ${id} is ${status}: \`bosun show ${id}\`.`);
      }),
    );
    if ((await Promise.race([rested, left])) === "left") {
      const open = ids.filter((id) => isUnderWay(service.getRun(id))).map((id) => `\`bosun resume ${id}\``);
      tell(io, at.json, `${io.stdout.isTTY ? "\n" : ""}Left: ${open.join(", ")} ${open.length === 1 ? "goes" : "go"} on.`);
    }
  } catch (error) {
    printError(io, toErrorValue(error), at.json);
  } finally {
    for (const off of offs) off();
  }
  return at.exitCode;
}

function isUnderWay({ status }: RunView): boolean {
  return status === "running" || status === "queued";
}

function runs(ids: readonly string[]): string {
  return ids.length === 1 ? "a run" : `${ids.length} runs`;
}

function them(ids: readonly string[]): string {
  return ids.length === 1 ? "it" : "them";
}

function tell(io: CliIo, json: boolean, text: string): void {
  if (!json) printAside(io, commandsHere(io, text));
}
