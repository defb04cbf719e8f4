import type { Trouble } from "../../errors.ts";
import type { Quoting } from "./quoting.ts";
import type { Statement } from "./statement.ts";

/** The table's columns in order, except its id. */
export type LedgerColumn =
  /** Schema version known to the row's writer, see `VERSION`. */
  | "version"
  | "lock_name"
  | "run_key"
  | "label"
  | "host"
  | "pid"
  | "session_id"
  | "user_name"
  | "started"
  | "finished"
  | "exit_code"
  | "outcome"
  /** When the row may be deleted; NULL means never. */
  | "expires";

/** What the ledger needs to know about a kind of database. */
export interface Dialect {
  /** How SQL values and names are written. */
  readonly quoting: Quoting;
  /** The table's name. */
  readonly table: Statement;
  /** The table as messages name it. */
  readonly shown: string;
  /** The name of an index of the table. */
  indexName(what: string): Statement;
  /** The definition of the column `id`, which numbers the rows and never reuses a number. */
  readonly id: Statement;
  /** The columns' types. */
  readonly types: Readonly<Record<LedgerColumn, Statement>>;
  /** What follows the columns in CREATE TABLE. */
  readonly tableOptions: Statement;
  /** Whether indexes are defined in CREATE TABLE, as for MySQL, or each by a statement of its own. */
  readonly inlineIndexes: boolean;
  /** SQL for the server's time. */
  readonly now: Statement;
  /** SQL for the server's time plus so many milliseconds, which may be negative. */
  after(milliseconds: number): Statement;
  /** SQL for the number of the current session. */
  readonly session: Statement;
  /** SQL for the last inserted id; undefined where INSERT can return it. */
  readonly lastId?: Statement | undefined;
  /**
   * Wraps an INSERT so that it also needs the right to UPDATE: a user who cannot record the end of a run must not begin
   * one. If the id is taken, no row is changed, and {@linkcode lastId} is 0.
   */
  readonly requireUpdate?: { readonly before: Statement; readonly after: Statement } | undefined;
  /**
   * Limits how long a statement waits for others' locks, if it follows another statement in the same message. Absent where
   * the first failure ends the message anyway.
   */
  withShortWait?(statement: Statement): Statement;
  /** SQL for how the table stores its rows, for {@linkcode whyVolatile}; undefined where there is only one way. */
  readonly storage?: Statement | undefined;
  /** Why a table with this storage may lose its rows, and what to do; undefined if it keeps them. */
  whyVolatile(storage: unknown): Trouble | undefined;
  /**
   * A query for the `storage` of the underlying tables, if this one stores no rows itself (a view or a partitioned table);
   * undefined if it does.
   */
  storageBelow?(storage: unknown): Statement | undefined;
  /**
   * SQL that reads a text column in the form that {@linkcode decodeText} takes, and no more than one character beyond
   * `MAX_TEXT_LENGTH`, however long the text is.
   */
  readText(column: Statement): Statement;
  /** Decodes a text; undefined if there is none. */
  decodeText(value: unknown): string | undefined;
  /** SQL for a column by whose index rows are not to be looked up; absent where the database knows best which index to use. */
  unindexed?(column: Statement): Statement;
  /** The condition that a column is exactly this text. */
  isExactly(column: Statement, text: string): Statement;
  /** SQL that reads a whole number as text, since drivers round large ones. */
  readNumber(column: Statement): Statement;
  /** SQL that reads a time as milliseconds since 1970; if it is not a time, NULL or any other value. */
  readTime(column: Statement): Statement;
  /** Whether an error says that this is missing. */
  isMissing(what: "schema" | "table" | "column", cause: unknown): boolean;
  /** Whether an error says that what was to be created already exists. */
  isThereAlready(cause: unknown): boolean;
  /**
   * Whether an error says that a row cannot get an id: a row with the next id, or with the highest possible one,
   * exists. Somebody else has written it, since the database itself never reuses an id.
   */
  idTrouble(cause: unknown): "taken" | "none left" | undefined;
  /** Whether an error says that the encoding lacks a character of the text. */
  isUnencodable(cause: unknown): boolean;
  /** SQL that chooses an id when the database has none left, so that {@linkcode lastId} returns it afterwards. */
  readonly nextId: Statement;
  /** What to do when new ids are too high, or taken. */
  readonly idCure: string;
  /** Whether an error recurs until somebody changes the table, the privileges or the values. */
  isPermanent(cause: unknown): boolean;
  /** Whether an error says that the user lacks a privilege. */
  isRefused(cause: unknown): boolean;
  /** What to do then: for a user who writes, and for one who only reads. */
  readonly grant: string;
  readonly grantToRead: string;
  /** What those who write need if it is not a right on the table that they lack. */
  grantOf?(cause: unknown): string | undefined;
  /** What to do about another error, if that differs for a table and for a lock. */
  cureOf(cause: unknown): string | undefined;
  /** What to do about a table that another program has created. */
  readonly cureOfForeign: string;
  /** Whose clock counts. */
  readonly clock: "server" | "machine";
}
