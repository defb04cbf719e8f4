/** What PostgreSQL's errors say about one of sera's tables. */

import { messageOf } from "../../errors.ts";
import { sqlState } from "./errors.ts";

/** SQLSTATEs for what does not exist. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const MISSING = { schema: "3F000", table: "42P01", column: "42703" };
/**
 * A table or index, a column; and the two errors when two sessions create the same table at once: its type, its name.
 */
const THERE_ALREADY = ["42P07", "42701", "42710", "23505"];
/** No privilege; a schema that does not exist, or none to create a table in. */
const REFUSED = ["42501", "3F000"];
/** Characters that the database's encoding lacks, or bytes that are invalid in it. */
const UNFIT_TEXT = ["22P05", "22021"];
/** A serialization failure, a deadlock. */
const BROKEN_OFF = ["40001", "40P01"];
/** The wait for another session's lock timed out. */
const LOCKED = "55P03";

/** A statement was cancelled, by somebody or by a time limit. */
const CANCELLED = "57014";

/**
 * Classes of errors in a value, or by which the table refuses: privileges, constraints, rules, triggers, a view.
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const LASTING = /^(0A|22|23|27|2F|38|39|42|44|55000|P0)/;

/** Cures where the role lacks something other than a privilege on the table, by the server's message. */
const REFUSALS: readonly (readonly [words: RegExp, cure: string])[] = [
  [/row-level security/, "add a policy that lets the role do that (CREATE POLICY), or give it BYPASSRLS"],
  [/\bfunction\b/, "grant the role EXECUTE on it"],
];

/** Whether an error says that this is missing. */
export function isMissing(what: keyof typeof MISSING, cause: unknown): boolean {
  return sqlState(cause) === MISSING[what];
}

/** Whether an error says that what was to be created exists already. */
export function isThereAlready(cause: unknown): boolean {
  return THERE_ALREADY.includes(sqlState(cause) ?? "");
}

/** Whether an error says that the encoding lacks a character of a text. */
export function isUnencodable(cause: unknown): boolean {
  return UNFIT_TEXT.includes(sqlState(cause) ?? "");
}

/** Whether an error will recur until somebody changes the table, the privileges or the values. */
export function isPermanent(cause: unknown): boolean {
  return LASTING.test(sqlState(cause) ?? "") && !isMissing("table", cause);
}

/** Whether an error says that the role lacks a privilege. */
export function isRefused(cause: unknown): boolean {
  return REFUSED.includes(sqlState(cause) ?? "");
}

/** Whether an error says that waiting for others' locks took longer than `lock_timeout`. */
export function isLocked(cause: unknown): boolean {
  return sqlState(cause) === LOCKED;
}

/** Whether the server rolled a statement back in favour of another session's, so that it may be repeated at once. */
export function isBrokenOff(cause: unknown): boolean {
  return BROKEN_OFF.includes(sqlState(cause) ?? "");
}

/** Whether a statement failed only because another transaction was in its way, or it was cancelled or too slow. */
export function isInterference(cause: unknown): boolean {
  return isBrokenOff(cause) || isLocked(cause) || sqlState(cause) === CANCELLED;
}

/** Whether an error says that a table is missing, not accessible to this role, or not what it was taken for. */
export function isOfTable(cause: unknown): boolean {
  return /^(42|3F)/.test(sqlState(cause) ?? "");
}

/** What an administrator is told about a table. */
export interface TableAdvice {
  /** The flag that names another table. */
  readonly flag: string;
  /** The command that prints the table's definition. */
  readonly definition: string;
}

/** What to do about an error of a table, if that differs for a table and for a lock. */
export function cureOf(cause: unknown, { flag, definition }: TableAdvice): string | undefined {
  const state = sqlState(cause);
  if (state === undefined) return undefined;
  if (REFUSED.includes(state)) return REFUSALS.find(([words]) => words.test(messageOf(cause)))?.[1];
  if (state === "25006") {
    return "connect to the primary, or find out what makes it read-only (default_transaction_read_only)";
  }
  if (/^(55000|44)/.test(state)) return `make the view writable, or name a table with ${flag}`;
  // 42: a column of another type, no unique index.
  if (/^(0A|22|23|27|P0|42804|42883|42P10)/.test(state)) {
    return `fix the trigger, constraint, rule or column of the table that causes it (see ${definition})`;
  }
  return undefined;
}

/**
 * What to do if the role lacks a privilege on the schema of a table that exists or is to be created.
 *
 * @param cause The server's error; its message may be in another language, and then says nothing.
 * @param rights What the role needs on a table that an administrator creates.
 */
export function grantOnSchema(cause: unknown, { definition }: TableAdvice, rights: string): string | undefined {
  const message = messageOf(cause);
  const elsewise = `have the table created (${definition}) and grant the role ${rights} on it`;
  if (/\bschema "?public\b|no schema has been selected/i.test(message)) {
    return `have an administrator run CREATE SCHEMA AUTHORIZATION with the role's name in this database, or ${elsewise}`;
  }
  return /permission denied for schema/i.test(message)
    ? `grant the role USAGE on the schema; and CREATE, too, or ${elsewise}`
    : undefined;
}
