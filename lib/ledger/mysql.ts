import type { TableName } from "../config/ledger_settings.ts";
import type { Session } from "../lock/session.ts";
import type { Dialect } from "./dialect.ts";
import { fromHex, toHex } from "./hex.ts";
import type { Store } from "./ledger_table.ts";

/** What MySQL and MariaDB call what the ledger cares for. https://dev.mysql.com/doc/mysql-errors/8.0/en/ */
const NO_SUCH_TABLE = 1146;
const UNKNOWN_COLUMN = 1054;
const THERE_ALREADY = [1050, 1060, 1061];
/** No right to a command, a column, a table, a database; none to write, on a server that is read-only. */
const REFUSED = [1142, 1143, 1044, 1227, 1290];

const TEXT = "VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
const WORD = "VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin";

/** The ledger in MySQL and MariaDB. */
export function mySqlDialect({ schema, name }: TableName): Dialect {
  return {
    table: schema === undefined ? `\`${name}\`` : `\`${schema}\`.\`${name}\``,
    shown: schema === undefined ? name : `${schema}.${name}`,
    indexName: (what) => `by_${what}`,
    id: "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY",
    types: {
      version: "SMALLINT NOT NULL DEFAULT 1",
      lock_name: `${WORD} NOT NULL`,
      run_key: `${TEXT} NULL`,
      label: `${TEXT} NOT NULL DEFAULT ''`,
      host: `${TEXT} NOT NULL DEFAULT ''`,
      pid: "BIGINT NOT NULL DEFAULT 0",
      session_id: "BIGINT NOT NULL DEFAULT 0",
      user_name: `${TEXT} NOT NULL DEFAULT ''`,
      // Without a time zone, for what the session has for one must not matter: it is UTC.
      started: "DATETIME(3) NOT NULL",
      finished: "DATETIME(3) NULL",
      exit_code: "SMALLINT NULL",
      outcome: `${WORD} NOT NULL`,
      expires: "DATETIME(3) NULL",
    },
    // Others lose rows in a crash.
    tableOptions: " ENGINE=InnoDB",
    inlineIndexes: true,
    now: "UTC_TIMESTAMP(3)",
    after: (milliseconds) => `UTC_TIMESTAMP(3) + INTERVAL ${Math.round(milliseconds * 1000)} MICROSECOND`,
    session: "CONNECTION_ID()",
    lastId: "SELECT LAST_INSERT_ID() AS id",
    text: (value) => `_utf8mb4 X'${toHex(value)}'`,
    readText: (column) => `HEX(${column})`,
    decodeText: (value) => fromHex(String(value)),
    readTime: (column) => `ROUND(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', ${column}) / 1000)`,
    isMissing: (what, cause) => errorNumber(cause) === (what === "table" ? NO_SUCH_TABLE : UNKNOWN_COLUMN),
    isThereAlready: (cause) => THERE_ALREADY.includes(errorNumber(cause) ?? 0),
    isRefused: (cause) => REFUSED.includes(errorNumber(cause) ?? 0),
    grant:
      "grant the user SELECT, INSERT, UPDATE and DELETE on it, and have an administrator make it: sera history --schema",
  };
}

/** The ledger in a session of MySQL or MariaDB. */
export async function mySqlStore(session: Session, table: TableName): Promise<Store> {
  // The DSN or the server may have asked for transactions; nobody would end them.
  await session.query("SET autocommit = 1");
  return { dialect: mySqlDialect(table), run: (sql) => session.queryAll(sql) };
}

function errorNumber(cause: unknown): number | undefined {
  return (cause as { readonly errno?: number } | undefined)?.errno;
}
