import { LockUnavailableError, type Trouble } from "../../errors.ts";
import { exactFrom } from "../../text/untrusted.ts";
import type { Statement } from "./statement.ts";
import type { QueryOptions } from "./query_options.ts";
import type { Session } from "./session.ts";
import type { Row } from "./row.ts";

/** An answer of one row, whose values are checked to be of the type that is asked for. */
export class Answer<Column extends string> {
  readonly #row: Row;
  readonly #failure: (trouble: Trouble) => Error;

  /**
   * @param columns The names of all columns.
   * @param failure Makes the error for an invalid answer, thrown here or by the methods.
   */
  constructor(rows: readonly Row[], columns: readonly Column[], failure: (trouble: Trouble) => Error) {
    this.#failure = failure;
    const [row = {}] = rows;
    if (rows.length !== 1) throw this.#malformed(`${rows.length} rows`);
    if (Object.keys(row).toSorted().join() !== columns.toSorted().join()) throw this.#malformed("unexpected columns");
    this.#row = row;
  }

  /** A MySQL boolean, 0 or 1; undefined for NULL. */
  bit(column: Column): boolean | undefined {
    return this.#row[column] === null ? undefined : this.#oneOf(column, ["0", "1"]);
  }

  /** A PostgreSQL boolean, `f` or `t`. */
  truth(column: Column): boolean {
    return this.#oneOf(column, ["f", "t"]);
  }

  /** A number that is not negative. */
  number(column: Column): number {
    const text = String(this.#row[column]);
    const number = Number(text);
    if (!/^\d+(\.\d+)?$/.test(text) || number > Number.MAX_SAFE_INTEGER) throw this.#wrong(column);
    return number;
  }

  /** A whole number that is not negative. */
  whole(column: Column): number {
    const number = this.number(column);
    if (!Number.isInteger(number)) throw this.#wrong(column);
    return number;
  }

  /** A whole number of any size, which may be negative. */
  exact(column: Column): bigint {
    const number = exactFrom(this.#row[column]);
    if (number === undefined) throw this.#wrong(column);
    return number;
  }

  /** Whether it is exactly this text. */
  is(column: Column, text: string): boolean {
    return this.#row[column] === text;
  }

  /** A text. */
  text(column: Column): string {
    const text = this.#row[column];
    if (typeof text !== "string") throw this.#wrong(column);
    return text;
  }

  /** A text that consists of `count` parts, separated by slashes. */
  texts(column: Column, count: number): readonly string[] {
    const texts = count === 0 ? [] : this.text(column).split("/");
    if (texts.length !== count) throw this.#wrong(column);
    return texts;
  }

  #oneOf(column: Column, [no, yes]: readonly [string, string]): boolean {
    const text = String(this.#row[column]);
    if (text !== no && text !== yes) throw this.#wrong(column);
    return text === yes;
  }

  #wrong(column: Column): Error {
    return this.#malformed(`a wrong value of ${column}`);
  }

  #malformed(what: string): Error {
    return this.#failure({
      what: `the server's answer is invalid (${what})`,
      cure: "connect directly to the server, and see its log",
    });
  }
}

/**
 * Asks for one row.
 *
 * @param columns The names of all its columns.
 * @throws {LockUnavailableError} When the statement fails, or there is no valid answer.
 * @throws The signal's reason when it is aborted.
 */
export async function askOne<Column extends string>(
  session: Pick<Session, "where" | "queryAll">,
  statement: Statement,
  columns: readonly Column[],
  options?: QueryOptions,
): Promise<Answer<Column>> {
  return answerIn(session, await session.queryAll(statement, options), columns);
}

/**
 * Reads an answer of one row.
 *
 * @param columns The names of all its columns.
 * @throws {LockUnavailableError} When it is invalid.
 */
export function answerIn<Column extends string>(
  { where }: Pick<Session, "where">,
  rows: readonly Row[],
  columns: readonly Column[],
): Answer<Column> {
  // Not transient: the same question would get the same answer.
  return new Answer(rows, columns, (trouble) => LockUnavailableError.on(where, trouble));
}
