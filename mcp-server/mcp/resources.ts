/** What a client can read, by address. Nothing in it decides anything: no digest, no key. */
import { type McpServer, type ReadResourceResult, ResourceNotFoundError, ResourceTemplate } from "@modelcontextprotocol/server";
import { BosunError, isBosunError } from "../../shared/errors.ts";
import type { RunEvent } from "../../shared/events.ts";
import type { Check, Service } from "../service.ts";

const JSON_TYPE = "application/json";
const MAX_COMPLETIONS = 50;
const LISTED_RUNS = 50;

export interface ResourceParts {
  readonly service: Service;
  readonly version: string;
  /** How settings, workers, models and the daemon fare, as the doctor sees it. */
  readonly checks: () => readonly Check[];
}

export function registerResources(server: McpServer, { service, version, checks }: ResourceParts): void {
  const fixed = (name: string, uri: string, description: string, read: () => object): void =>
    void server.registerResource(name, uri, { description, mimeType: JSON_TYPE }, (url) => json(url, read()));
  fixed("workers", "bosun://workers", "The workers there are, and what is wrong with worker files that are not used.", () =>
    service.workers(),
  );
  fixed("runs", "bosun://runs", "Runs of this workspace, newest first.", () => ({ runs: service.listRuns({ limit: LISTED_RUNS }) }));
  fixed("approvals", "bosun://approvals", "What a person is asked to approve, and how they decide it.", () => ({
    approvals: service.listApprovals(),
  }));
  fixed("status", "bosun://status", "Whether all is well: store, models, workers, daemon; notices, what broke.", () => ({
    version,
    owned: service.owned,
    broken: service.broken,
    notices: service.notices,
    workers: service.workers().workers.length,
    live_runs: service.listRuns({ status: "running", limit: 1_000 }).length,
    open_approvals: service.listApprovals().length,
    checks: checks(),
  }));

  const runIds = (value: string): string[] =>
    begunWith(
      service.listRuns({ limit: 200 }).map(({ run_id }) => run_id),
      value,
    );
  const workerNames = (value: string): string[] =>
    begunWith(
      service.workers().workers.map(({ name }) => name),
      value,
    );
  const ofRun = (name: string, path: string, description: string, mimeType: string, read: (runId: string) => string): void =>
    void server.registerResource(
      name,
      new ResourceTemplate(`bosun://runs/{run_id}${path}`, { list: undefined, complete: { run_id: runIds } }),
      { description, mimeType },
      (url, { run_id }) => found(url, () => ({ contents: [{ uri: url.href, mimeType, text: read(service.findRun(one(run_id))) }] })),
    );
  ofRun("run", "", "A run.", JSON_TYPE, (id) => JSON.stringify(service.getRun(id)));
  ofRun("run-trace", "/trace", "A run's trace: supervisor, steps, turns, calls.", JSON_TYPE, (id) =>
    JSON.stringify(service.getRun(id, ["trace"]).trace),
  );
  ofRun("run-changes", "/changes", "What a run changed or wants to change, as a unified diff.", "text/x-diff", (id) =>
    (service.getRun(id, ["changes"]).changes ?? []).map(({ diff }) => diff).join("\n"),
  );
  server.registerResource(
    "worker",
    new ResourceTemplate("bosun://workers/{name}", { list: undefined, complete: { name: workerNames } }),
    { description: "One worker.", mimeType: JSON_TYPE },
    (url, { name }) =>
      found(url, () => {
        const worker = service.workers().workers.find((each) => each.name === one(name));
        if (worker === undefined) throw new BosunError("not_found", `there is no worker ${JSON.stringify(one(name))}`);
        return json(url, worker);
      }),
  );
  server.registerResource(
    "session",
    new ResourceTemplate("bosun://sessions/{session_id}", { list: undefined }),
    { description: "The runs of a session, newest first.", mimeType: JSON_TYPE },
    (url, { session_id }) => found(url, () => json(url, { runs: service.listRuns({ session_id: one(session_id), limit: 200 }) })),
  );
}

/** Addresses of what an event changed. */
export function changedBy(event: RunEvent): readonly string[] {
  const run = `bosun://runs/${event.run_id}`;
  switch (event.kind) {
    case "approval-requested":
    case "approval-voided":
    case "signal-received":
    case "wait-expired":
      return [run, `${run}/trace`, `${run}/changes`, "bosun://approvals", "bosun://runs"];
    case "run-started":
    case "run-ended":
    case "run-held":
    case "pause-requested":
    case "resume-requested":
    case "wait-started":
      return [run, `${run}/trace`, "bosun://runs", "bosun://approvals"];
    default:
      return [run, `${run}/trace`];
  }
}

function json(url: URL, value: object): ReadResourceResult {
  return { contents: [{ uri: url.href, mimeType: JSON_TYPE, text: JSON.stringify(value) }] };
}

/** An address that names nothing is the client's mistake, and told as the protocol has it. */
function found(url: URL, read: () => ReadResourceResult): ReadResourceResult {
  try {
    return read();
  } catch (error) {
    if (isBosunError(error) && (error.code === "not_found" || error.code === "invalid_input"))
      throw new ResourceNotFoundError(url.href, error.message);
    throw error;
  }
}

/** @throws BosunError invalid_input */
function one(value: string | string[] | undefined): string {
  const written = (Array.isArray(value) ? value[0] : value) ?? "";
  try {
    return decodeURIComponent(written);
  } catch (cause) {
    throw new BosunError("invalid_input", `${written} is not percent-encoded UTF-8`, { cause });
  }
}

export function begunWith(values: readonly string[], value: string): string[] {
  return values.filter((each) => each.startsWith(value)).slice(0, MAX_COMPLETIONS);
}
