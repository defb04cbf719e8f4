import { truncate } from "./insert_run.ts";
import { sql, type Statement } from "./statement.ts";

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
