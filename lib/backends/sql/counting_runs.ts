import type { RecordedRun, Rule } from "../../ledger/run.ts";
import { truncate } from "./insert_run.ts";
import type { LedgerTable } from "./ledger_table.ts";
import { readLatest } from "./rows.ts";
import { COLUMNS } from "./schema.ts";
import { isOfLock } from "./slots.ts";
import { join, sql } from "./statement.ts";

/**
 * Reads all runs of a lock that count by the rule, while `findCounted()` finds one of them. If failures count, so do runs
 * that have not ended.
 *
 * @throws {LockUnavailableError} When the ledger cannot be read.
 */
export async function countingRuns(
  table: LedgerTable,
  lock: string,
  { once, every, countFailures }: Rule,
  limit: number,
): Promise<readonly RecordedRun[]> {
  const { dialect } = table;
  const { after, isExactly, readTime } = dialect;
  const ways = [
    ...once === undefined ? [] : [isExactly(COLUMNS.run_key, truncate(once))],
    ...every === undefined ? [] : [
      sql`started > ${after(-every)} AND started < ${after(every)} AND ${readTime(COLUMNS.started)} IS NOT NULL`,
    ],
  ];
  if (ways.length === 0) return [];
  const outcome = dialect.unindexed?.(COLUMNS.outcome) ?? COLUMNS.outcome;
  const outcomes = countFailures ? sql`'succeeded', 'failed', 'abandoned', 'running'` : sql`'succeeded'`;
  const condition = sql`${isOfLock(lock)} AND ${outcome} IN (${outcomes}) AND (${join(ways, sql` OR `)})`;
  return await table.reading((ask, missing) => readLatest(dialect, condition, limit, ask, missing)) ?? [];
}
