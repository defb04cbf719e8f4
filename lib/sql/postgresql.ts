import { sql, type Statement } from "./statement.ts";

/**
 * SQL of PostgreSQL for a point in time, or a span, in whole milliseconds; NULL where it is infinite, which before
 * PostgreSQL 14 is an error of the whole statement. Types are met exactly, see `POSTGRESQL`.
 */
export function inMilliseconds(time: Statement): Statement {
  return sql`CASE WHEN isfinite(${time}) THEN floor(extract(epoch FROM ${time})::numeric * 1000::numeric) END`;
}

/**
 * SQL of PostgreSQL that reads a text as the hex digits of its UTF-8 bytes, up to a length in characters. As text it may
 * spoil the whole answer: a database in SQL_ASCII holds any bytes, and one that is not UTF-8 cannot be sent.
 */
export function textInHex(text: Statement, longest: number): Statement {
  return sql`encode(CASE getdatabaseencoding() WHEN 'SQL_ASCII'
    THEN convert_to(left(${text}, ${4 * longest}), 'SQL_ASCII'::name)
    ELSE convert_to(left(${text}, ${longest}), 'UTF8'::name) END, 'hex')`;
}
