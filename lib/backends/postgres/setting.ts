/** A PostgreSQL setting with its origin, and functions to read one. */

import { pathOr } from "../../text/redaction.ts";
import { DsnError, type Show, showQuoted } from "../network/address_text.ts";

/** One value, as text. */
export interface Setting {
  readonly value: string;
  /** Its name in messages: the keyword, the environment variable, or the keyword and the service file. */
  readonly label: string;
  /** How a message may show the value. */
  readonly show: Show;
}

/** Values by keyword. */
export type Settings = ReadonlyMap<string, Setting>;

/** The error for a setting that cannot be used. */
export function badSetting(setting: Setting, problem: string, cure?: string): DsnError {
  return new DsnError(`Cannot use ${setting.label} for PostgreSQL: ${problem}`, cure);
}

/** A path as messages show it: hidden if it may be something else, such as a password in the wrong place. */
export const showPath = (path: string): string => {
  const shown = pathOr(path, "");
  return shown === "" ? "(not shown)" : showQuoted(shown, "(not shown)");
};

/** As {@linkcode showPath}, but shows more of a path in sera's `tls-ca`, where no other setting can have slipped in. */
export function showPathOf({ label, value }: Setting): string {
  const shown = label === "tls-ca" ? pathOr(value, "") : "";
  return shown === "" ? showPath(value) : JSON.stringify(shown);
}

/**
 * A setting that is one of these words, in lower case as in libpq; undefined if it is absent.
 *
 * @throws {DsnError} For any other word.
 */
export function readChoice<T extends string>(settings: Settings, name: string, choices: readonly T[]): T | undefined {
  const setting = settings.get(name);
  if (!setting) return undefined;
  const choice = choices.find((choice) => choice === setting.value);
  if (choice !== undefined) return choice;
  const known = `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
  throw badSetting(setting, `${setting.show(setting.value, "its value")} is not known`, `write ${known}`);
}

/**
 * A setting that is a whole number of 32 bits; undefined if it is absent.
 *
 * @throws {DsnError} For anything else.
 */
export function readInteger(settings: Settings, name: string): number | undefined {
  const setting = settings.get(name);
  if (!setting) return undefined;
  const number = parseInteger(setting.value);
  if (number !== undefined) return number;
  throw badSetting(
    setting,
    `${setting.show(setting.value, "its value")} is not a whole number`,
    "write one such as 10",
  );
}

/** Reads a whole number of 32 bits, with an optional sign and blanks around it, as libpq's pqParseIntParam does. */
export function parseInteger(text: string): number | undefined {
  const number = Number(text);
  return /^[ \t\n\v\f\r]*[+-]?[0-9]+[ \t\n\v\f\r]*$/.test(text) && number === (number | 0) ? number : undefined;
}
