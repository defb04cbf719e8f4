import type { TableName } from "../../ledger/table_name.ts";
import { LockUnavailableError } from "../../errors.ts";
import { LONGEST_TEXT, textFrom } from "../../text/foreign.ts";
import type { Session } from "../sql/session.ts";
import type { Dialect } from "../sql/dialect.ts";
import { fromHex } from "../sql/hex.ts";
import type { Store } from "../sql/ledger_table.ts";
import type { Patience } from "../../ledger/patience.ts";
import { ledgerStatements, LOCK_WAIT } from "../sql/ledger_statements.ts";
import { MYSQL } from "../sql/spelling.ts";
import { identifier, join, sql, word } from "../sql/statement.ts";

/** Error numbers of MySQL and MariaDB for what does not exist. https://dev.mysql.com/doc/mysql-errors/8.0/en/ */
const MISSING = { schema: 1049, table: 1146, column: 1054 };
const THERE_ALREADY = [1050, 1060, 1061];
/** No higher id; MariaDB then reports the last one as a duplicate. */
const NO_ID_LEFT = [1467, 1062, 167, 1264];
/** No right to a command, a column, a table, a database. */
const REFUSED = [1142, 1143, 1044, 1227];

/**
 * A value that the table will never take: a text too long, a value outside an ENUM, a missing partition, a constraint,
 * a trigger, a view.
 */
const LASTING = [
  ...[1048, 1062, 1264, 1265, 1288, 1292, 1356, 1364, 1366, 1369, 1370, 1406, 1449, 1451, 1452, 1471, 1526, 1644, 1748],
  ...[3819, 4025],
];

const TO_FIT = "correct that: a trigger, a constraint or a column of the table (see sera history --schema)";
const OTHER = "let the view be written to, or name a table with --ledger-table";
const WRITABLE = "the ledger is written on the primary only: name that, or switch read_only off";
const SPACE = "make room on the server";

/** Cures for errors of a table, by number. */
const CURES: Readonly<Record<number, string>> = {
  1021: SPACE,
  1114: SPACE,
  1290: WRITABLE,
  1836: WRITABLE,
  1264: TO_FIT,
  1265: TO_FIT,
  1364: TO_FIT,
  1406: TO_FIT,
  1526: TO_FIT,
  1644: TO_FIT,
  3819: TO_FIT,
  4025: TO_FIT,
  1109: "name a table of a database of your own with --ledger-table",
  1288: OTHER,
  1369: OTHER,
  1471: OTHER,
  1370: "grant the user EXECUTE on what it calls",
};

/**
 * A character that the column's character set lacks, when it is written or searched for: in a table that an
 * administrator created with another character set.
 */
const UNFIT_TEXT = [1366, 1300, 3854, 3988, 1267];
/** The wait for another session's lock timed out. */
const LOCKED = 1205;
const UNKNOWN_VARIABLE = 1193;

/** Engines that lose every row when the server restarts, or at once. */
const FORGETFUL = ["MEMORY", "HEAP", "BLACKHOLE"];

const TEXT = sql`VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`;
const WORD = sql`VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin`;

/** The ledger's SQL for MySQL and MariaDB. */
export function mySqlDialect({ schema, name }: TableName): Dialect {
  const shown = schema === undefined ? name : `${schema}.${name}`;
  return {
    spelling: MYSQL,
    table: schema === undefined ? identifier(name) : sql`${identifier(schema)}.${identifier(name)}`,
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
      // Times are UTC: DATETIME has no time zone, so the session's does not matter.
      started: sql`DATETIME(3) NOT NULL`,
      finished: sql`DATETIME(3) NULL`,
      exit_code: sql`SMALLINT NULL`,
      outcome: sql`${WORD} NOT NULL`,
      expires: sql`DATETIME(3) NULL`,
    },
    // Other engines lose rows in a crash.
    tableOptions: sql` ENGINE=InnoDB`,
    inlineIndexes: true,
    now: sql`UTC_TIMESTAMP(3)`,
    after: (milliseconds) => sql`UTC_TIMESTAMP(3) + INTERVAL ${Math.round(milliseconds * 1000)} MICROSECOND`,
    session: sql`CONNECTION_ID()`,
    lastId: sql`LAST_INSERT_ID()`,
    askToUpdate: {
      before: sql``,
      // Assigning a column to itself changes nothing, but requires the UPDATE privilege on it.
      after: sql` ON DUPLICATE KEY UPDATE outcome = IF(LAST_INSERT_ID(0), outcome, outcome), finished = finished,
        exit_code = exit_code, expires = expires`,
    },
    keeping: sql`(SELECT HEX(CONCAT(TABLE_TYPE, ' ', IFNULL(ENGINE, ''))) FROM information_schema.TABLES
      WHERE TABLE_SCHEMA = ${schema ?? sql`DATABASE()`} AND TABLE_NAME = ${name})`,
    whyForgetful(keeping) {
      const [, type, engine = ""] = /^(.*) (.*)$/.exec(textFrom(fromHex(keeping)) ?? "") ?? [];
      if (type === "TEMPORARY") {
        return {
          what: "the table is temporary, and gone with the session",
          cure: "name another one with --ledger-table",
        };
      }
      if (type === "VIEW") {
        return {
          what: "it is a view, and the user may not see whether the rows of its table are kept",
          cure: "grant the user SHOW VIEW on it, or name the table itself with --ledger-table",
        };
      }
      if (!FORGETFUL.includes(engine.toUpperCase())) return undefined;
      return {
        what: `the table keeps nothing (engine ${engine}), so that sera would not know what ran`,
        cure: `ALTER TABLE ${shown} ENGINE=InnoDB`,
      };
    },
    // Does not see through a view of a view, nor through one whose definition the user may not read.
    keepingBelow: (keeping) =>
      textFrom(fromHex(keeping)) !== "VIEW " ? undefined : sql`SELECT HEX(IF(COUNT(TABLE_NAME) = 0, 'VIEW ',
        MAX(IF(TABLE_TYPE = 'VIEW' OR ENGINE IN (${join(FORGETFUL.map((engine) => word(engine)))}),
          CONCAT(TABLE_TYPE, ' ', IFNULL(ENGINE, '')), NULL)))) AS keeping
        FROM information_schema.TABLES JOIN (SELECT VIEW_DEFINITION AS definition FROM information_schema.VIEWS
          WHERE TABLE_SCHEMA = ${schema ?? sql`DATABASE()`} AND TABLE_NAME = ${name}) viewed
        ON LOCATE(CONCAT('\`', TABLE_SCHEMA, '\`.\`', TABLE_NAME, '\`'), definition)`,
    readText: (column) => sql`HEX(CONVERT(LEFT(${column}, ${LONGEST_TEXT + 1}) USING utf8mb4))`,
    decodeText: (value) => textFrom(fromHex(value)),
    // An administrator may have created the table with a case-insensitive collation. The first condition uses the
    // index, the second is exact.
    isExactly: (column, text) =>
      sql`${column} = ${text} AND CONVERT(${column} USING utf8mb4) COLLATE utf8mb4_bin = ${text}`,
    readNumber: (column) => sql`CAST(${column} AS CHAR(32))`,
    readTime: (column) => sql`ROUND(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', ${column}) / 1000)`,
    isMissing: (what, cause) => errorNumber(cause) === MISSING[what],
    isThereAlready: (cause) => THERE_ALREADY.includes(errorNumber(cause) ?? 0),
    idTrouble: (cause) => NO_ID_LEFT.includes(errorNumber(cause) ?? 0) ? "none left" : undefined,
    isUnfitText: (cause) => UNFIT_TEXT.includes(errorNumber(cause) ?? 0),
    nextId: sql`LAST_INSERT_ID(COALESCE(MAX(id) + 1, 0))`,
    idCure: `ALTER TABLE ${shown} AUTO_INCREMENT = 1, which lets it count on from the highest one`,
    isLasting: (cause) => [...LASTING, ...REFUSED].includes(errorNumber(cause) ?? 0),
    isRefused: (cause) => REFUSED.includes(errorNumber(cause) ?? 0),
    grant:
      "grant the user SELECT, INSERT, UPDATE and DELETE on it, and have an administrator make it: sera history --schema",
    cureOf: (cause) => CURES[errorNumber(cause) ?? 0],
    grantToRead: "grant the user SELECT on it",
    cureOfForeign: "name another one with --ledger-table",
    clock: "server",
  };
}

/**
 * The ledger in a session of MySQL or MariaDB, which it sets up for that.
 *
 * @throws {LockUnavailableError} When the server refuses.
 */
export async function mySqlStore(session: Session, table: TableName, patience: Patience): Promise<Store> {
  const run = ledgerStatements(session, patience, (cause) => errorNumber(cause) === LOCKED);
  // The DSN or the server may have switched autocommit off, and sera commits nothing itself.
  const commit = sql`SET autocommit = 1`;
  const seconds = LOCK_WAIT / 1000;
  try {
    await run(sql`${commit}, lock_wait_timeout = ${seconds}, innodb_lock_wait_timeout = ${seconds}`);
  } catch (error) {
    // A server without InnoDB does not know innodb_lock_wait_timeout.
    if (!(error instanceof LockUnavailableError) || errorNumber(error.cause) !== UNKNOWN_VARIABLE) throw error;
    await run(sql`${commit}, lock_wait_timeout = ${seconds}`);
  }
  return { dialect: mySqlDialect(table), run };
}

function errorNumber(cause: unknown): number | undefined {
  return (cause as { readonly errno?: number } | undefined)?.errno;
}
