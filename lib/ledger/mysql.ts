import type { TableName } from "../config/ledger_settings.ts";
import { LONGEST_TEXT, textFrom } from "../foreign.ts";
import type { Session } from "../lock/session.ts";
import type { Dialect } from "./dialect.ts";
import { fromHex } from "../sql/hex.ts";
import type { Store } from "./ledger_table.ts";
import type { Patience } from "./patience.ts";
import { MYSQL } from "../sql/spelling.ts";
import { identifier, sql } from "../sql/statement.ts";

/** What MySQL and MariaDB call what the ledger cares for. https://dev.mysql.com/doc/mysql-errors/8.0/en/ */
const MISSING = { schema: 1049, table: 1146, column: 1054 };
const THERE_ALREADY = [1050, 1060, 1061];
/** No higher number; MariaDB says that one that it has given already is there. */
const NO_ID_LEFT = [1467, 1062, 167, 1264];
/** No right to a command, a column, a table, a database. */
const REFUSED = [1142, 1143, 1044, 1227];

const TEXT = sql`VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`;
const WORD = sql`VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin`;

/** The ledger in MySQL and MariaDB. */
export function mySqlDialect({ schema, name }: TableName): Dialect {
  return {
    spelling: MYSQL,
    table: schema === undefined ? identifier(name) : sql`${identifier(schema)}.${identifier(name)}`,
    shown: schema === undefined ? name : `${schema}.${name}`,
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
      // Without a time zone, for what the session has for one must not matter: it is UTC.
      started: sql`DATETIME(3) NOT NULL`,
      finished: sql`DATETIME(3) NULL`,
      exit_code: sql`SMALLINT NULL`,
      outcome: sql`${WORD} NOT NULL`,
      expires: sql`DATETIME(3) NULL`,
    },
    // Others lose rows in a crash.
    tableOptions: sql` ENGINE=InnoDB`,
    inlineIndexes: true,
    now: sql`UTC_TIMESTAMP(3)`,
    after: (milliseconds) => sql`UTC_TIMESTAMP(3) + INTERVAL ${Math.round(milliseconds * 1000)} MICROSECOND`,
    session: sql`CONNECTION_ID()`,
    lastId: sql`SELECT CAST(LAST_INSERT_ID() AS CHAR(32)) AS id`,
    readText: (column) => sql`HEX(LEFT(${column}, ${LONGEST_TEXT + 1}))`,
    decodeText: (value) => textFrom(fromHex(value)),
    readNumber: (column) => sql`CAST(${column} AS CHAR(32))`,
    readTime: (column) => sql`ROUND(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', ${column}) / 1000)`,
    isMissing: (what, cause) => errorNumber(cause) === MISSING[what],
    isThereAlready: (cause) => THERE_ALREADY.includes(errorNumber(cause) ?? 0),
    idTrouble: (cause) => NO_ID_LEFT.includes(errorNumber(cause) ?? 0) ? "none left" : undefined,
    nextId: sql`LAST_INSERT_ID(COALESCE(MAX(id), 0) + 1)`,
    isRefused: (cause) => REFUSED.includes(errorNumber(cause) ?? 0),
    grant:
      "grant the user SELECT, INSERT, UPDATE and DELETE on it, and have an administrator make it: sera history --schema",
    grantToRead: "grant the user SELECT on it",
  };
}

/** The ledger in a session of MySQL or MariaDB. */
export async function mySqlStore(session: Session, table: TableName, patience: Patience): Promise<Store> {
  const run = patience.runIn(session);
  // The DSN or the server may have asked for transactions; nobody would end them.
  await run(sql`SET autocommit = 1`);
  return { dialect: mySqlDialect(table), run };
}

function errorNumber(cause: unknown): number | undefined {
  return (cause as { readonly errno?: number } | undefined)?.errno;
}
