/** The key that the journal is signed with: without the right one no run can begin. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { lookAtSigningKey } from "../journal/signing-key.ts";
import { openRows } from "../journal/sqlite-rows.ts";
import type { Finding, Probe } from "./examine.ts";

export interface KeyParts {
  readonly platform: NodeJS.Platform;
  /** Bosun's data of this user, where the key lies. */
  readonly home: string;
  /** The workspace's part of it. */
  readonly dataDir: string;
}

export function keyProbe({ platform, home, dataDir }: KeyParts): Probe {
  const look = (): Finding => {
    const fingerprint = lookAtSigningKey(home, signedJournal(join(dataDir, "journal.db")));
    if (fingerprint === null) return "none yet: the first run makes it";
    const file = join(home, "signing-key.pem");
    const mode = statSync(file).mode & 0o777;
    if (platform !== "win32" && (mode & 0o077) !== 0)
      return { bad: `${file} is open to others (mode ${mode.toString(8)}): \`chmod 600 ${file}\`` };
    return fingerprint;
  };
  return { name: "signing key", look };
}

/** What cannot be read is told of where the journal is looked at. */
function signedJournal(file: string): { readonly file: string; readonly key: string } | null {
  try {
    const opened = existsSync(file) ? openRows(file) : null;
    try {
      const tip = opened?.rows.tip() ?? null;
      return tip === null ? null : { file, key: tip.key };
    } finally {
      opened?.close();
    }
  } catch {
    return null;
  }
}
