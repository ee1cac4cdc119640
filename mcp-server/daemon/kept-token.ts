/** The token of the workspace's HTTP server: made once, kept for the user alone, so that a client's configuration holds. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makePrivateFolder } from "../private-folder.ts";
import { newKey } from "./endpoint.ts";

/** @throws BosunError invalid_input when the data folder cannot be made */
export function keptToken(dataDir: string): { readonly token: string; readonly file: string } {
  makePrivateFolder(dataDir);
  const file = join(dataDir, "mcp-token");
  try {
    writeFileSync(file, newKey(), { mode: 0o600, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return { token: readFileSync(file, "utf8").trim(), file };
}
