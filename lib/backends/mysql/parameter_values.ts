/** Readers for the values of a MySQL DSN's parameters. Each throws a `DsnError` for an invalid value. */

import { parseDuration } from "../../text/duration.ts";
import { cut, DsnError, percentDecode, type Show } from "../network/address_text.ts";

/** A parameter as written. */
export interface Parameter {
  /** The name to use in messages. */
  readonly name: string;
  /** Not yet percent-decoded: the Go driver decodes only some. */
  readonly raw: string;
  /** How messages may show the value. */
  readonly show: Show;
}

/** The error for a parameter. */
export function problemWith(name: string, problem: string, cure: string): DsnError {
  return new DsnError(`Cannot use parameter ${name} of the MySQL DSN: ${problem}`, cure);
}

function badValue({ name, raw, show }: Parameter, problem: string, cure: string): DsnError {
  return problemWith(name, `${show(raw, "its value")} ${problem}`, cure);
}

function parseBoolean(text: string): boolean | undefined {
  if (["1", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "false", "FALSE", "False"].includes(text)) return false;
  return undefined;
}

/** A boolean, in one of Go's eight spellings. */
export function readBoolean(parameter: Parameter): boolean {
  const value = parseBoolean(parameter.raw);
  if (value !== undefined) return value;
  throw badValue(parameter, "is not a boolean", "write true or false");
}

/** Milliseconds; may be negative. */
export function readDuration(parameter: Parameter): number {
  const ms = parseDuration(parameter.raw);
  if (ms !== undefined) return ms;
  throw badValue(parameter, "is not a duration", "write a number with its unit such as 500ms or 30s");
}

/** Milliseconds. Stricter than Go, where a negative timeout makes every connection fail at once. */
export function readTimeout(parameter: Parameter): number {
  const ms = readDuration(parameter);
  if (ms >= 0) return ms;
  throw badValue(parameter, "is negative", "write a duration such as 30s, or 0 for no limit");
}

/** A whole number. */
export function readInteger(parameter: Parameter): number {
  const value = Number(parameter.raw);
  if (/^[+-]?[0-9]+$/.test(parameter.raw) && Number.isSafeInteger(value)) return value;
  throw badValue(parameter, "is not a whole number", "write bytes such as 67108864, or 0 for the server's own limit");
}

/** A boolean in any of Go's spellings, `skip-verify` or `preferred` in any case, or the name of another TLS config. */
export function readTlsName(parameter: Parameter): string {
  const value = parseBoolean(parameter.raw);
  if (value !== undefined) return String(value);
  const lower = parameter.raw.toLowerCase();
  return lower === "skip-verify" || lower === "preferred" ? lower : queryDecode(parameter);
}

/** Pairs `name:value`, separated by commas. An item without a colon is ignored, as by the Go driver. */
export function readAttributes(parameter: Parameter): Record<string, string> {
  const attributes = queryDecode(parameter).split(",").map((item) => cut(item, ":"));
  return Object.fromEntries(attributes.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

/** Returns the name of a character set or collation, if it is one. */
export function checkName(parameter: Parameter, name: string): string {
  if (/^[A-Za-z0-9_]+$/.test(name)) return name;
  throw badValue(parameter, "is not the name of a character set or collation", "write one such as utf8mb4");
}

/** Checks the name of a time zone, which has no effect on sera. */
export function readTimeZone(parameter: Parameter): void {
  const name = queryDecode(parameter);
  if (["", "UTC", "Local"].includes(name) || isTimeZone(name)) return;
  throw badValue(parameter, "is not a time zone", "write UTC, Local or a name such as Europe%2FParis");
}

function isTimeZone(name: string): boolean {
  // Unlike Go, Intl also accepts offsets such as +01:00.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: name }));
  } catch {
    return false;
  }
}

/** Decodes as Go's `url.QueryUnescape`: a plus is a space. */
export function queryDecode({ name, raw }: Parameter): string {
  const decoded = percentDecode(raw.replaceAll("+", " "));
  if (decoded !== undefined) return decoded;
  throw problemWith(name, "its value has an invalid percent escape", "write % as %25");
}
