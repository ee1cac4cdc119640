/** Where the daemon of a workspace is reached, and with which key: told in `daemon.json` in the workspace's data folder, for the user alone. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";

const endpointSchema = z.object({
  pid: z.number().int(),
  version: z.string(),
  protocol: z.number().int(),
  /** Of the socket or the pipe. */
  path: z.string(),
  key: z.string(),
  started_at: z.string(),
});
export type Endpoint = Readonly<z.infer<typeof endpointSchema>>;

export const ENDPOINT_FILE = "daemon.json";

/** Null when there is none, or none that can be read. It may be of a daemon that died. */
export function readEndpoint(dataDir: string): Endpoint | null {
  try {
    return endpointSchema.parse(JSON.parse(readFileSync(join(dataDir, ENDPOINT_FILE), "utf8")));
  } catch {
    return null;
  }
}
