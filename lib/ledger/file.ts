import { DatabaseSync } from "node:sqlite";
import { LockUnavailableError, messageOf } from "../errors.ts";
import { LONGEST_TEXT, textFrom } from "../foreign.ts";
import type { Row } from "../lock/session.ts";
import type { Dialect } from "./dialect.ts";
import { fromHex } from "./hex.ts";
import type { Store } from "./ledger_table.ts";
import { SQLITE } from "../sql/spelling.ts";
import { identifier, sql } from "../sql/statement.ts";

/** The ledger's file, beside the lock files. */
const FILE = "ledger.sqlite";

/** How long to wait for another sera that writes, in milliseconds. */
const BUSY_TIMEOUT = 10_000;

/** How the file is used. What its schema says is somebody else's word, and may call nothing that does more than reckon. */
const PRAGMAS = sql`PRAGMA busy_timeout = ${BUSY_TIMEOUT}; PRAGMA synchronous = EXTRA; PRAGMA trusted_schema = OFF;`;

/** As the strings that SQLite's functions take and give sort by themselves: UTC, in milliseconds. */
const TIME = "%Y-%m-%d %H:%M:%f";

/** The ledger in a file of SQLite. */
function sqliteDialect(path: string): Dialect {
  return {
    spelling: SQLITE,
    table: sql`sera_runs`,
    shown: path,
    indexName: (what) => identifier(`by_${what}`),
    // Without the last word SQLite gives numbers of deleted rows again.
    id: sql`INTEGER PRIMARY KEY AUTOINCREMENT`,
    types: {
      version: sql`INTEGER NOT NULL DEFAULT 1`,
      lock_name: sql`TEXT NOT NULL`,
      run_key: sql`TEXT NULL`,
      label: sql`TEXT NOT NULL DEFAULT ''`,
      host: sql`TEXT NOT NULL DEFAULT ''`,
      pid: sql`INTEGER NOT NULL DEFAULT 0`,
      session_id: sql`INTEGER NOT NULL DEFAULT 0`,
      user_name: sql`TEXT NOT NULL DEFAULT ''`,
      started: sql`TEXT NOT NULL`,
      finished: sql`TEXT NULL`,
      exit_code: sql`INTEGER NULL`,
      outcome: sql`TEXT NOT NULL`,
      expires: sql`TEXT NULL`,
    },
    tableOptions: sql``,
    inlineIndexes: false,
    now: sql`strftime(${TIME}, 'now')`,
    after: (milliseconds) => sql`strftime(${TIME}, 'now', ${`${(milliseconds / 1000).toFixed(3)} seconds`})`,
    // A file has no sessions; the process is what holds the lock.
    session: sql`${Deno.pid}`,
    // By bytes, four for a character at most: a column may hold anything.
    readText: (column) => sql`hex(substr(CAST(${column} AS BLOB), 1, ${4 * (LONGEST_TEXT + 1)}))`,
    decodeText: (value) => textFrom(fromHex(value)),
    readNumber: (column) => sql`CASE typeof(${column}) WHEN 'integer' THEN CAST(${column} AS TEXT) END`,
    readTime: (column) => sql`CAST(round(1000 * unixepoch(${column}, 'subsec')) AS INTEGER)`,
    isMissing: (what, cause) =>
      (what === "table" ? /^no such table/ : /no such column|no column named/).test(messageOf(cause)),
    isThereAlready: (cause) => /already exists|duplicate column name/.test(messageOf(cause)),
    // It says the same of a disk that is full, which then is said once more.
    idTrouble: (cause) => /^database or disk is full/.test(messageOf(cause)) ? "none left" : undefined,
    nextId: sql`COALESCE(MAX(id), 0) + 1`,
    isRefused: () => false,
    grant: "",
  };
}

function open(path: string): DatabaseSync {
  // As with the lock files: readable by the group for folders that a group shares.
  Deno.openSync(path, { read: true, write: true, create: true, mode: 0o660 }).close();
  const database = new DatabaseSync(path);
  database.exec(PRAGMAS.textFor(SQLITE));
  return database;
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * The ledger in a file beside the locks. SQLite puts back what a crash has left half written; each statement is on the
 * disk before it is answered.
 *
 * @param folder An existing folder.
 */
export function fileStore(folder: string): Store {
  const path = `${folder}/${FILE}`;
  const wrap = (error: unknown) => {
    const said = messageOf(error);
    const reason = /not a database|malformed/.test(said) ? `${said}; restore it, or move it away to begin anew` : said;
    const wrapped = new LockUnavailableError(`Cannot use the ledger ${path}: ${reason}`, false, reason);
    wrapped.cause = error;
    return wrapped;
  };
  let database: DatabaseSync | undefined;
  return {
    dialect: sqliteDialect(path),
    run(statement) {
      try {
        const text = statement.textFor(SQLITE);
        // Who only reads makes no file.
        if (!database && text.startsWith("SELECT") && !isThere(path)) {
          throw new Error("no such table: there is no file");
        }
        database ??= open(path);
        return Promise.resolve(database.prepare(text).all() as Row[]);
      } catch (error) {
        return Promise.reject(wrap(error));
      }
    },
  };
}
