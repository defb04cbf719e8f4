import { slotName } from "../../lock/slot_name.ts";
import type { Dialect } from "./dialect.ts";
import { truncate } from "./insert_run.ts";
import { join, sql, type Statement } from "./statement.ts";

/** How many slots are named: with each more, the statement gets longer, and takes a server longer to plan. */
const MAX_NAMED = 16;

/**
 * The condition for the rows of a lock, including all its slots, of which a column fits a condition. For queries that look
 * for few rows among many by an index of the name and that column: other than with {@linkcode isOfLock}, both columns are
 * of use in each slot that the lock has.
 *
 * @param slots How many slots the lock has; it may have had more.
 * @param fits The condition on the column.
 */
export function isOfLockAnd(
  { unindexed }: Dialect,
  lock: string,
  slots: number,
  column: Statement,
  fits: (column: Statement) => Statement,
): Statement {
  const names = Array.from({ length: Math.min(slots, MAX_NAMED) }, (_, slot) => truncate(slotName(lock, slot)));
  const further = names.slice(1).toSorted();
  const [starts, ends] = [[`${names[0]}.`, ...further], [...further, `${names[0]}/`]];
  // The names between, of which there are mostly no rows. If they had the column's condition in the same form, MySQL would
  // join all to one range of names.
  const others = starts.map((start, index) =>
    sql`lock_name > ${start} AND lock_name < ${ends[index]!} AND ${fits(unindexed?.(column) ?? column)}`
  );
  const named = sql`lock_name IN (${join(names.map((name) => sql`${name}`))}) AND ${fits(column)}`;
  return sql`(${join([named, ...others], sql` OR `)})`;
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
