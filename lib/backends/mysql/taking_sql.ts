/** How slots are taken, several named locks in one statement, and how often. */

import { join, sql, type Statement, word } from "../sql/statement.ts";
import { markWord, slotWord } from "./slot_look.ts";

/** What {@linkcode takeAll} answers when all names were taken but no slot, and when it took nothing, since others have other slots. */
export const NO_SLOT = -1000;
export const OTHERS = -2000;

/** The pauses between two tries of all slots, in milliseconds, and which part of the time since the first try they are. */
const SHORTEST_PAUSE = 10;
const LONGEST_PAUSE = 1000;
const PAUSES_PER_WAIT = 8;

/** The pause before the next try, in milliseconds. */
export function pauseAfter(waited: number): number {
  return Math.max(SHORTEST_PAUSE, Math.min(waited / PAUSES_PER_WAIT, LONGEST_PAUSE));
}

/** Whoever holds it is the one waiter that tries the slots: `LOCK.q`. */
export function queueWord(lock: string): Statement {
  return word(`${lock}.q`);
}

/**
 * Pauses, by whoever is the head of the queue. As a request for the queue's lock, which is given back at once, so that others
 * see it wait; and on the server, so that a free slot is taken as soon as the pause is over.
 *
 * @param pause In milliseconds.
 */
export function sleepInQueue(lock: string, pause: number): Statement {
  const queue = queueWord(lock);
  return sql`SELECT GET_LOCK(${queue}, SLEEP(${Math.ceil(pause)} / 1000)) + RELEASE_LOCK(${queue}) AS paused`;
}

/**
 * SQL that takes named locks in turn, without waiting, and then a slot. Its value is the slot's number, or 0 if none was
 * asked for; else why there is none: `NO_SLOT`, or -1 less the index of the name that is busy, after which it takes nothing.
 */
export function takeAll(names: readonly Statement[], slot: Statement | undefined): Statement {
  return names.reduceRight(
    (rest, name, index) => sql`IF(GET_LOCK(${name}, 0), ${rest}, ${-1 - index})`,
    slot ?? sql`0`,
  );
}

/**
 * SQL that takes the first free slot with its mark; its value is the slot's number, or `NO_SLOT`.
 *
 * The mark comes first: others of the same number take the next slot then, and those of another number see no slot without
 * its mark. It is only given back where the slot is held by somebody of another number, or without slots.
 */
export function takeSlot(lock: string, slots: number): Statement {
  const each = Array.from({ length: slots }, (_, slot) => {
    const mark = markWord(lock, slot, slots);
    return sql`WHEN GET_LOCK(${mark}, 0) AND IF(GET_LOCK(${slotWord(lock, slot)}, 0), 1, RELEASE_LOCK(${mark}) > 1)
      THEN ${slot}`;
  });
  return sql`CASE ${join(each, sql` `)} ELSE ${NO_SLOT} END`;
}
