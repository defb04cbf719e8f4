import { formatDuration } from "../text/duration.ts";
import { timeOf } from "../text/time.ts";
import type { Sighting } from "./sighting.ts";
import { tidy } from "./tidy.ts";

/** A day in milliseconds. */
const DAY = 24 * 3600 * 1000;

/**
 * The holder of a lock for messages, for example `web1:4711 rotate-logs, since 2026-11-22 10:00:05Z (3m20s)`. Contains no
 * control characters.
 *
 * @param sightings Sightings of one lock; waiters are ignored.
 * @param now Milliseconds since 1970.
 * @returns Undefined if nothing is known of the holder.
 */
export function holderText(sightings: readonly Sighting[], now = Date.now()): string | undefined {
  const [first, ...more] = sightings.filter(({ state }) => state === "held");
  if (!first) return undefined;
  const holder = tidy(first);
  const words = whoIs(holder);
  if (words.length === 0) return undefined;
  if (holder.since !== undefined) {
    words.push(`${holder.sinceIs === "connected" ? "connected " : ""}since ${sinceText(holder.since, now)}`);
  }
  return words.join(", ") + (more.length > 0 ? `, and ${more.length} more` : "");
}

function whoIs({ host, pid, label, address, user, session }: Sighting): string[] {
  const place = host === undefined ? address : pid === undefined ? host : `${host}:${pid}`;
  const words = [place, label].filter((text) => text !== undefined);
  const name = words.length > 0 ? [words.join(" ")] : [];
  if (host !== undefined) return name;
  // If the process is not known, an administrator can find it by these.
  if (user !== undefined) name.push(`user ${user}`);
  if (session !== undefined) name.push(`session ${session}`);
  return name;
}

/**
 * A point in time and how long ago that is, for example `2026-11-22 10:00:05Z (3m20s)`.
 *
 * @param since Milliseconds since 1970, at most the year 9999.
 */
export function sinceText(since: number, now: number): string {
  // The time is by another clock, which may be ahead.
  const age = Math.max(0, Math.floor((now - since) / 1000));
  return `${timeOf(since)} (${formatDuration(1000 * age)})`;
}

/** As {@linkcode sinceText}, but shorter: only the time within the last day, else only the date: `10:00:05Z (3m20s)`. */
export function shortSinceText(since: number, now: number): string {
  const [date, time] = timeOf(since).split(" ");
  const [, age] = sinceText(since, now).split(" (");
  return `${now - since < DAY ? time : date} (${age}`;
}
