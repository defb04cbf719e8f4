/**
 * SQL, safe from injection. Databases are only given a {@linkcode Statement}, never a string, and only the template tag
 * {@linkcode sql} makes statements. The text of the template comes from the source code. What is inserted is either a
 * value, quoted so that it cannot become SQL, or a word whose characters have been checked.
 *
 * @module
 */

import type { Quoting } from "./quoting.ts";

/** SQL as text, or a value or name that each kind of database quotes in its own way. */
type Part = string | { readonly as: keyof Quoting; readonly text: string };

// Give this file access to the private members.
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
   * Prevents a statement from being used as text by mistake.
   *
   * @throws {TypeError} Always.
   */
  toString(): never {
    throw new TypeError("a statement is no text: see textFor()");
  }

  /** The SQL for a kind of database. */
  textFor(quoting: Quoting): string {
    return this.#parts.map((part) => typeof part === "string" ? part : quoting[part.as](part.text)).join("");
  }
}

/**
 * Makes a statement, or a part of one.
 *
 * @param values A statement becomes a part of this one; a text becomes a quoted value; a whole number is inserted as it is.
 * @throws {RangeError} For a number that is not whole, or too large to be exact.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { MYSQL } from "./quoting.ts";
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
  throw new RangeError(`not a whole number: ${value}`);
}

/** Joins statements, or parts of them, with a separator. */
export function join(parts: readonly Statement[], between: Statement = sql`, `): Statement {
  return make(parts.flatMap((part, index) => index === 0 ? partsIn(part) : [...partsIn(between), ...partsIn(part)]));
}

/**
 * The name of a table, a column or the like, quoted.
 *
 * @throws {RangeError} When it is not a name that all databases accept.
 */
export function identifier(name: string): Statement {
  return make([{ as: "identifier", text: checked(name, /^[A-Za-z_][A-Za-z0-9_$-]{0,62}$/) }]);
}

/**
 * A word as a readable literal, for what a server, or a person who reads its statements, must see unchanged. It is in single
 * quotes, which mean the same in all databases and modes.
 *
 * @throws {RangeError} When it has characters other than ASCII letters, digits and underscores, with single dots between.
 */
export function word(text: string): Statement {
  return make([`'${checked(text, /^[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*$/)}'`]);
}

/**
 * The name of a variable of MySQL or MariaDB, with or without a prefix such as `@@SESSION.`.
 *
 * @throws {RangeError} When it is not a name.
 */
export function variable(name: string): Statement {
  return make([checked(name, /^[A-Za-z_@][A-Za-z0-9_.@$]*$/)]);
}

/**
 * A comment.
 *
 * @throws {RangeError} Unless its text is printable ASCII without slash, asterisk, apostrophe, question mark and
 * semicolon: these could end the comment, or mislead a driver or proxy that looks for placeholders, strings and ends of
 * statements.
 */
export function comment(text: string): Statement {
  return make([`/* ${checked(text, /^(?:(?![*/'?;])[ -~])*$/)} */`]);
}

/**
 * SQL that the administrator wrote in sera's settings: the value of a parameter such as `time_zone='UTC'` in the DSN,
 * which is defined to be an expression. This is the only way for text to become SQL: never pass anything that was read
 * from a server, another process, or a file that others can write.
 */
export function administratorsSql(text: string): Statement {
  return make([text]);
}

function checked(text: string, allowed: RegExp): string {
  if (allowed.test(text)) return text;
  throw new RangeError(`not to be written into SQL: ${JSON.stringify(text.slice(0, 100))}`);
}
