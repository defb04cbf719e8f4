/**
 * Validates values from a server, another process, or a file that others can write: they may be anything. Nothing here
 * throws; the result is undefined for an invalid value.
 *
 * @module
 */

/** The longest text to keep, in characters; the ledger's columns hold as many. */
export const MAX_TEXT_LENGTH = 190;

/** The highest number that a process can have: Linux counts to 2^22, Windows uses 32 bits. */
const MAX_PID = 2 ** 32 - 1;

/** The end of the year 9999, in milliseconds since 1970; ISO 8601 writes later years in another way. */
const MAX_TIME = Date.UTC(10_000, 0, 1) - 1;

/** A text, cut if it is too long; numbers are converted, and bytes decoded as UTF-8. */
export function textFrom(value: unknown): string | undefined {
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  const text = value instanceof Uint8Array ? new TextDecoder().decode(value.subarray(0, 5 * MAX_TEXT_LENGTH)) : value;
  if (typeof text !== "string") return undefined;
  // Replaces half surrogate pairs, which are not characters and which many programs reject.
  const characters = [...text.slice(0, 2 * MAX_TEXT_LENGTH + 2).toWellFormed()];
  return characters.length <= MAX_TEXT_LENGTH
    ? characters.join("")
    : `${characters.slice(0, MAX_TEXT_LENGTH - 3).join("")}...`;
}

/** A whole number that a JavaScript number holds exactly, from `min` to `max`. */
export function wholeFrom(value: unknown, min = 0, max = Number.MAX_SAFE_INTEGER): number | undefined {
  const exact = exactFrom(value);
  return exact !== undefined && exact >= min && exact <= max ? Number(exact) : undefined;
}

/** A whole number of any size. */
export function exactFrom(value: unknown): bigint | undefined {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  return typeof value === "string" && /^-?[0-9]{1,20}$/.test(value) ? BigInt(value) : undefined;
}

/** A process number. */
export function pidFrom(value: unknown): number | undefined {
  return wholeFrom(value, 1, MAX_PID);
}

/** A moment in milliseconds since 1970, from 1970 to the year 9999. */
export function timeFrom(value: unknown): number | undefined {
  if (value === null || value === "") return undefined;
  const time = typeof value === "number" || typeof value === "string" ? Math.round(Number(value)) : NaN;
  return time >= 0 && time <= MAX_TIME ? time : undefined;
}

/** A whole number for JSON: a number if every program reads it exactly, else a string of its digits. */
export function numberForJson(number: bigint): number | string {
  return wholeFrom(number) ?? String(number);
}
