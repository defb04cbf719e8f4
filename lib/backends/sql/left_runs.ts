import type { RecordedRun } from "../../ledger/run.ts";
import { MOST_SLOTS, slotIn } from "../../lock/slot_name.ts";
import type { Dialect } from "./dialect.ts";
import { cut } from "./insert_run.ts";
import type { LedgerTable } from "./ledger_table.ts";
import type { Row } from "./row.ts";
import { readRuns, selectRuns } from "./rows.ts";
import { isOfLock } from "./slots.ts";
import { join, sql, type Statement } from "./statement.ts";

/** How many unfinished runs are returned; there is at most one, unless somebody else has written rows. */
const TOLD_AT_ONCE = 100;

/** The statement that finds runs of a lock and of all its slots that have not ended; of each at most one does live. */
export function findRunning(dialect: Dialect, lock: string): Statement {
  const most = MOST_SLOTS + TOLD_AT_ONCE;
  return selectRuns(dialect, sql`WHERE ${isOfLock(slotIn(lock).lock)} AND outcome = 'running' LIMIT ${most}`);
}

/**
 * Marks the runs as abandoned that have no holder any more: those of the own slot, and of slots that do not exist any more.
 *
 * @param lock The name of the lock, or of the slot.
 * @param slots How many slots the lock has.
 * @param rows What {@linkcode findRunning} has found.
 * @returns Those runs, at most a hundred of the own slot.
 * @throws {LockUnavailableError} When the ledger cannot be used.
 */
export async function markLeft(
  table: LedgerTable,
  lock: string,
  slots: number,
  rows: readonly Row[],
): Promise<readonly RecordedRun[]> {
  const { dialect } = table;
  const mark = sql`UPDATE ${dialect.table} SET outcome = 'abandoned' WHERE outcome = 'running'`;
  // Sorted here: with an ORDER BY id some databases go through all rows in that order.
  const running = readRuns(dialect, rows).toSorted((a, b) => a.id < b.id ? -1 : 1);
  const own = running.filter((run) => run.lock === cut(lock)).slice(0, TOLD_AT_ONCE);
  // A holder of a higher slot would have agreed to more slots, and so would the run that is looking.
  const beyond = running.filter((run) => slotIn(run.lock).slot >= slots && run.lock !== cut(lock));
  if (own.length > 0) await table.ask(sql`${mark} AND lock_name = ${cut(lock)}`);
  if (beyond.length > 0) await table.ask(sql`${mark} AND id IN (${join(beyond.map(({ id }) => sql`${id}`))})`);
  return [...own, ...beyond];
}
