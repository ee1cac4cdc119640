/** The key that the journal is signed with: without the right one no run can begin. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { lookAtSigningKey } from "../journal/signing-key.ts";
import type { Finding, Probe } from "./examine.ts";

export interface KeyParts {
  readonly platform: NodeJS.Platform;
  /** Bosun's data of this user, where the key lies. */
  readonly home: string;
  /** The workspace's journal and the fingerprint that it is signed with; null when it is not, or cannot be read. */
  readonly signed: () => { readonly file: string; readonly key: string } | null;
}

export function keyProbe({ platform, home, signed }: KeyParts): Probe {
  const look = (): Finding => {
    const fingerprint = lookAtSigningKey(home, signed());
    if (fingerprint === null) return "none yet: the first run makes it";
    const file = join(home, "signing-key.pem");
    const mode = statSync(file).mode & 0o777;
    if (platform !== "win32" && (mode & 0o077) !== 0)
      return { bad: `${file} is open to others (mode ${mode.toString(8)}): \`chmod 600 ${file}\`` };
    return fingerprint;
  };
  return { name: "signing key", look };
}
