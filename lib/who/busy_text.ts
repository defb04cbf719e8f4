import { type FormatTime, utcTime } from "../text/time.ts";
import { holderText } from "./holder_text.ts";
import { isOfLock } from "./names.ts";
import type { Sighting } from "./sighting.ts";

/** The locks that were asked for together, for messages. */
export interface AskedLocks {
  /** Those that have names for people, the main one first. */
  readonly locks: readonly { readonly name: string; readonly title: string }[];
  /** How many slots the main one has; undefined for a plain lock. */
  readonly slots?: number | undefined;
  /** Whether a lock without a name for people was asked for, too. */
  readonly hasMore?: boolean | undefined;
}

/** What is said about locks that are busy. */
export interface BusyText {
  /** Who holds what: `somebody else holds it (web1:4711 backup)`. */
  readonly held: string;
  /** What is waited for: `web1:4711 backup`. */
  readonly awaited: string;
}

/**
 * Says which of several locks is busy, and who holds it. Of the holders of slots the one that has held its slot longest
 * is named.
 *
 * @param sightings Those of the locks that were asked for, in the order of {@linkcode look}.
 * @param tell How to tell moments.
 */
export function busyText(
  { locks, slots, hasMore = false }: AskedLocks,
  sightings: readonly Sighting[],
  now = Date.now(),
  tell: FormatTime = utcTime,
): BusyText {
  const held = sightings.filter(({ state }) => state === "held");
  if (slots !== undefined && !(hasMore && held.length < slots)) {
    const words = holderText(longestFirst(held), now, tell);
    return {
      held: `all ${slots} slots are held${inBrackets(words)}`,
      awaited: `one of ${slots} slots${words === undefined ? "" : `, held by ${words}`}`,
    };
  }
  if (locks.length > 1) {
    const busy = locks.find(({ name }) => held.some((holder) => isOfLock(holder, name)));
    if (!busy) return { held: "somebody else holds one of them", awaited: "somebody else" };
    const words = holderText(held.filter((holder) => isOfLock(holder, busy.name)), now, tell);
    return {
      held: `somebody else holds ${busy.title}${inBrackets(words)}`,
      awaited: `${busy.title}, held by ${words ?? "somebody else"}`,
    };
  }
  const words = holderText(held, now, tell);
  return { held: `somebody else holds it${inBrackets(words)}`, awaited: words ?? "somebody else" };
}

/** The holders of slots, the longest first. Those for which that is not known come last. */
export function longestFirst(holders: readonly Sighting[]): readonly Sighting[] {
  return holders.toSorted((a, b) => (a.since ?? Infinity) < (b.since ?? Infinity) ? -1 : 1);
}

function inBrackets(words: string | undefined): string {
  return words === undefined ? "" : ` (${words})`;
}
