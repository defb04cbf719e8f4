import { LockUnavailableError, type Trouble } from "../../errors.ts";
import type { Statement } from "./statement.ts";
import type { QueryOptions, Row, Session } from "./session.ts";

/** An answer of one row, whose values are taken for nothing but what they have to be. */
export class Answer<Column extends string> {
  readonly #row: Row;
  readonly #failure: (trouble: Trouble) => Error;

  /**
   * @param columns All that were asked for.
   * @param failure Makes the error that is thrown, here and later, where that is not what came.
   */
  constructor(rows: readonly Row[], columns: readonly Column[], failure: (trouble: Trouble) => Error) {
    this.#failure = failure;
    const [row = {}] = rows;
    if (rows.length !== 1) throw this.#nonsense(`${rows.length} rows`);
    if (Object.keys(row).toSorted().join() !== columns.toSorted().join()) throw this.#nonsense("other columns");
    this.#row = row;
  }

  /** A truth of MySQL, 0 or 1; undefined for NULL. */
  bit(column: Column): boolean | undefined {
    return this.#row[column] === null ? undefined : this.#oneOf(column, ["0", "1"]);
  }

  /** A truth of PostgreSQL, `f` or `t`. */
  truth(column: Column): boolean {
    return this.#oneOf(column, ["f", "t"]);
  }

  /** A number that is not negative, such as a time. */
  number(column: Column): number {
    const text = String(this.#row[column]);
    const number = Number(text);
    if (!/^\d+(\.\d+)?$/.test(text) || number > Number.MAX_SAFE_INTEGER) throw this.#wrong(column);
    return number;
  }

  /** A whole number that is not negative, such as a process. */
  whole(column: Column): number {
    const number = this.number(column);
    if (!Number.isInteger(number)) throw this.#wrong(column);
    return number;
  }

  /** Whether it is this text, and not another, a number or NULL. */
  is(column: Column, text: string): boolean {
    return this.#row[column] === text;
  }

  /** A text. */
  text(column: Column): string {
    const text = this.#row[column];
    if (typeof text !== "string") throw this.#wrong(column);
    return text;
  }

  /** A text that is several, with a slash between any two. */
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
    return this.#nonsense(`a wrong value of ${column}`);
  }

  #nonsense(what: string): Error {
    return this.#failure({
      what: `the server's answer makes no sense (${what})`,
      cure: "connect to the server itself, and see its log",
    });
  }
}

/**
 * Asks for one row.
 *
 * @param columns What its columns are called, all of them.
 * @throws {LockUnavailableError} When the statement fails, is not answered, or is answered with something else.
 * @throws The signal's reason when it is aborted.
 */
export async function askOne<Column extends string>(
  session: Session,
  statement: Statement,
  columns: readonly Column[],
  options?: QueryOptions,
): Promise<Answer<Column>> {
  return new Answer(await session.queryAll(statement, options), columns, (trouble) => {
    // Not one that may pass: the same question would get the same answer.
    return LockUnavailableError.on(session.where, trouble);
  });
}
