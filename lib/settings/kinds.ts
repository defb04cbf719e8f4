/** The kinds of values: how each is read, and what a message says that the setting takes. */

import type { TableName } from "../ledger/table_name.ts";
import { formatDuration, parseWait } from "../text/duration.ts";
import { wholeFrom } from "../text/untrusted.ts";
import { parseGoBoolean } from "../text/go_boolean.ts";
import { isServerWithPassword } from "../text/redaction.ts";
import type { FlagKind } from "./flag.ts";

/** What a setting takes. */
export interface Kind<T> {
  readonly kind: FlagKind;
  /** The words that it takes, where these can be listed. */
  readonly choices?: readonly string[];
  /** The value of a setting that is not set; an entry of the table may have another. */
  readonly default: undefined;
  /**
   * Reads a value; undefined if it is not of this kind.
   *
   * @param isJson Whether it is from JSON, where `"true"` is not `true`. A flag or a variable has only text.
   */
  readonly read: (value: unknown, isJson: boolean) => T | undefined;
  /** What the setting takes, for the message about another value. */
  readonly takes: (value: unknown, isJson: boolean) => string;
}

/** The shortest and the longest duration that a setting takes, both in milliseconds. */
export interface Span {
  readonly min?: number;
  readonly max?: number;
}

/** Where the lock lives: any text, even an empty one, which its parser judges. */
export const server: Kind<string> = {
  kind: "text",
  default: undefined,
  read: (value) => typeof value === "string" ? value : undefined,
  takes: () => "some text",
};

/** The path of a file. */
export const file: Kind<string> = { ...server, kind: "file", read: (value) => isText(value) ? value : undefined };

/** Text that is not empty. */
export const text: Kind<string> = textOf("some text", (text) => text);

/**
 * Text by which the ledger finds a row.
 *
 * @param maxLength The maximum number of characters.
 */
export function key(maxLength: number): Kind<string> {
  return textOf(
    `up to ${maxLength} characters, without spaces around them`,
    // MySQL ignores blanks at the end when it compares. Half a surrogate pair would be stored as U+FFFD.
    (text) => [...text].length <= maxLength && text === text.trim() && text.isWellFormed() ? text : undefined,
  );
}

/** The name of a table, with or without a schema. */
export const table: Kind<TableName> = textOf(
  "a table or schema.table, in up to 63 letters, digits and underscores each",
  (text) => {
    const [, schema, name] = /^(?:([A-Za-z_][\w$-]{0,62})\.)?([A-Za-z_][\w$-]{0,62})$/.exec(text) ?? [];
    return name === undefined ? undefined : { schema, name };
  },
);

export const boolean: Kind<boolean> = {
  kind: "boolean",
  default: undefined,
  read: readBoolean,
  takes: () => "true or false",
};

/** `true`, `false`, or an absolute path. */
export const booleanOrPath: Kind<boolean | string> = {
  kind: "boolean-or-path",
  default: undefined,
  read: (value, isJson) => readBoolean(value, isJson) ?? (isText(value) && value.startsWith("/") ? value : undefined),
  takes: () => "true, false or an absolute path",
};

/** `true`, `false`, or one of the choices. */
export function booleanOrChoice<C extends string>(...choices: readonly C[]): Kind<boolean | C> {
  return {
    kind: "boolean-or-choice",
    choices,
    default: undefined,
    read: (value, isJson) => readBoolean(value, isJson) ?? choices.find((choice) => choice === value),
    takes: () => `true, false, ${choices.join(" or ")}`,
  };
}

/** One of the choices. */
export function choice<C extends string>(...choices: readonly C[]): Kind<C> {
  return {
    kind: "choice",
    choices,
    default: undefined,
    read: (value) => choices.find((choice) => choice === value),
    takes: () => choices.join(" or "),
  };
}

/** A time in milliseconds, written as seconds or as a duration. The limits themselves are allowed. */
export function duration({ min = 0, max = Infinity }: Span = {}): Kind<number> {
  return {
    kind: "duration",
    default: undefined,
    read: (value) => {
      const ms = typeof value === "number" ? value * 1000 : typeof value === "string" ? parseWait(value) : undefined;
      return ms !== undefined && ms >= min && ms <= max && ms !== Infinity ? ms : undefined;
    },
    takes: (_, isJson) => {
      const from = max < Infinity || min > 0 ? `, from ${formatDuration(min)}` : "";
      const to = max < Infinity ? ` to ${formatDuration(max)}` : "";
      // A number in JSON may have a fraction.
      return `${isJson ? "" : "whole "}seconds, or a duration such as 1m30s${from}${to}`;
    },
  };
}

/** A whole number. The limits themselves are allowed. */
export function count({ min, max }: { readonly min: number; readonly max: number }): Kind<number> {
  return {
    kind: "number",
    default: undefined,
    read: (value, isJson) => wholeFrom(isJson && typeof value === "string" ? undefined : value, min, max),
    takes: () => `a whole number from ${min} to ${max}`,
  };
}

/** Text that others will see, on the lock's server or in variables: never a server with a password by mistake. */
function textOf<T>(expected: string, read: (text: string) => T | undefined): Kind<T> {
  return {
    kind: "text",
    default: undefined,
    read: (value) => isText(value) && !isServerWithPassword(value) ? read(value) : undefined,
    takes: (value) =>
      !isText(value) ? "some text" : isServerWithPassword(value) ? "some text that is not a server" : expected,
  };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function readBoolean(value: unknown, isJson: boolean): boolean | undefined {
  if (typeof value === "boolean") return value;
  return typeof value === "string" && !isJson ? parseGoBoolean(value) : undefined;
}
