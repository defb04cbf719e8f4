/**
 * SQL for a database. Whatever reaches one is a {@linkcode Statement}, never a string; and a statement is made by the
 * template {@linkcode sql} alone. What stands in the template is the programmer's; what is put into it is a value that
 * cannot be anything else, or something whose letters have been checked.
 *
 * @module
 */

import type { Spelling } from "./spelling.ts";

/** SQL as text, or what each kind of database writes in its own way. */
type Part = string | { readonly as: keyof Spelling; readonly text: string };

/** What only this file may do with a statement. */
let make: (parts: readonly Part[]) => Statement;
let partsIn: (statement: Statement) => readonly Part[];

/** A statement, or a part of one. */
export class Statement {
  readonly #parts: readonly Part[];

  private constructor(parts: readonly Part[]) {
    this.#parts = parts;
  }

  static {
    make = (parts) => new Statement(parts);
    partsIn = (statement) => statement.#parts;
  }

  /**
   * Keeps a statement from being taken for text by oversight.
   *
   * @throws {TypeError} Always.
   */
  toString(): never {
    throw new TypeError("a statement is no text: see textFor()");
  }

  /** The SQL for one kind of database: for its driver, or for people. */
  textFor(spelling: Spelling): string {
    return this.#parts.map((part) => typeof part === "string" ? part : spelling[part.as](part.text)).join("");
  }
}

/**
 * Makes a statement, or a part of one.
 *
 * @param values A statement, as the part that it is; a text, as a value; a whole number.
 * @throws {RangeError} For a number that is not whole, or too large to be exact.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { MYSQL } from "./spelling.ts";
 * import { identifier, sql } from "./statement.ts";
 *
 * const statement = sql`SELECT label FROM ${identifier("sera_runs")} WHERE label = ${"it's"} AND id > ${7}`;
 * assert.equal(
 *   statement.textFor(MYSQL),
 *   "SELECT label FROM `sera_runs` WHERE label = _utf8mb4 X'69742773' AND id > 7",
 * );
 * ```
 */
export function sql(
  strings: TemplateStringsArray,
  ...values: readonly (Statement | string | number | bigint)[]
): Statement {
  return make(strings.flatMap((text, index) => index < values.length ? [text, ...partsOf(values[index]!)] : [text]));
}

function partsOf(value: Statement | string | number | bigint): readonly Part[] {
  if (value instanceof Statement) return partsIn(value);
  if (typeof value === "string") return [{ as: "text", text: value }];
  if (typeof value === "bigint" || Number.isSafeInteger(value)) return [String(value)];
  throw new RangeError(`no whole number: ${value}`);
}

/** Statements or parts of them, one after the other, with a part between any two. */
export function join(parts: readonly Statement[], between: Statement = sql`, `): Statement {
  return make(parts.flatMap((part, index) => index === 0 ? partsIn(part) : [...partsIn(between), ...partsIn(part)]));
}

/**
 * A name of a table, a column or the like, in its quotes.
 *
 * @throws {RangeError} When it is none that all databases take.
 */
export function identifier(name: string): Statement {
  return make([{ as: "identifier", text: checked(name, /^[A-Za-z_][A-Za-z0-9_$-]{0,62}$/) }]);
}

/**
 * A word as a literal that anybody can read: for what a server, or somebody who looks at it, wants to see as it is. In
 * single quotes, which mean the same in all databases and modes.
 *
 * @throws {RangeError} When it has other characters than ASCII letters, digits and underscores.
 */
export function word(text: string): Statement {
  return make([`'${checked(text, /^[A-Za-z0-9_]+$/)}'`]);
}

/**
 * The name of a variable of MySQL or MariaDB, with what may stand before it, such as `@@SESSION.`.
 *
 * @throws {RangeError} When it is none.
 */
export function variable(name: string): Statement {
  return make([checked(name, /^[A-Za-z_@][A-Za-z0-9_.@$]*$/)]);
}

/**
 * A comment.
 *
 * @throws {RangeError} When its text could end it, begin another, or matter to a driver or a proxy that looks for
 * placeholders, strings and ends of statements: it is printable ASCII without slash, asterisk, apostrophe, question mark
 * and semicolon.
 */
export function comment(text: string): Statement {
  return make([`/* ${checked(text, /^(?:(?![*/'?;])[ -~])*$/)} */`]);
}

/**
 * SQL as an administrator has written it, in sera's own settings: the value of a parameter such as `time_zone='UTC'` in
 * the DSN, which is an expression by contract. The only way for text to become SQL; nothing that was read from a server, a
 * file that others write, or another process may ever come here.
 */
export function administratorsSql(text: string): Statement {
  return make([text]);
}

function checked(text: string, allowed: RegExp): string {
  if (allowed.test(text)) return text;
  throw new RangeError(`not to be written into SQL: ${JSON.stringify(text.slice(0, 100))}`);
}
