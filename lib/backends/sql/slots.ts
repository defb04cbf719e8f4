import { slotName } from "../../lock/slot_name.ts";
import { truncate } from "./insert_run.ts";
import { join, sql, type Statement } from "./statement.ts";

/** How many slots are named: with each more, the statement gets longer, and takes a server longer to plan. */
const MAX_NAMED = 16;

/** Parts of {@linkcode isOfLock} that together are the whole. */
export interface PartsOfLock {
  /** The condition for the rows of the lock and its slots, each by its name: all columns of an index are of use. */
  readonly named: Statement;
  /** The conditions for the rows of other slots, by the ranges between those names. Mostly, there are none. */
  readonly others: readonly Statement[];
}

/**
 * The conditions for the rows of a lock, for queries that look for few rows among many.
 *
 * @param slots How many slots the lock has; it may have had more.
 */
export function partsOfLock(lock: string, slots: number): PartsOfLock {
  const names = Array.from({ length: Math.min(slots, MAX_NAMED) }, (_, slot) => truncate(slotName(lock, slot)));
  const further = names.slice(1).toSorted();
  const [first] = names;
  const ends = [...further, `${first}/`];
  return {
    named: sql`lock_name IN (${join(names.map((name) => sql`${name}`))})`,
    others: [`${first}.`, ...further].map((from, index) => sql`lock_name > ${from} AND lock_name < ${ends[index]!}`),
  };
}

/**
 * The condition for the rows of a lock, including all its slots; for the name of a slot, for the rows of that slot. Names of
 * further slots are the lock's name, a dot and a number. "/" follows "." in ASCII, so this is a range that an index finds,
 * and empty for a lock without slots. For the further slots, only the first column of an index is of use. Querying each slot
 * separately (WITH RECURSIVE, SELECT DISTINCT) is slower for locks without slots, and much slower on MySQL and MariaDB.
 */
export function isOfLock(lock: string): Statement {
  const name = truncate(lock);
  return sql`(lock_name = ${name} OR (lock_name > ${`${name}.`} AND lock_name < ${`${name}/`}))`;
}

/** The condition for the rows of one slot of any lock; for slot 0, for the rows of no further slot. */
export function isOfSlot(slot: number): Statement {
  return slot === 0 ? sql`lock_name NOT LIKE '%.%'` : sql`lock_name LIKE ${`%.${slot}`}`;
}
