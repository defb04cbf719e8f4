import type { Trouble } from "../../errors.ts";
import type { Spelling } from "./spelling.ts";
import type { Statement } from "./statement.ts";

/** The columns of the table but its id, in their order. */
export type LedgerColumn =
  /** Of the table as the one who wrote the row knew it, see `VERSION`. */
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
  /** When the run may be forgotten; NULL is never. */
  | "expires";

/** What databases differ in, as far as the ledger is concerned. */
export interface Dialect {
  /** How it writes values and names. */
  readonly spelling: Spelling;
  /** The table's name. */
  readonly table: Statement;
  /** The table as messages name it. */
  readonly shown: string;
  /** The name of an index of the table. */
  indexName(what: string): Statement;
  /** The definition of the column `id`, which counts by itself and never gives a number twice. */
  readonly id: Statement;
  /** The columns' types. */
  readonly types: Readonly<Record<LedgerColumn, Statement>>;
  /** What follows the columns of a new table. */
  readonly tableOptions: Statement;
  /** Whether an index is a part of the table, as in MySQL, or is made by a statement of its own. */
  readonly inlineIndexes: boolean;
  /** SQL for the server's time. */
  readonly now: Statement;
  /** SQL for the server's time in so many milliseconds; a negative number is in the past. */
  after(milliseconds: number): Statement;
  /** SQL for the number of the session. */
  readonly session: Statement;
  /** SQL for the id that was given last; undefined where INSERT itself tells. */
  readonly lastId?: Statement | undefined;
  /**
   * What goes before and after an INSERT, so that nobody is let begin a run who may not record its end. Of several rows
   * with one id none is changed, and {@linkcode lastId} is then 0.
   */
  readonly askToUpdate?: { readonly before: Statement; readonly after: Statement } | undefined;
  /** SQL that tells how the table keeps its rows, for {@linkcode whyForgetful}; undefined where there is one way only. */
  readonly keeping?: Statement | undefined;
  /** Why such a table does not remember what ran, and what to do; undefined if it does. */
  whyForgetful(keeping: unknown): Trouble | undefined;
  /**
   * SQL that asks the same, in a row's `keeping`, of a table below one that keeps no rows itself, as a view or the whole of
   * several partitions; undefined if such an answer is none of that kind.
   */
  keepingBelow?(keeping: unknown): Statement | undefined;
  /**
   * SQL that reads a column of text in the form that {@linkcode decodeText} takes: a character more than
   * `LONGEST_TEXT` at most, so that a look does not fetch what nobody reads.
   */
  readText(column: Statement): Statement;
  /** The text; undefined if there is none. */
  decodeText(value: unknown): string | undefined;
  /** The condition that a column is this text to the letter. */
  isExactly(column: Statement, text: string): Statement;
  /** SQL that reads a whole number as text, for drivers round large ones. */
  readNumber(column: Statement): Statement;
  /** SQL that reads a time as milliseconds since 1970; what is no time is NULL, or any other value. */
  readTime(column: Statement): Statement;
  /** Whether the database has said that this is missing. */
  isMissing(what: "schema" | "table" | "column", cause: unknown): boolean;
  /** Whether it has said that what was to be made is there already. */
  isThereAlready(cause: unknown): boolean;
  /**
   * What has kept it from giving a row its id: there is a row that has this id, or one that has the highest there is.
   * Somebody has written such a row, since the database itself gives no id twice.
   */
  idTrouble(cause: unknown): "taken" | "none left" | undefined;
  /** Whether it has said that it has no way to write a text, since its encoding lacks a character. */
  isUnfitText(cause: unknown): boolean;
  /** SQL for the id of a row that is inserted when there are none left, as {@linkcode lastId} tells it afterwards. */
  readonly nextId: Statement;
  /** What to do when it gives an id that is too high, or gives one that is there, again and again. */
  readonly countOn: string;
  /** Whether it has said of a statement what it will say of it again, until somebody changes the table, rights or values. */
  isLasting(cause: unknown): boolean;
  /** Whether it has said that the user may not do that. */
  isRefused(cause: unknown): boolean;
  /** What to do then for those who write, and for those who only read. */
  readonly grant: string;
  readonly grantToRead: string;
  /** What to do about other things that it has said, where that is another thing with a table than with a lock. */
  cureOf(cause: unknown): string | undefined;
  /** What to do about a table that another program has made. */
  readonly cureOfForeign: string;
  /** Whose clock counts, for people. */
  readonly clock: "server" | "machine";
}
