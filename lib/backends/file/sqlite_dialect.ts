import { messageOf } from "../../errors.ts";
import { MAX_TEXT_LENGTH, textFrom } from "../../text/untrusted.ts";
import { fromHex } from "../sql/hex.ts";
import { SQLITE } from "../sql/quoting.ts";
import { identifier, sql } from "../sql/statement.ts";
import type { Dialect } from "../sql/dialect.ts";
import { isPermanentSqliteError } from "./sqlite_errors.ts";

/** The form of SQLite's time strings, which sort by time: UTC, with milliseconds. */
const TIME = "%Y-%m-%d %H:%M:%f";

/** The ledger in a file of SQLite. */
export function sqliteDialect(path: string): Dialect {
  return {
    quoting: SQLITE,
    table: sql`sera_runs`,
    shown: path,
    indexName: (what) => identifier(`by_${what}`),
    // Without AUTOINCREMENT SQLite reuses the IDs of deleted rows.
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
    // A file has no sessions, so the PID identifies the holder.
    session: sql`${Deno.pid}`,
    // Cut by bytes, at most four per character: a column may contain anything, even invalid UTF-8.
    readText: (column) =>
      sql`CASE WHEN ${column} IS NOT NULL THEN hex(substr(CAST(${column} AS BLOB), 1, ${
        4 * (MAX_TEXT_LENGTH + 1)
      })) END`,
    decodeText: (value) => textFrom(fromHex(value)),
    // It counts no rows, and takes an outcome to be as rare as a key: https://sqlite.org/optoverview.html#uplus
    unindexed: (column) => sql`+${column}`,
    isExactly: (column, text) => sql`${column} = ${text}`,
    readNumber: (column) => sql`CASE typeof(${column}) WHEN 'integer' THEN CAST(${column} AS TEXT) END`,
    readTime: (column) => sql`CAST(round(1000 * unixepoch(${column}, 'subsec')) AS INTEGER)`,
    isMissing: (what, cause) =>
      what !== "schema" &&
      (what === "table" ? /^no such table/ : /no such column|no column named/).test(messageOf(cause)),
    isThereAlready: (cause) => /already exists|duplicate column name/.test(messageOf(cause)),
    // A full disk has the same message; then the next statement fails too, and reports it.
    idTrouble: (cause) => /^database or disk is full/.test(messageOf(cause)) ? "none left" : undefined,
    whyVolatile: () => undefined,
    isUnencodable: () => false,
    nextId: sql`MAX(id) + 1`,
    idCure: "set the number of sera_runs in its table sqlite_sequence to the highest one",
    isPermanent: isPermanentSqliteError,
    isRefused: () => false,
    grant: "",
    cureOf: () => undefined,
    grantToRead: "",
    cureOfForeign: "move it away to start afresh",
    clock: "machine",
  };
}
