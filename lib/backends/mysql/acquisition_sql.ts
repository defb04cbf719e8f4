/** SQL that takes slots, and several named locks in one statement. */

import { join, sql, type Statement, word } from "../sql/statement.ts";
import { markLiteral, slotLiteral } from "./slot_holders.ts";

/** The results of {@linkcode takeAll}: all names were taken but no slot; nothing was taken, since others use other slots. */
export const NO_SLOT = -1000;
export const OTHERS = -2000;

/** The name of the queue's lock, `LOCK.q`: its holder is the one waiter that tries the slots. */
export function queueLiteral(lock: string): Statement {
  return word(`${lock}.q`);
}

/**
 * Pauses the head of the queue. On the server, so that a free slot is taken as soon as the pause is over; and as a request
 * for the queue's lock, which is released at once, so that others can see it wait.
 *
 * @param pause In milliseconds.
 */
export function sleepInQueue(lock: string, pause: number): Statement {
  const queue = queueLiteral(lock);
  return sql`SELECT GET_LOCK(${queue}, SLEEP(${Math.ceil(pause)} / 1000)) + RELEASE_LOCK(${queue}) AS paused`;
}

/**
 * SQL that takes named locks in order, without waiting, and then a slot. Its value is the slot's number, or 0 if no slot was
 * asked for. Otherwise it is `NO_SLOT`, or -1 minus the index of the first name that is busy, where it stops.
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
 * The mark comes first: others with the same number of slots then take the next slot, and those with another number never
 * see a slot without its mark. It is released again only if the slot is held with another number or without slots.
 */
export function takeSlot(lock: string, slots: number): Statement {
  const each = Array.from({ length: slots }, (_, slot) => {
    const mark = markLiteral(lock, slot, slots);
    return sql`WHEN GET_LOCK(${mark}, 0) AND IF(GET_LOCK(${slotLiteral(lock, slot)}, 0), 1, RELEASE_LOCK(${mark}) > 1)
      THEN ${slot}`;
  });
  return sql`CASE ${join(each, sql` `)} ELSE ${NO_SLOT} END`;
}
