import { silenceText } from "./lease_text.ts";
import { type FormatTime, utcTime } from "../text/time.ts";
import type { Sighting } from "./sighting.ts";
import { sinceText } from "./since_text.ts";
import { tidy } from "./tidy.ts";

/**
 * The holder of a lock for messages, for example `web1:4711 rotate-logs, since 2026-11-22 10:00:05Z (3 min ago)`, and whether
 * it is silent. Contains no control characters.
 *
 * @param sightings Sightings of one lock; waiters are ignored.
 * @param now Milliseconds since 1970.
 * @param tell How to tell moments.
 * @returns Undefined if nothing is known about the holder.
 */
export function holderText(
  sightings: readonly Sighting[],
  now = Date.now(),
  tell: FormatTime = utcTime,
): string | undefined {
  const [first, ...more] = sightings.filter(({ state }) => state === "held");
  if (!first) return undefined;
  const holder = tidy(first);
  const words = whoIs(holder);
  if (words.length === 0) return undefined;
  if (holder.since !== undefined) {
    words.push(`${holder.sinceIs === "connected" ? "connected " : ""}since ${sinceText(holder.since, now, tell)}`);
  }
  const silence = holder.lease && silenceText(holder.lease);
  return words.join(", ") + (silence === undefined ? "" : `; ${silence}`) +
    (more.length > 0 ? `, and ${more.length} more` : "");
}

/** The words that name a holder, which was made {@linkcode tidy}; none if nothing is known about it. */
export function whoIs({ host, pid, label, address, user, session }: Sighting): string[] {
  const place = host === undefined ? address : pid === undefined ? host : `${host}:${pid}`;
  const words = [place, label].filter((text) => text !== undefined);
  const name = words.length > 0 ? [words.join(" ")] : [];
  if (host !== undefined) return name;
  // If the process is not known, an administrator can find it by these.
  if (user !== undefined) name.push(`user ${user}`);
  if (session !== undefined) name.push(`session ${session}`);
  return name;
}
