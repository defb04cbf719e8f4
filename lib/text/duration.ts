/**
 * Durations as Go writes them, because sera's arguments and its Go DSNs are written that way.
 *
 * @module
 */

/** Nanoseconds in each unit of Go's `time.ParseDuration`. Both micro signs (U+00B5) and Greek mus (U+03BC) are in use. */
const NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  "\u00b5s": 1e3,
  "\u03bcs": 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** A Go duration is an int64 of nanoseconds, about 292 years; Go rejects longer ones. */
const MAX_NANOSECONDS = 2 ** 63;

const TERM = "([0-9]+(?:\\.[0-9]*)?|\\.[0-9]+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)";
const DURATION = new RegExp(`^([+-]?)(0|(?:${TERM})+)$`);

/**
 * Reads a duration as Go's `time.ParseDuration` does: an optional sign, then decimal numbers, each with a unit of `ns`,
 * `us` (or `µs`), `ms`, `s`, `m` or `h`. Only `0` may go without a unit.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseDuration } from "./duration.ts";
 *
 * assert.equal(parseDuration("1m30s"), 90_000);
 * assert.equal(parseDuration("5"), undefined, "it has no unit");
 * ```
 *
 * @returns Milliseconds, with a fraction down to the nanosecond; undefined if the text is not a duration, or is longer than
 * the 292 years that Go can hold.
 * @see https://pkg.go.dev/time#ParseDuration
 */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (!match) return undefined;
  let sum = 0;
  for (const [, number, unit] of text.matchAll(new RegExp(TERM, "g"))) {
    sum += Number(number) * NANOSECONDS[unit!]!;
  }
  // Rounded to whole nanoseconds, so that 1.1s is 1100 and not 1100.0000000000002.
  const nanoseconds = Math.round(sum);
  if (nanoseconds > MAX_NANOSECONDS) return undefined;
  return match[1] === "-" && nanoseconds !== 0 ? -nanoseconds / 1e6 : nanoseconds / 1e6;
}

/**
 * Formats a duration for people: `500ms`, `1.2s`, `30s`, `1m30s`, `2h0m5s`. Below a minute it is exact to the millisecond,
 * from a minute on to the second. `parseDuration` can read the result, except `forever` for `Infinity`.
 *
 * @param ms Milliseconds.
 */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms === Infinity) return "forever";
  if (ms === 0) return "0s";
  if (ms < 1) return `${Number(ms.toPrecision(3))}ms`;
  const rounded = Math.round(ms);
  if (rounded < 1000) return `${rounded}ms`;
  if (rounded < 60_000) return `${rounded / 1000}s`;
  return formatMinutes(Math.round(ms / 1000));
}

/** Leaves out zeros at the end, but not in the middle: `2h`, but `2h0m5s`. */
function formatMinutes(seconds: number): string {
  const h = Math.floor(seconds / 3600);
  const m = Math.floor(seconds / 60) % 60;
  const s = seconds % 60;
  const minutes = m > 0 || (h > 0 && s > 0) ? `${m}m` : "";
  return (h > 0 ? `${h}h` : "") + minutes + (s > 0 ? `${s}s` : "");
}

/** Days, which Go does not have, since daylight saving changes their length; here they have 24 hours. */
const DAYS = /^([0-9]+)d(.*)$/;

/**
 * Reads sera's `<wait>`: a whole number of seconds (`0`: try once), a Go duration that is not negative, optionally with
 * whole days before it (`90d`, `1d12h`), or `forever`.
 *
 * @returns Milliseconds; `Infinity` for `forever`, and for a number too large to hold; undefined if the text is not a wait,
 * which is how the command line tells a wait from a subcommand.
 */
export function parseWait(text: string): number | undefined {
  if (text === "forever") return Infinity;
  if (/^[0-9]+$/.test(text)) return Number(text) * 1000;
  const [, days, rest = text] = DAYS.exec(text) ?? [];
  const ms = days !== undefined && rest === ""
    ? 0
    : /^[+-]/.test(rest) && days !== undefined
    ? undefined
    : parseDuration(rest);
  return ms !== undefined && ms >= 0 ? Number(days ?? 0) * 24 * 3600_000 + ms : undefined;
}
