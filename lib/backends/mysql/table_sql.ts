/** SQL of MySQL and MariaDB that all of sera's tables share. */

import type { TableName } from "../../ledger/table_name.ts";
import { MAX_TEXT_LENGTH, textFrom } from "../../text/untrusted.ts";
import { fromHex } from "../sql/hex.ts";
import { identifier, sql, type Statement } from "../sql/statement.ts";

/** The types of columns for texts: any, and of ASCII. */
export const TEXT = sql`VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`;
export const WORD = sql`VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin`;

/** What follows the columns in CREATE TABLE: other engines lose rows in a crash. */
export const ENGINE = sql` ENGINE=InnoDB`;

/** The server's time. It is UTC, and so are the columns: DATETIME has no time zone, so the session's does not matter. */
export const NOW = sql`UTC_TIMESTAMP(3)`;

/** The server's time plus so many milliseconds, which may be negative. */
export function after(milliseconds: number): Statement {
  return sql`UTC_TIMESTAMP(3) + INTERVAL ${Math.round(milliseconds * 1000)} MICROSECOND`;
}

/** A table in SQL. */
export function tableIn({ schema, name }: TableName): Statement {
  return schema === undefined ? identifier(name) : sql`${identifier(schema)}.${identifier(name)}`;
}

/** A table as messages name it. */
export function shownTable({ schema, name }: TableName): string {
  return schema === undefined ? name : `${schema}.${name}`;
}

/** Reads a text in hex digits for {@linkcode decodeText}, up to one character beyond `MAX_TEXT_LENGTH`. */
export function readText(column: Statement): Statement {
  return sql`HEX(CONVERT(LEFT(${column}, ${MAX_TEXT_LENGTH + 1}) USING utf8mb4))`;
}

/** Decodes a text; undefined if there is none. */
export function decodeText(value: unknown): string | undefined {
  return textFrom(fromHex(value));
}

/** Reads a whole number as text, since the driver rounds large ones. */
export function readNumber(column: Statement): Statement {
  return sql`CAST(${column} AS CHAR(32))`;
}

/** Reads a time as milliseconds since 1970; if it is not a time, NULL or any other value. */
export function readTime(column: Statement): Statement {
  return sql`ROUND(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', ${column}) / 1000)`;
}
