import { slotIn } from "../../lock/slot_name.ts";
import type { Dialect } from "./dialect.ts";
import { cut } from "./insert_run.ts";
import { COLUMNS } from "./schema.ts";
import { sql, type Statement } from "./statement.ts";

/** The condition that a row is of a lock, whichever slot of it. Whoever asks for one slot gets that of the slot alone. */
export function isOfLock(lock: string): Statement {
  return sql`(lock_name = ${cut(lock)} OR ${isSlotOf(lock)})`;
}

/** The condition that a row is of a certain slot, from `slotName()`; for slot 0 that it is of no other one. */
export function isOfSlot(slot: number): Statement {
  return slot === 0 ? sql`lock_name NOT LIKE '%.%'` : sql`lock_name LIKE ${`%.${slot}`}`;
}

/**
 * The condition that a row is of a further slot of a lock: its name is the lock's and a dot, and more. What comes next
 * after the dot is the slash, so that an index finds those rows.
 */
function isSlotOf(lock: string, from = sql`${`${cut(lock)}.`}`): Statement {
  return sql`(lock_name > ${from} AND lock_name < ${`${cut(lock)}/`})`;
}

/**
 * A query for the rows of a lock, and one for those of its further slots that have any. Each slot is looked for by itself,
 * by an index with further columns: a range of names would have all rows of all slots read. For a lock without slots the
 * second finds the end of the index, and nothing else.
 *
 * @param select Makes the query for the rows that `from` chooses, up to a WHERE that is to be continued.
 */
export function inEachSlot(dialect: Dialect, lock: string, select: (from: Statement) => Statement): Statement {
  const base = slotIn(lock).lock;
  return sql`SELECT * FROM (${select(sql`WHERE lock_name = ${cut(base)}`)}) of_lock
    UNION ALL SELECT * FROM (${
    select(sql`JOIN (${slotNames(dialect, base)}) slots ON slot_name = lock_name WHERE slot_name IS NOT NULL`)
  }) of_slots`;
}

/** The names of the further slots of a lock that have rows. */
function slotNames({ table, skipsByItself }: Dialect, lock: string): Statement {
  const { lock_name } = COLUMNS;
  if (skipsByItself) return sql`SELECT DISTINCT ${lock_name} AS slot_name FROM ${table} WHERE ${isSlotOf(lock)}`;
  const next = (from?: Statement) => sql`SELECT MIN(${lock_name}) FROM ${table} WHERE ${isSlotOf(lock, from)}`;
  return sql`WITH RECURSIVE found (slot_name) AS (${next()}
    UNION ALL SELECT (${next(sql`slot_name`)}) FROM found WHERE slot_name IS NOT NULL) SELECT slot_name FROM found`;
}
