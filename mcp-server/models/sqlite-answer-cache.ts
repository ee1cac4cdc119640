/** Kept answers in an SQLite file of their own: whatever is wrong with it, it is thrown away and begun anew. */
import { existsSync } from "node:fs";
import type { Database } from "better-sqlite3";
import { BosunError } from "../../shared/errors.ts";
import type { ModelRequest } from "../../shared/model.ts";
import { answerKey, cameBackTo, conversationKey, type AnswerCache, type CachedAnswer } from "./answer-cache.ts";
import { isUnsound, openCacheFile, removeCacheFile } from "./cache-file.ts";
import { isKeepable, readAnswer } from "./kept-answer.ts";

export interface AnswerCacheOptions {
  /** Made, for its owner alone, when something is kept for the first time; its folder must exist. */
  readonly file: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** What the request's `provider:model` stands for at the moment, such as its base URL: answers of another one are not given. Default: nothing more. */
  readonly endpointOf?: (request: ModelRequest) => string;
  /** Bytes of answers; the least recently used go first. Default: 64 MiB. */
  readonly maxBytes?: number;
  /** Milliseconds for which an answer is given. Default: 7 days. */
  readonly maxAgeMs?: number;
}

const MAX_BYTES = 64 * 1024 * 1024;
const MAX_AGE_MS = 7 * 86_400_000;
/** Milliseconds for another process to let go; a model call is not kept waiting for what may be nothing. */
const BUSY_MS = 250;
/** Version 1. */
const SCHEMA = `
CREATE TABLE answers (key TEXT PRIMARY KEY, conversation TEXT NOT NULL, value TEXT NOT NULL, bytes INTEGER NOT NULL, made_at INTEGER NOT NULL, used_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX answers_by_use ON answers (used_at, bytes);
CREATE INDEX answers_by_age ON answers (made_at);
CREATE INDEX answers_by_conversation ON answers (conversation);
CREATE TABLE answer_runs (run_id TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (run_id, key)) WITHOUT ROWID;
CREATE INDEX runs_by_answer ON answer_runs (key);
`;

const SQL = {
  find: "SELECT value, made_at FROM answers WHERE key = ?",
  use: "UPDATE answers SET used_at = ? WHERE key = ?",
  put: "INSERT OR REPLACE INTO answers (key, conversation, value, bytes, made_at, used_at) VALUES (?, ?, ?, ?, ?, ?)",
  belongs: "INSERT OR IGNORE INTO answer_runs (run_id, key) VALUES (?, ?)",
  drop: "DELETE FROM answers WHERE key = ?",
  dropLinks: "DELETE FROM answer_runs WHERE key = ?",
  ofConversation: "SELECT key FROM answers WHERE conversation = ?",
  ofRun: "SELECT key FROM answer_runs WHERE run_id = ?",
  tooOld: "SELECT key FROM answers WHERE made_at < ?",
  bytes: "SELECT COALESCE(sum(bytes), 0) AS bytes FROM answers",
  leastUsed: "SELECT key, bytes FROM answers ORDER BY used_at LIMIT 50",
} as const;

export function createSqliteAnswerCache(options: AnswerCacheOptions): AnswerCache {
  const { file, now, endpointOf = () => "", maxBytes = MAX_BYTES, maxAgeMs = MAX_AGE_MS } = options;
  let opened: Database | null = null;
  let isClosed = false;

  function db(): Database {
    if (opened !== null) return opened;
    opened = openCacheFile(file, { version: 1, schema: SCHEMA, busyMs: BUSY_MS });
    makeRoom(opened);
    return opened;
  }

  function startAnew(): void {
    opened?.close();
    opened = null;
    removeCacheFile(file);
  }

  /** Does something with the file; a file that is not sound is thrown away, and any other failure means `otherwise`. */
  function attempt<T>(act: (db: Database) => T, otherwise: T): T {
    if (isClosed) return otherwise;
    try {
      return act(db());
    } catch (error) {
      if (isUnsound(error)) ignoreFailure(startAnew);
      return otherwise;
    }
  }

  function makeRoom(db: Database): void {
    const old = db.prepare(SQL.tooOld).all(now() - maxAgeMs) as { key: string }[];
    for (const { key } of old) drop(db, key);
    let { bytes } = db.prepare(SQL.bytes).get() as { bytes: number };
    while (bytes > maxBytes) {
      for (const oldest of db.prepare(SQL.leastUsed).all() as { key: string; bytes: number }[]) {
        if (bytes <= maxBytes) return;
        drop(db, oldest.key);
        bytes -= oldest.bytes;
      }
    }
  }

  const keyOf = (request: ModelRequest): string => answerKey(request, endpointOf(request));

  function find(db: Database, request: ModelRequest): CachedAnswer | null {
    const key = keyOf(request);
    const row = db.prepare(SQL.find).get(key) as { value: string; made_at: number } | undefined;
    if (row === undefined) return null;
    const answer = row.made_at < now() - maxAgeMs ? null : readAnswer(row.value, request);
    if (answer === null) {
      drop(db, key);
      return null;
    }
    db.prepare(SQL.use).run(now(), key);
    db.prepare(SQL.belongs).run(request.run_id, key);
    return answer;
  }

  return {
    lookUp: (request) => (existsSync(file) ? attempt((db) => db.transaction(() => find(db, request)).immediate(), null) : null),

    keep(request, { message, model, finish_reason }) {
      const reply = { message, model, finish_reason };
      if (!isKeepable(reply, request)) return;
      const value = JSON.stringify(reply);
      const bytes = Buffer.byteLength(value);
      if (bytes > maxBytes / 8) return;
      attempt((db) => {
        db.transaction(() => {
          const key = keyOf(request);
          db.prepare(SQL.put).run(key, conversationKey(request.messages), value, bytes, now(), now());
          db.prepare(SQL.belongs).run(request.run_id, key);
          makeRoom(db);
        }).immediate();
      }, undefined);
    },

    outdate(request) {
      const messages = cameBackTo(request);
      if (messages === null || !existsSync(file)) return;
      attempt((db) => {
        const found = db.prepare(SQL.ofConversation).all(conversationKey(messages)) as { key: string }[];
        if (found.length > 0) db.transaction(() => found.forEach(({ key }) => drop(db, key))).immediate();
      }, undefined);
    },

    forgetRun(runId) {
      if (!existsSync(file)) return;
      try {
        const keys = (db().prepare(SQL.ofRun).all(runId) as { key: string }[]).map(({ key }) => key);
        if (keys.length === 0) return;
        db()
          .transaction(() => keys.forEach((key) => drop(db(), key)))
          .immediate();
        // What was deleted is overwritten in the file; it must not go on lying in the log beside it.
        const [checkpoint] = db().pragma("wal_checkpoint(TRUNCATE)") as { readonly busy: number }[];
        if (checkpoint?.busy === 0) return;
      } catch {
        // Then all of it goes.
      }
      try {
        startAnew();
      } catch (cause) {
        throw new BosunError(
          "internal",
          `answers of ${runId} cannot be removed from ${file}: remove the file yourself, nothing else is in it`,
          { cause },
        );
      }
    },

    close() {
      isClosed = true;
      ignoreFailure(() => opened?.close());
      opened = null;
    },
  };
}

function drop(db: Database, key: string): void {
  db.prepare(SQL.drop).run(key);
  db.prepare(SQL.dropLinks).run(key);
}

function ignoreFailure(act: () => void): void {
  try {
    act();
  } catch {
    // A cache may fail.
  }
}
