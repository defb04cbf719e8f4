import type { RecordedRun, RunFilter } from "../../ledger/run.ts";
import type { Dialect } from "./dialect.ts";
import { truncate } from "./insert_run.ts";
import type { LedgerTable } from "./ledger_table.ts";
import { readLatest } from "./rows.ts";
import { COLUMNS } from "./schema.ts";
import { isOfLock, isOfSlot } from "./slots.ts";
import { join, sql, type Statement } from "./statement.ts";

/**
 * Reads the latest runs that match a filter, newest first.
 *
 * @throws {LockUnavailableError} When the ledger cannot be read.
 */
export async function latestRuns(
  table: LedgerTable,
  limit: number,
  filter: RunFilter,
): Promise<readonly RecordedRun[]> {
  if (filter.beginnings?.length === 0) return [];
  const conditions = conditionsOf(table.dialect, filter);
  const condition = conditions.length === 0 ? undefined : join(conditions, sql` AND `);
  return await table.reading((ask, missing) => readLatest(table.dialect, condition, limit, ask, missing)) ?? [];
}

function conditionsOf(
  { after, isExactly, readTime }: Dialect,
  { lock, beginnings, slot, key, outcomes, host, startedWithin, endedWithin }: RunFilter,
): readonly Statement[] {
  // SQLite compares any value as text.
  const within = (column: Statement, span: number | undefined) =>
    span === undefined ? [] : [sql`${column} > ${after(-span)} AND ${readTime(column)} IS NOT NULL`];
  return [
    ...lock === undefined ? [] : [isOfLock(lock)],
    ...slot === undefined ? [] : [isOfSlot(slot)],
    ...beginnings
      ? [sql`(${join(beginnings.map((beginning) => sql`lock_name LIKE ${`${beginning}%`}`), sql` OR `)})`]
      : [],
    ...key === undefined ? [] : [isExactly(COLUMNS.run_key, truncate(key))],
    ...outcomes ? [sql`outcome IN (${join(outcomes.map((outcome) => sql`${outcome}`))})`] : [],
    ...host === undefined ? [] : [isExactly(COLUMNS.host, truncate(host))],
    ...within(COLUMNS.started, startedWithin),
    ...within(COLUMNS.finished, endedWithin),
  ];
}
