/**
 * The installation's key: one Ed25519 pair in the user's data folder, made once, never replaced by itself. The private half never leaves
 * its file (`0600`); the public half lies beside it and may be copied to where nobody who can write here can write.
 */
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  hkdfSync,
  sign,
  timingSafeEqual,
  verify,
} from "node:crypto";
import type { KeyObject } from "node:crypto";
import { closeSync, existsSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BosunError } from "../../shared/errors.ts";

export interface PublicKey {
  /** `ed25519:` and 32 hex digits of the SHA-256 of the key (SPKI, DER). */
  readonly fingerprint: string;
  /** SPKI. */
  readonly pem: string;
  verifies(text: string, signature: Uint8Array): boolean;
}

export interface SigningKey {
  readonly public: PublicKey;
  /** 64 bytes, that whoever has the public key can check. */
  sign(text: string): Buffer;
  /** 32 bytes, that only who has the private key can check: HMAC-SHA256 with a key that is derived from it. */
  seal(text: string): Buffer;
  isSealed(text: string, seal: Uint8Array): boolean;
}

const PRIVATE = "signing-key.pem";
const PUBLIC = "signing-key.pub.pem";

/**
 * The key of this data folder; made when there has never been one.
 * @param signedBefore a journal that was signed already, null when there is none: without its key nothing can be added to it
 * @throws BosunError conflict when the private key is gone, internal when it cannot be read
 */
export function openSigningKey(folder: string, signedBefore: () => string | null): SigningKey {
  const file = join(folder, PRIVATE);
  if (!existsSync(file)) {
    refuseMissing(folder, signedBefore());
    makeKey(folder);
  }
  const key = readPrivate(file);
  if (!refuseForeign(folder, key.public.fingerprint)) writeWhole(join(folder, PUBLIC), key.public.pem, 0o600);
  return key;
}

function refuseMissing(folder: string, journal: string | null): void {
  const missing = `the signing key ${join(folder, PRIVATE)} is missing`;
  if (journal !== null)
    throw lost(`${missing}, and ${journal} is signed with it: put it back, or move that journal away to begin a new one`);
  if (existsSync(join(folder, PUBLIC)))
    throw lost(`${missing} although its public half is there: put it back, or remove ${PUBLIC} too to go on with a new key`);
}

/** Is the public half there? */
function refuseForeign(folder: string, fingerprint: string): boolean {
  const known = readPublicKey(folder);
  if (known !== null && known.fingerprint !== fingerprint)
    throw lost(
      `${join(folder, PRIVATE)} (${fingerprint}) does not belong to ${PUBLIC} beside it (${known.fingerprint}): put the right one back`,
    );
  return known !== null;
}

/**
 * Looks at what {@link openSigningKey} would find, and makes nothing.
 * @param signed the journal that was signed already, null when there is none
 * @returns the key's fingerprint, null when there has never been one
 * @throws BosunError as {@link openSigningKey}, conflict also when the journal was signed with another key
 */
export function lookAtSigningKey(folder: string, signed: { readonly file: string; readonly key: string } | null): string | null {
  const file = join(folder, PRIVATE);
  if (!existsSync(file)) {
    refuseMissing(folder, signed?.file ?? null);
    return null;
  }
  const { fingerprint } = readPrivate(file).public;
  refuseForeign(folder, fingerprint);
  if (signed !== null && signed.key !== fingerprint)
    throw lost(
      `${file} (${fingerprint}) is not the key that ${signed.file} is signed with (${signed.key}): put the right one back, or move that journal away to begin a new one`,
    );
  return fingerprint;
}

/** The key for signing an export, null when there is none. @throws BosunError internal when it cannot be read */
export function readSigningKey(folder: string): SigningKey | null {
  const file = join(folder, PRIVATE);
  return existsSync(file) ? readPrivate(file) : null;
}

/** What signatures of this installation are checked with, null when there is no key yet. @throws BosunError internal when it cannot be read */
export function readPublicKey(folder: string): PublicKey | null {
  const file = join(folder, PUBLIC);
  if (!existsSync(file)) return null;
  return unreadable(file, () => publicKeyOf(createPublicKey(readFileSync(file))));
}

/** @throws BosunError invalid_input when the text is not an Ed25519 public key */
export function parsePublicKey(pem: string): PublicKey {
  try {
    if (pem.includes("PRIVATE")) throw new Error("it is a private key");
    return publicKeyOf(createPublicKey(pem));
  } catch (cause) {
    throw new BosunError("invalid_input", `the key is not a public Ed25519 key in PEM: ${(cause as Error).message}`, { cause });
  }
}

function publicKeyOf(key: KeyObject): PublicKey {
  if (key.asymmetricKeyType !== "ed25519") throw new Error(`it is ${key.asymmetricKeyType ?? "another kind of key"}, not ed25519`);
  const digest = createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest("hex");
  return {
    fingerprint: `ed25519:${digest.slice(0, 32)}`,
    pem: key.export({ type: "spki", format: "pem" }).toString(),
    verifies: (text, signature) => verify(null, Buffer.from(text), key, signature),
  };
}

function readPrivate(file: string): SigningKey {
  return unreadable(file, () => {
    const key = createPrivateKey(readFileSync(file));
    const publicKey = publicKeyOf(createPublicKey(key));
    const sealKey = sealKeyOf(key);
    const seal = (text: string): Buffer => createHmac("sha256", sealKey).update(text).digest();
    return {
      public: publicKey,
      sign: (text) => sign(null, Buffer.from(text), key),
      seal,
      isSealed: (text, given) => {
        const own = seal(text);
        return given.length === own.length && timingSafeEqual(own, given);
      },
    };
  });
}

/** HKDF-SHA256 (RFC 5869) of the 32 bytes that an Ed25519 key is made of: the PEM and DER around them may be written in more than one way. */
function sealKeyOf(key: KeyObject): KeyObject {
  const { d } = key.export({ format: "jwk" });
  if (d === undefined) throw new Error("it has no private half");
  return createSecretKey(Buffer.from(hkdfSync("sha256", Buffer.from(d, "base64url"), "", "bosun run-head seal 1", 32)));
}

function unreadable<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new BosunError("internal", `the signing key ${file} cannot be read (${(cause as Error).message}): put it back as it was`, {
      cause,
    });
  }
}

/** Two processes may come here at once: the first name that stands is the key of both. */
function makeKey(folder: string): void {
  const { privateKey } = generateKeyPairSync("ed25519");
  const made = join(folder, `${PRIVATE}.${process.pid}`);
  writeDown(made, privateKey.export({ type: "pkcs8", format: "pem" }).toString(), 0o600);
  try {
    linkSync(made, join(folder, PRIVATE));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Some file systems have no links; there the last of two at once would win, and the other would see it at its next start.
    if (code !== "EEXIST") renameSync(made, join(folder, PRIVATE));
  } finally {
    rmSync(made, { force: true });
  }
}

function writeWhole(file: string, text: string, mode: number): void {
  const made = `${file}.${process.pid}`;
  writeDown(made, text, mode);
  renameSync(made, file);
}

function writeDown(file: string, text: string, mode: number): void {
  const opened = openSync(file, "w", mode);
  try {
    writeFileSync(opened, text);
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

function lost(message: string): BosunError {
  return new BosunError("conflict", message, { retryable: false });
}
