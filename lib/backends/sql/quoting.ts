import { bytesToHex } from "@noble/hashes/utils.js";

/** How a kind of database quotes values and names, so that they cannot become SQL. */
export interface Quoting {
  /** Any text as a value, independent of the session's character set and modes. */
  text(value: string): string;
  /** The name of a table, column or the like, whose characters have been checked. */
  identifier(name: string): string;
}

/** MySQL and MariaDB. */
export const MYSQL: Quoting = {
  text: (value) => `_utf8mb4 X'${hexOf(value)}'`,
  identifier: (name) => `\`${name}\``,
};

/**
 * PostgreSQL. A literal in quotes would depend on `standard_conforming_strings`.
 *
 * The argument types must match exactly; the encoding is a `name`. Otherwise somebody who may create functions in a schema
 * of the search path could create one that matches better than the server's own, and sera would call it.
 */
export const POSTGRESQL: Quoting = {
  text: (value) => `convert_from(decode('${hexOf(value)}', 'hex'), 'UTF8'::name)`,
  identifier: (name) => `"${name}"`,
};

/** SQLite. */
export const SQLITE: Quoting = {
  text: (value) => `CAST(X'${hexOf(value)}' AS TEXT)`,
  identifier: (name) => `"${name}"`,
};

/** The UTF-8 bytes of a text in hex digits, which need no quoting anywhere. */
function hexOf(text: string): string {
  return bytesToHex(new TextEncoder().encode(text));
}
