/** Checks a run that was exported, with nothing but the lines of its file. */
import { exportHeader, exportLine, exportText, headerText, lineText } from "./export-format.ts";
import type { ExportHeader, ExportLine } from "./export-format.ts";
import { refKey, refsOfBody } from "./payload-refs.ts";
import type { PayloadRef, ReadAs } from "./payload-refs.ts";
import { BadRow, RunChain } from "./run-chain.ts";
import type { BadPlace } from "../../shared/journal-verdict.ts";
import { parsePublicKey } from "./signing-key.ts";
import type { PublicKey } from "./signing-key.ts";

export interface ExportVerdict {
  readonly ok: boolean;
  /** False when nothing in the file says that it is one: then nothing was checked. */
  readonly is_export: boolean;
  readonly run_id: string | null;
  readonly events: number;
  readonly payloads: number;
  readonly left_out: number;
  readonly redacted: boolean;
  /** Who signed it, null when nobody did. The key is the file's own word: only a fingerprint that is known from elsewhere says whose it is. */
  readonly key: string | null;
  readonly bad?: BadPlace;
}

/** @param expected who must have signed it; null for anyone or nobody */
export async function verifyExport(lines: AsyncIterable<string> | Iterable<string>, expected: PublicKey | null): Promise<ExportVerdict> {
  const check = new ExportCheck(expected);
  let bad: BadPlace | undefined;
  try {
    for await (const line of lines) check.take(line);
    check.end();
  } catch (error) {
    if (!(error instanceof BadRow)) throw error;
    bad = error.place;
  }
  return { ok: bad === undefined, ...check.found(), ...(bad === undefined ? {} : { bad }) };
}

const STRUCTURED = ["json", "files", "chain"] as const satisfies readonly ReadAs[];

class ExportCheck {
  readonly #expected: PublicKey | null;
  #header: ExportHeader | null = null;
  #chain = new RunChain("");
  #key: string | null = null;
  #isExport = false;
  #payloads = 0;
  #line = 0;
  /** Named so far and not come yet, with how they are to be read. */
  readonly #open = new Map<string, Set<ReadAs>>();
  /** What came, with what it names, by how it may be read: something later may read it in another way. */
  readonly #come = new Map<string, readonly (readonly [ReadAs, readonly PayloadRef[]])[]>();
  readonly #read = new Set<string>();

  constructor(expected: PublicKey | null) {
    this.#expected = expected;
  }

  found(): Omit<ExportVerdict, "ok" | "bad"> {
    const { run_id = null, redacted = false } = this.#header ?? {};
    return {
      is_export: this.#isExport,
      run_id,
      events: this.#chain.seq,
      payloads: this.#payloads,
      left_out: this.#open.size,
      redacted,
      key: this.#key,
    };
  }

  /** @throws BadRow */
  take(text: string): void {
    this.#line += 1;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw this.#chain.bad(`line ${this.#line} is not JSON`, null);
    }
    if (this.#header === null) return this.#takeHeader(value, text);
    const line = exportLine.safeParse(value);
    if (!line.success) throw this.#chain.bad(`line ${this.#line} is neither an event nor a payload`, null);
    if (lineText(line.data) !== text) throw this.#chain.bad(`line ${this.#line} is not written as Bosun writes it`, null);
    if ("event" in line.data) this.#takeEvent(line.data.event);
    else this.#takePayload(line.data);
  }

  #takeHeader(value: unknown, text: string): void {
    this.#isExport = value !== null && typeof value === "object" && "bosun_export" in value;
    const parsed = exportHeader.safeParse(value);
    if (!parsed.success)
      throw this.#chain.bad("this is not a run that Bosun exported: its first line is not the header that is known here", null);
    const header = parsed.data;
    this.#header = header;
    this.#chain = new RunChain(header.run_id);
    const signer = header.key === null ? null : keyOf(header.key);
    if (signer === "bad") throw this.#chain.bad("the header's key is not a public Ed25519 key", null);
    const key = signer?.fingerprint ?? null;
    if (this.#expected !== null && key !== this.#expected.fingerprint)
      throw this.#chain.bad(`it is signed by ${key ?? "nobody"}, not by ${this.#expected.fingerprint}`, null);
    const signature = Buffer.from(header.signature ?? "", "base64");
    if (
      signer === null
        ? header.signature !== null
        : signer.pem !== header.key || signature.toString("base64") !== header.signature || headerText(header) !== text
    )
      throw this.#chain.bad("the header is not written as Bosun writes it", null);
    if (signer !== null && !signer.verifies(exportText(header), signature))
      throw this.#chain.bad("the signature of the header does not hold", null);
    // Before that it is anybody's word.
    this.#key = key;
  }

  #takeEvent(event: Extract<ExportLine, { event: unknown }>["event"]): void {
    if (this.#come.size > 0) throw this.#chain.bad(`line ${this.#line}: an event comes after a payload`);
    const { refs } = this.#chain.take({ ...event, hash: Buffer.from(event.hash, "hex") });
    this.#expect(refs);
  }

  #takePayload(line: Extract<ExportLine, { payload: string }>): void {
    const { payload: hash } = line;
    const readAs = this.#open.get(hash);
    if (readAs === undefined) throw this.#chain.bad(`payload ${hash.slice(0, 12)} is named by nothing before it`, null);
    const body = line.base64 === undefined ? Buffer.from(line.text ?? "") : Buffer.from(line.base64, "base64");
    // One way to write it: what Base64 leaves open is filled in as it was, too.
    if (line.base64 !== undefined && (line.text !== undefined || body.toString("base64") !== line.base64))
      throw this.#chain.bad(`payload ${hash.slice(0, 12)} is not written as Bosun writes it`, null);
    this.#chain.checkPayload({ hash, body }, null);
    this.#payloads += 1;
    this.#open.delete(hash);
    const ways = STRUCTURED.map((as) => [as, refsOfBody(as, body)] as const);
    this.#come.set(
      hash,
      ways.filter(([, refs]) => refs.length > 0),
    );
    this.#expect([...readAs].map((as) => ({ hash, as })));
  }

  #expect(named: readonly PayloadRef[]): void {
    const queue = [...named];
    for (const ref of queue) {
      const come = this.#come.get(ref.hash);
      if (come === undefined) {
        this.#open.set(ref.hash, (this.#open.get(ref.hash) ?? new Set()).add(ref.as));
      } else if (!this.#read.has(refKey(ref))) {
        this.#read.add(refKey(ref));
        // Growing it while it is gone through goes through all of it.
        queue.push(...(come.find(([as]) => as === ref.as)?.[1] ?? []));
      }
    }
  }

  /** @throws BadRow when something was cut off */
  end(): void {
    const header = this.#header;
    if (header === null) throw this.#chain.bad("the file is empty", null);
    if (this.#chain.seq !== header.seq)
      throw this.#chain.bad(`the events end at ${this.#chain.seq} of ${header.seq}`, Math.min(this.#chain.seq, header.seq) + 1);
    if (this.#chain.hash.toString("hex") !== header.head)
      throw this.#chain.bad("the events were written anew: the last one's hash is not the signed one");
    if (this.#payloads !== header.payloads || this.#open.size !== header.left_out)
      throw this.#chain.bad(
        `there are ${this.#payloads} payloads and ${this.#open.size} left out; the header says ${header.payloads} and ${header.left_out}`,
        null,
      );
  }
}

function keyOf(pem: string): PublicKey | "bad" {
  try {
    return parsePublicKey(pem);
  } catch {
    return "bad";
  }
}
