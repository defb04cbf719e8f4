import { sql, type Statement } from "../sql/statement.ts";

/**
 * SQL of PostgreSQL for a point in time, or a span, in whole milliseconds; NULL where it is infinite, which before
 * PostgreSQL 14 is an error of the whole statement. Types are met exactly, see `POSTGRESQL`.
 */
export function inMilliseconds(time: Statement): Statement {
  return sql`CASE WHEN isfinite(${time}) THEN floor(extract(epoch FROM ${time})::numeric * 1000::numeric) END`;
}

/**
 * SQL of PostgreSQL that reads a text as hex digits for `fromHex()`, up to a length in characters. As text it may spoil the
 * whole answer: a database in SQL_ASCII holds any bytes, and one in another encoding those that are no character in UTF-8.
 */
export function textInHex(text: Statement, longest: number): Statement {
  const encoding = sql`getdatabaseencoding()`;
  return sql`CASE ${encoding} WHEN 'SQL_ASCII'
    THEN encode(convert_to(left(${text}, ${4 * longest}), 'SQL_ASCII'::name), 'hex')
    ELSE CASE ${encoding} WHEN 'UTF8' THEN '' ELSE ${encoding}::text || ':'::text END
      || encode(convert_to(left(${text}, ${longest}), ${encoding}), 'hex') END`;
}
