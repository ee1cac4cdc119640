/**
 * Checks a journal against its hash chains, its signed log, the sealed heads of unfinished runs and its payloads. Pure: rows and keys in, a
 * report out, in memory of one run. It proves that nothing was changed, dropped, reordered or added by anyone without the key; not that an
 * older copy of everything was not put back.
 */
import type { BadPlace, JournalVerdict } from "../../shared/journal-verdict.ts";
import { GENESIS } from "./chain-hash.ts";
import type { ChainedRows } from "./chained-rows.ts";
import { logHash, tipText } from "./log-format.ts";
import type { LogData, LogRow } from "./log-format.ts";
import { walkPayloads } from "./payload-refs.ts";
import { BadRow, RunChain } from "./run-chain.ts";
import { proofOfHead } from "./run-head.ts";
import type { SealKey } from "./run-head.ts";
import type { PublicKey } from "./signing-key.ts";

/** Payloads that were found whole are not read again for other runs; above this number the memory of them is dropped. */
const REMEMBERED = 200_000;

export interface VerifyOptions {
  /** Null when this installation has none yet; then only an unsigned journal is in order. */
  readonly key: PublicKey | null;
  /**
   * The private key that is at hand, null when there is none; asked for once, when a seal is met. Where it does not belong to `key`, or is
   * left out, what is sealed is `unproven`.
   */
  readonly seals?: () => SealKey | null;
  /** Only this run, and the log as a whole. */
  readonly run_id?: string;
}

export function verifyRows(rows: ChainedRows, options: VerifyOptions): JournalVerdict {
  return new Verification(rows, options).run(options.run_id ?? null);
}

class Verification {
  readonly #rows: ChainedRows;
  readonly #key: PublicKey | null;
  readonly #seals: () => SealKey | null;
  readonly #known = new Set<string>();
  #runs = 0;
  #events = 0;
  #payloads = 0;
  #removed = 0;
  readonly #lost = new Set<string>();
  #adopted = 0;
  readonly #unproven: string[] = [];
  /** Null when there is no signed log. */
  #signer: PublicKey | null = null;

  constructor(rows: ChainedRows, { key, seals = () => null }: VerifyOptions) {
    this.#rows = rows;
    this.#key = key;
    let sealKey: SealKey | null | undefined;
    this.#seals = () => (sealKey === undefined ? (sealKey = seals()) : sealKey);
  }

  run(runId: string | null): JournalVerdict {
    let bad: BadPlace | undefined;
    try {
      this.#signer = this.#checkTip();
      this.#checkLog();
      if (runId === null) this.#checkAll();
      else this.#checkOne(runId);
    } catch (error) {
      if (!(error instanceof BadRow)) throw error;
      bad = error.place;
    }
    return {
      ok: bad === undefined && this.#unproven.length === 0,
      runs: this.#runs,
      events: this.#events,
      payloads: this.#payloads,
      payloads_removed: this.#removed,
      payloads_lost: this.#lost.size,
      unsigned: this.#signer === null,
      adopted: this.#adopted,
      unproven: this.#unproven,
      ...(bad === undefined ? {} : { bad }),
    };
  }

  #checkAll(): void {
    const damage = this.#rows.damage();
    if (damage !== null) throw badLog(`SQLite finds the file damaged: ${damage}`);
    for (const { run, run_id: runId } of this.#rows.runs()) this.#checkRun(run, runId);
    const strays = this.#rows.strays();
    if (strays > 0) throw badLog(`there are ${strays} events of runs that are not there`);
  }

  #checkOne(runId: string): void {
    const run = this.#rows.run(runId);
    // Its removal is in the log, which is sound; that the log knows its start and no removal was found with the log.
    if (run === null && this.#rows.logOf(runId).some((entry) => entry.kind === "run-removed")) return;
    if (run === null) throw new BadRow({ run_id: runId, seq: null, message: "there is no such run" });
    this.#checkRun(run, runId);
  }

  /** Who signed the log, null when there is none. */
  #checkTip(): PublicKey | null {
    const tip = this.#rows.tip();
    if (tip === null) {
      for (const _ of this.#rows.log()) throw badLog("the signature of the log is missing");
      if (this.#key !== null)
        throw badLog(
          "the journal is not signed although there is a key: it is older than its signed log, which the next run begins, or its log was removed",
        );
      return null;
    }
    if (this.#key === null) throw badLog(`the journal is signed with ${tip.key}, whose public half is missing: put it back or give it`);
    if (tip.key !== this.#key.fingerprint) throw badLog(`the journal is signed with ${tip.key}, not with ${this.#key.fingerprint}`);
    if (!this.#key.verifies(tipText(tip), tip.signature)) throw badLog("the signature of the log does not hold");
    return this.#key;
  }

  #checkLog(): void {
    const tip = this.#rows.tip();
    let [position, hash] = [0, GENESIS];
    for (const entry of this.#rows.log()) {
      position += 1;
      if (entry.position !== position) throw badLog(`entry ${position} of the log is missing`);
      hash = logHash(hash, entry);
      if (!hash.equals(entry.hash))
        throw badLog(`entry ${position} of the log is not what was written: its hash does not fit`, entry.run_id);
      this.#checkEntry(entry);
    }
    if (tip === null) return;
    if (position < tip.count) throw badLog(`the log ends after ${position} of ${tip.count} entries: the rest was cut off`);
    if (position > tip.count || !hash.equals(tip.hash)) throw badLog("the log does not end where it was signed");
  }

  #checkEntry(entry: LogRow): void {
    if (entry.kind === "journal-opened") this.#adopted += dataOf(entry).adopted ?? 0;
    if (entry.kind !== "run-started" || entry.run_id === null) return;
    const { run_id: runId } = entry;
    if (this.#rows.run(runId) === null && !this.#rows.logOf(runId).some((each) => each.kind === "run-removed"))
      throw new BadRow({ run_id: runId, seq: null, message: "the run is missing although the log has its start and no removal" });
  }

  #checkRun(run: number, runId: string): void {
    const chain = new RunChain(runId);
    const entries = this.#rows.logOf(runId);
    const removals = entries.filter((entry) => entry.kind === "payload-removed").map(dataOf);
    const forgotten = removals.filter((removal) => removal.lost !== true);
    const mayBeLost = removals.reduce((sum, { lost, payloads = 0 }) => (lost === true ? sum + payloads : sum), 0);
    let missing = 0;
    for (const removal of forgotten) this.#removed += removal.payloads ?? 0;
    const seen = new Set<string>();
    const known = this.#known;
    const read = new Set<string>();
    const visited = { has: (key: string) => known.has(key) || seen.has(key), add: (key: string) => seen.add(key) };
    for (const row of this.#rows.events(run)) {
      const { event, refs } = chain.take(row);
      this.#events += 1;
      if (event.kind === "run-started") for (const origin of Object.values(event.data)) this.#checkOrigin(chain, origin);
      for (const found of walkPayloads(refs, (hash) => this.#rows.payload(hash), visited)) {
        if (read.has(found.hash)) continue;
        read.add(found.hash);
        if (found.body !== null) this.#payloads += 1;
        else if (forgotten.length === 0) {
          missing += 1;
          if (missing > mayBeLost) throw chain.bad(`payload ${found.hash.slice(0, 12)} is missing, and the log has no removal of it`);
          this.#lost.add(found.hash);
        }
        chain.checkPayload(found, chain.seq);
      }
    }
    this.#runs += 1;
    if (chain.seq === 0) throw chain.bad("the run has no events", null);
    if (this.#signer !== null) this.#checkEnd(run, { chain, entries, signer: this.#signer });
    if (removals.length > 0) return;
    if (known.size > REMEMBERED) known.clear();
    for (const key of seen) known.add(key);
  }

  #checkEnd(run: number, { chain, entries, signer }: { chain: RunChain; entries: readonly LogRow[]; signer: PublicKey }): void {
    if (!entries.some((entry) => entry.kind === "run-started")) throw chain.bad("the log does not know the run", null);
    if (entries.some((entry) => entry.kind === "run-removed")) throw chain.bad("the log has the run's removal, and yet it is there", null);
    const ended = entries.findLast((entry) => entry.kind === "run-ended");
    if (ended !== undefined) {
      const { seq = 0, head = "" } = dataOf(ended);
      return checkHead(chain, { seq, head });
    }
    const head = this.#rows.head(run);
    if (head === null) throw chain.bad("the run has not ended, and its sealed head is missing", null);
    checkHead(chain, { seq: head.seq, head: head.hash.toString("hex") });
    const proof = proofOfHead(chain.runId, head, { public: signer, seals: this.#seals });
    if (proof === "broken") throw chain.bad("the seal of the run's head does not hold");
    if (proof === "unproven") this.#unproven.push(chain.runId);
  }

  /** A fork or revert names an event of the run that it comes from by its hash. */
  #checkOrigin(chain: RunChain, field: unknown): void {
    const { run_id: runId, seq, head } = (field ?? {}) as { run_id?: unknown; seq?: unknown; head?: unknown };
    if (typeof runId !== "string" || typeof seq !== "number" || typeof head !== "string") return;
    const run = this.#rows.run(runId);
    if (run !== null && this.#rows.eventHash(run, seq)?.toString("hex") !== head)
      throw chain.bad(`event ${seq} of ${runId} is not the one that the run came from`);
  }
}

/** @throws BadRow */
function checkHead(chain: RunChain, signed: { readonly seq: number; readonly head: string }): void {
  if (chain.seq < signed.seq) throw chain.bad(`the events end at ${chain.seq} of ${signed.seq}: the rest was cut off`, chain.seq + 1);
  if (chain.seq > signed.seq) throw chain.bad("events follow that Bosun did not write", signed.seq + 1);
  if (chain.hash.toString("hex") !== signed.head)
    throw chain.bad("the events were written anew: the last one's hash is not the signed one");
}

function badLog(message: string, runId: string | null = null): BadRow {
  return new BadRow({ run_id: runId, seq: null, message });
}

function dataOf(entry: LogRow): LogData {
  try {
    return JSON.parse(entry.data) as LogData;
  } catch {
    throw badLog(`entry ${entry.position} of the log is not JSON`, entry.run_id);
  }
}
