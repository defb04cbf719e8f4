import { bytesToHex } from "@noble/hashes/utils.js";

/** How a kind of database writes what is no SQL itself, so that it cannot become any. */
export interface Spelling {
  /** A text as a value, whatever it holds, and whatever the session's character set and modes are. */
  text(value: string): string;
  /** A name of a table, a column or the like, whose letters have been checked. */
  identifier(name: string): string;
}

/** MySQL and MariaDB. */
export const MYSQL: Spelling = {
  text: (value) => `_utf8mb4 X'${hexOf(value)}'`,
  identifier: (name) => `\`${name}\``,
};

/**
 * PostgreSQL. A literal in quotes would depend on `standard_conforming_strings`.
 *
 * Whoever may make functions and operators in a schema of the search path could make one whose types fit better than those
 * of the server's own, and would have it called with the rights of whoever runs sera. So all types are met exactly: here the
 * encoding's, which is a `name`.
 */
export const POSTGRESQL: Spelling = {
  text: (value) => `convert_from(decode('${hexOf(value)}', 'hex'), 'UTF8'::name)`,
  identifier: (name) => `"${name}"`,
};

/** SQLite. */
export const SQLITE: Spelling = {
  text: (value) => `CAST(X'${hexOf(value)}' AS TEXT)`,
  identifier: (name) => `"${name}"`,
};

/** The UTF-8 bytes of a text in hex digits, which need no quoting in any database. */
function hexOf(text: string): string {
  return bytesToHex(new TextEncoder().encode(text));
}
