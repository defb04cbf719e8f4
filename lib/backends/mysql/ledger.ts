import type { TableName } from "../../ledger/table_name.ts";
import type { Querier } from "../sql/querier.ts";
import type { Dialect } from "../sql/dialect.ts";
import type { Store } from "../sql/store.ts";
import type { Patience } from "../../ledger/patience.ts";
import { ledgerStatements } from "../sql/ledger_statements.ts";
import { MYSQL } from "../sql/quoting.ts";
import { identifier, sql } from "../sql/statement.ts";
import { storageOf } from "./storage.ts";
import {
  cureOfTable,
  errorNumber,
  isLocked,
  isMissing,
  isPermanent,
  isRefused,
  isThereAlready,
  isUnencodable,
  type TableAdvice,
} from "./table_errors.ts";
import * as table from "./table_sql.ts";

/** Errors for running out of IDs; MariaDB then reports the last one as a duplicate. */
const NO_ID_LEFT = [1467, 1062, 167, 1264];

const ADVICE: TableAdvice = { whatIs: "the ledger is", flag: "--ledger-table", definition: "sera history --schema" };

/** The ledger's SQL for MySQL and MariaDB. */
export function mySqlDialect(name: TableName): Dialect {
  const { TEXT, WORD } = table;
  const shown = table.shownTable(name);
  return {
    quoting: MYSQL,
    table: table.tableIn(name),
    shown,
    indexName: (what) => identifier(`by_${what}`),
    id: sql`BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY`,
    types: {
      version: sql`SMALLINT NOT NULL DEFAULT 1`,
      lock_name: sql`${WORD} NOT NULL`,
      run_key: sql`${TEXT} NULL`,
      label: sql`${TEXT} NOT NULL DEFAULT ''`,
      host: sql`${TEXT} NOT NULL DEFAULT ''`,
      pid: sql`BIGINT NOT NULL DEFAULT 0`,
      session_id: sql`BIGINT NOT NULL DEFAULT 0`,
      user_name: sql`${TEXT} NOT NULL DEFAULT ''`,
      started: sql`DATETIME(3) NOT NULL`,
      finished: sql`DATETIME(3) NULL`,
      exit_code: sql`SMALLINT NULL`,
      outcome: sql`${WORD} NOT NULL`,
      expires: sql`DATETIME(3) NULL`,
    },
    tableOptions: table.ENGINE,
    inlineIndexes: true,
    now: table.NOW,
    after: table.after,
    session: sql`CONNECTION_ID()`,
    lastId: sql`LAST_INSERT_ID()`,
    requireUpdate: {
      before: sql``,
      // Assigning a column to itself changes nothing, but requires the UPDATE privilege on it.
      after: sql` ON DUPLICATE KEY UPDATE outcome = IF(LAST_INSERT_ID(0), outcome, outcome), finished = finished,
        exit_code = exit_code, expires = expires`,
    },
    ...storageOf(name, ADVICE.flag, "sera would not know what ran"),
    readText: table.readText,
    decodeText: table.decodeText,
    // An administrator may have created the table with a case-insensitive collation. The first condition uses the
    // index, the second is exact.
    isExactly: (column, text) =>
      sql`${column} = ${text} AND CONVERT(${column} USING utf8mb4) COLLATE utf8mb4_bin = ${text}`,
    unindexed: (column) => sql`COALESCE(${column})`,
    readNumber: table.readNumber,
    readTime: table.readTime,
    isMissing,
    isThereAlready,
    idTrouble: (cause) => NO_ID_LEFT.includes(errorNumber(cause) ?? 0) ? "none left" : undefined,
    isUnencodable,
    nextId: sql`LAST_INSERT_ID(COALESCE(MAX(id) + 1, 0))`,
    idCure: `ALTER TABLE ${shown} AUTO_INCREMENT = 1, which makes it continue from the highest one`,
    isPermanent,
    isRefused,
    grant:
      "grant the user SELECT, INSERT, UPDATE and DELETE on it, and CREATE unless you create it by hand: sera history --schema",
    cureOf: (cause) => cureOfTable(cause, ADVICE),
    grantToRead: "grant the user SELECT on it",
    cureOfForeign: "name another one with --ledger-table",
    clock: "server",
  };
}

/** The ledger in MySQL or MariaDB. Its sessions have been set up for it. */
export function mySqlStore(querier: Querier, table: TableName, patience: Patience): Store {
  return { dialect: mySqlDialect(table), ...ledgerStatements(querier, patience, isLocked) };
}
