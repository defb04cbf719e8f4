import { cut } from "./insert_run.ts";
import { sql, type Statement } from "./statement.ts";

/**
 * The condition that a row is of a lock, whichever slot of it; for the name of a slot, that it is of that slot. The names of
 * further slots are the lock's, a dot, and more. What comes next after the dot is the slash, so that an index finds those rows;
 * of a lock without slots it reads nothing for that. A query by several columns of an index reads all that the further slots
 * have there. Looking for each slot by itself (WITH RECURSIVE, SELECT DISTINCT) is slower for locks without slots, and far
 * slower on MySQL and MariaDB.
 */
export function isOfLock(lock: string): Statement {
  const name = cut(lock);
  return sql`(lock_name = ${name} OR (lock_name > ${`${name}.`} AND lock_name < ${`${name}/`}))`;
}

/** The condition that a row is of a certain slot, from `slotName()`; for slot 0 that it is of no other one. */
export function isOfSlot(slot: number): Statement {
  return slot === 0 ? sql`lock_name NOT LIKE '%.%'` : sql`lock_name LIKE ${`%.${slot}`}`;
}
