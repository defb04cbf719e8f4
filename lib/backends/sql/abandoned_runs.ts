import type { RecordedRun } from "../../ledger/run.ts";
import { MAX_SLOTS, slotIn } from "../../lock/slot_name.ts";
import type { Dialect } from "./dialect.ts";
import { truncate } from "./insert_run.ts";
import type { LedgerTable } from "./ledger_table.ts";
import type { Row } from "./row.ts";
import { readRuns, selectRuns } from "./rows.ts";
import { COLUMNS } from "./schema.ts";
import { isOfLockAnd } from "./slots.ts";
import { join, sql, type Statement } from "./statement.ts";

/** How many unfinished runs are returned; there is at most one, unless another program has written rows. */
const MAX_REPORTED = 100;

/**
 * The statement that finds the unfinished runs of a lock and all its slots; at most one of each is really running.
 *
 * @param slots How many slots the lock has.
 */
export function findRunning(dialect: Dialect, lock: string, slots: number): Statement {
  const max = MAX_SLOTS + MAX_REPORTED;
  const isRunning = isOfLockAnd(
    dialect,
    slotIn(lock).lock,
    slots,
    COLUMNS.outcome,
    (outcome) => sql`${outcome} = 'running'`,
  );
  return selectRuns(dialect, sql`WHERE ${isRunning} LIMIT ${max}`);
}

/**
 * Marks the runs without a holder as abandoned: those of this slot, and those of slots that no longer exist.
 *
 * @param lock The name of the lock, or of the slot.
 * @param slots How many slots the lock has.
 * @param rows What {@linkcode findRunning} has found.
 * @returns Those runs, at most a hundred of this slot.
 * @throws {LockUnavailableError} When the ledger cannot be used.
 */
export async function markAbandoned(
  table: LedgerTable,
  lock: string,
  slots: number,
  rows: readonly Row[],
): Promise<readonly RecordedRun[]> {
  const { dialect } = table;
  const mark = sql`UPDATE ${dialect.table} SET outcome = 'abandoned' WHERE outcome = 'running'`;
  // Sorted here, since with ORDER BY id some databases scan all rows in that order.
  const running = readRuns(dialect, rows).toSorted((a, b) => a.id < b.id ? -1 : 1);
  const own = running.filter((run) => run.lock === truncate(lock)).slice(0, MAX_REPORTED);
  // No higher slot can be held: its holder would use a larger number of slots, and this run would have been refused.
  const beyond = running.filter((run) => slotIn(run.lock).slot >= slots && run.lock !== truncate(lock));
  if (own.length > 0) await table.ask(sql`${mark} AND lock_name = ${truncate(lock)}`);
  if (beyond.length > 0) await table.ask(sql`${mark} AND id IN (${join(beyond.map(({ id }) => sql`${id}`))})`);
  return [...own, ...beyond];
}
