import { sql, type Statement } from "../sql/statement.ts";

/**
 * SQL for a time or an interval in whole milliseconds; NULL if it is infinite, which without the CASE would fail the
 * whole statement before PostgreSQL 14. Operands have equal types, see `POSTGRESQL`.
 */
export function inMilliseconds(time: Statement): Statement {
  return sql`CASE WHEN isfinite(${time}) THEN floor(extract(epoch FROM ${time})::numeric * 1000::numeric) END`;
}

/**
 * SQL that reads a text as hex digits for `fromHex()`, up to a length in characters. Read as text, it could fail the
 * whole statement: a database in SQL_ASCII holds any bytes, and one in another encoding may have characters that UTF-8
 * lacks.
 */
export function textInHex(text: Statement, longest: number): Statement {
  const encoding = sql`getdatabaseencoding()`;
  return sql`CASE ${encoding} WHEN 'SQL_ASCII'
    THEN encode(convert_to(left(${text}, ${4 * longest}), 'SQL_ASCII'::name), 'hex')
    ELSE CASE ${encoding} WHEN 'UTF8' THEN '' ELSE ${encoding}::text || ':'::text END
      || encode(convert_to(left(${text}, ${longest}), ${encoding}), 'hex') END`;
}

/**
 * How long a statement waits for others' locks that comes after another in one message, in milliseconds. The server
 * runs it even if that has timed out; together they must not take longer than `LAST_ANSWER`.
 */
const BRIEF_WAIT = 100;

/** A statement that does not wait for others' locks for long, whatever the session is set to. */
export function withShortWait(statement: Statement): Statement {
  return sql`SELECT WHERE set_config('lock_timeout', '${BRIEF_WAIT}ms', true) IS NULL; ${statement}`;
}
