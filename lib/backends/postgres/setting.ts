/** What all parts of reading PostgreSQL settings share: a value that knows its origin, and the ways to read one. */

import { pathOr } from "../../text/harmless.ts";
import { DsnError, type Show, showQuoted } from "../network/address_text.ts";

/** One value, as text. */
export interface Setting {
  readonly value: string;
  /** What a message calls it: the keyword, the environment variable, or the keyword and the service file. */
  readonly label: string;
  /** How a message may show the value. */
  readonly show: Show;
}

/** Values by keyword. */
export type Settings = ReadonlyMap<string, Setting>;

/** An error about a setting that is there. */
export function badSetting(setting: Setting, problem: string, cure?: string): DsnError {
  return new DsnError(`Cannot use ${setting.label} for PostgreSQL: ${problem}`, cure);
}

/** A path in a message, unless somebody may have written something else in its place. */
export const showPath = (path: string): string => {
  const shown = pathOr(path, "");
  return shown === "" ? "(not shown)" : showQuoted(shown, "(not shown)");
};

/** As {@linkcode showPath}; a path in a setting of sera's own has nothing behind it that was meant to be another one. */
export function showPathOf({ label, value }: Setting): string {
  const shown = label === "tls-ca" ? pathOr(value, "") : "";
  return shown === "" ? showPath(value) : JSON.stringify(shown);
}

/** One of some names, in lower case as libpq wants them. */
export function readChoice<T extends string>(settings: Settings, name: string, choices: readonly T[]): T | undefined {
  const setting = settings.get(name);
  if (!setting) return undefined;
  const choice = choices.find((choice) => choice === setting.value);
  if (choice !== undefined) return choice;
  const known = `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
  throw badSetting(setting, `${setting.show(setting.value, "its value")} is not known`, `write ${known}`);
}

/** A whole number of 32 bits, with a sign and blanks around it if need be. */
export function readInteger(settings: Settings, name: string): number | undefined {
  const setting = settings.get(name);
  if (!setting) return undefined;
  const number = parseInteger(setting.value);
  if (number !== undefined) return number;
  throw badSetting(setting, `${setting.show(setting.value, "its value")} is no whole number`, "write one such as 10");
}

/** As libpq's pqParseIntParam. */
export function parseInteger(text: string): number | undefined {
  const number = Number(text);
  return /^[ \t\n\v\f\r]*[+-]?[0-9]+[ \t\n\v\f\r]*$/.test(text) && number === (number | 0) ? number : undefined;
}
