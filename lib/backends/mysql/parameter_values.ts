/** The kinds of values that parameters of a MySQL DSN have. Each reader throws a `DsnError` for what is none. */

import { parseDuration } from "../../text/duration.ts";
import { cut, DsnError, percentDecode, type Show } from "../network/address_text.ts";

/** One parameter being read. */
export interface Parameter {
  /** What messages call it. */
  readonly name: string;
  /** Not decoded: the Go driver decodes only some. */
  readonly raw: string;
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
  throw badValue(parameter, "is no boolean", "write true or false");
}

/** Milliseconds, also less than none. */
export function readDuration(parameter: Parameter): number {
  const ms = parseDuration(parameter.raw);
  if (ms !== undefined) return ms;
  throw badValue(parameter, "is no duration", "write a number with its unit such as 500ms or 30s");
}

/** Go takes a negative timeout too, and then every connection times out before it has begun; no lock wants that. */
export function readTimeout(parameter: Parameter): number {
  const ms = readDuration(parameter);
  if (ms >= 0) return ms;
  throw badValue(parameter, "is negative", "write a duration such as 30s, or 0 for no limit");
}

/** A whole number. */
export function readInteger(parameter: Parameter): number {
  const value = Number(parameter.raw);
  if (/^[+-]?[0-9]+$/.test(parameter.raw) && Number.isSafeInteger(value)) return value;
  throw badValue(parameter, "is no whole number", "write bytes such as 67108864, or 0 for the server's own limit");
}

/** Booleans in their eight spellings, `skip-verify` and `preferred` in any case, else a name as it stands. */
export function readTlsName(parameter: Parameter): string {
  const value = parseBoolean(parameter.raw);
  if (value !== undefined) return String(value);
  const lower = parameter.raw.toLowerCase();
  return lower === "skip-verify" || lower === "preferred" ? lower : queryDecode(parameter);
}

/** An item without a colon is passed over, as the Go driver does. */
export function readAttributes(parameter: Parameter): Record<string, string> {
  const attributes = queryDecode(parameter).split(",").map((item) => cut(item, ":"));
  return Object.fromEntries(attributes.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

/** The name of a character set or a collation. */
export function checkName(parameter: Parameter, name: string): string {
  if (/^[A-Za-z0-9_]+$/.test(name)) return name;
  throw badValue(parameter, "is no name of a character set or collation", "write one such as utf8mb4");
}

/** Checks the name of a time zone. */
export function readTimeZone(parameter: Parameter): void {
  const name = queryDecode(parameter);
  if (["", "UTC", "Local"].includes(name) || isTimeZone(name)) return;
  throw badValue(parameter, "is no time zone", "write UTC, Local or a name such as Europe%2FParis");
}

function isTimeZone(name: string): boolean {
  // Intl knows offsets such as +01:00 too, Go does not.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: name }));
  } catch {
    return false;
  }
}

/** As Go's `url.QueryUnescape`: a plus is a space. */
export function queryDecode({ name, raw }: Parameter): string {
  const decoded = percentDecode(raw.replaceAll("+", " "));
  if (decoded !== undefined) return decoded;
  throw problemWith(name, "its value has a wrong percent escape", "write % as %25");
}
