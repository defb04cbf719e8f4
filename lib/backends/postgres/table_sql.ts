/** SQL of PostgreSQL that all of sera's tables share. */

import type { TableName } from "../../ledger/table_name.ts";
import { MAX_TEXT_LENGTH, textFrom } from "../../text/untrusted.ts";
import { fromHex } from "../sql/hex.ts";
import { identifier, sql, type Statement } from "../sql/statement.ts";
import { textInHex } from "./sql.ts";

/**
 * The type of text to search for, compared byte by byte: so are the values that sera sends, so the server can use the
 * indexes; and a new version of the system's collations cannot corrupt those, and with them the memory of what ran.
 */
export const WORD = sql`text COLLATE "C"`;

/** A table in SQL. */
export function tableIn({ schema, name }: TableName): Statement {
  return schema === undefined ? identifier(name) : sql`${identifier(schema)}.${identifier(name)}`;
}

/** A table as messages name it. */
export function shownTable({ schema, name }: TableName): string {
  return schema === undefined ? name : `${schema}.${name}`;
}

/** A span of time. */
export function span(milliseconds: number): Statement {
  return sql`interval '${Math.round(milliseconds * 1000)} microseconds'`;
}

/** Reads a text in hex digits for {@linkcode decodeText}, up to one character beyond `MAX_TEXT_LENGTH`. */
export function readText(column: Statement): Statement {
  return textInHex(column, MAX_TEXT_LENGTH + 1);
}

/** Decodes a text; undefined if there is none. */
export function decodeText(value: unknown): string | undefined {
  return textFrom(fromHex(value));
}
