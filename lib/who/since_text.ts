import { ago } from "../text/age.ts";
import { type FormatTime, utcTime } from "../text/time.ts";

/** A day in milliseconds. */
const DAY = 24 * 3600 * 1000;

/**
 * A point in time and how long ago that is, for example `2026-11-22 10:00:05Z (3 min ago)`.
 *
 * @param since Milliseconds since 1970, at most the year 9999.
 */
export function sinceText(since: number, now: number, tell: FormatTime = utcTime): string {
  return `${tell(since)} (${ago(since, now)})`;
}

/** As {@linkcode sinceText}, but shorter: only the time within the last day, else only the date: `10:00:05Z (3 min ago)`. */
export function shortSinceText(since: number, now: number, tell: FormatTime = utcTime): string {
  const [date, time] = tell(since).split(" ");
  return `${now - since < DAY ? time : date} (${ago(since, now)})`;
}
