/** The named locks beside those that are asked for, and the statements that take several in one message. */

import { join, sql, type Statement, word } from "../sql/statement.ts";
import { markWord, slotWord } from "./slot_look.ts";

/** What {@linkcode takeAll} answers when all names were taken but no slot, and when it took nothing, since others have other slots. */
export const NO_SLOT = -1000;
export const OTHERS = -2000;

/** Whoever holds it is the one waiter that tries the slots: `LOCK.q`. */
export function queueWord(lock: string): Statement {
  return word(`${lock}.q`);
}

/** One of the seats for those who wait: `LOCK.w0`. */
export function seatWord(lock: string, seat: number): Statement {
  return word(`${lock}.w${seat}`);
}

/** SQL that takes the first free seat; its value is the seat's number, or NULL if none is free. */
export function takeSeat(lock: string, seats: number): Statement {
  const each = Array.from({ length: seats }, (_, seat) => sql`WHEN GET_LOCK(${seatWord(lock, seat)}, 0) THEN ${seat}`);
  return sql`CASE ${join(each, sql` `)} END`;
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
