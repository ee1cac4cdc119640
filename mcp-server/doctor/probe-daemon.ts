/** The daemon of the workspace, as its file tells of it: what answers is for `bosun daemon status` to say. */
import type { Endpoint } from "../../client/endpoint.ts";
import type { Finding, Probe } from "./examine.ts";

export interface DaemonProbeParts {
  readonly endpoint: Endpoint | null;
  readonly isAlive: (pid: number) => boolean;
}

export function daemonProbe({ endpoint, isAlive }: DaemonProbeParts): Probe {
  const look = (): Finding => {
    if (endpoint === null) return "none runs; `bosun daemon start` or an MCP client starts one";
    if (isAlive(endpoint.pid)) return `pid ${endpoint.pid}, version ${endpoint.version}, since ${endpoint.started_at}`;
    return `none runs: pid ${endpoint.pid} was killed; the next one takes its runs up`;
  };
  return { name: "daemon", look };
}
