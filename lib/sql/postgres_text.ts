import { sql, type Statement } from "./statement.ts";

/**
 * SQL of PostgreSQL that reads a text as the hex digits of its UTF-8 bytes, up to a length in characters. As text it may
 * spoil the whole answer: a database in SQL_ASCII holds any bytes, and one that is not UTF-8 cannot be sent.
 */
export function textInHex(text: Statement, longest: number): Statement {
  return sql`encode(CASE getdatabaseencoding() WHEN 'SQL_ASCII'
    THEN convert_to(left(${text}, ${4 * longest}), 'SQL_ASCII')
    ELSE convert_to(left(${text}, ${longest}), 'UTF8') END, 'hex')`;
}
