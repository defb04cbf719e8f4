import type { RecordedRun, Rule } from "../../ledger/run.ts";
import { slotIn } from "../../lock/slot_name.ts";
import type { Dialect } from "./dialect.ts";
import { truncate } from "./insert_run.ts";
import type { Row } from "./row.ts";
import { readRuns, selectRuns } from "./rows.ts";
import { COLUMNS } from "./schema.ts";
import { isOfLockAnd } from "./slots.ts";
import { join, sql, type Statement } from "./statement.ts";

/**
 * Runs that began further in the future, such as at `infinity`, are silently ignored; in milliseconds ahead of the server's
 * clock.
 */
const MAX_AHEAD = 366 * 24 * 3600 * 1000;

/** When a run began, by the server's clock: before now; ahead of it; or ahead by at least the span of `--every`. */
export type Began = (typeof BEGAN)[number];
const BEGAN = ["before", "ahead", "far ahead"] as const;
const [BEFORE, AHEAD, FAR_AHEAD] = [0, 1, 2] as const;

/** A run that counts; or one that would, if it had not begun too far ahead of the server's clock. */
export interface Counted {
  readonly run: RecordedRun;
  readonly began: Began;
}

/**
 * The statement that finds the run that counts by the rule; if there is none, one that began too far ahead of the
 * server's clock to count. Undefined if no run counts by that rule.
 *
 * Runs of all slots count. If failures count, so does a run in another slot that has not ended: it will count however it
 * ends. In this run's own slot there is none after `abandon()`.
 *
 * @param slots How many slots the lock has.
 */
export function findCounted(
  dialect: Dialect,
  lock: string,
  { once, every, countFailures }: Rule,
  slots = 1,
): Statement | undefined {
  const { after, isExactly, now, readNumber, readTime } = dialect;
  const isOnce = (key: Statement) => isExactly(key, truncate(once!));
  // Includes runs that began later than now: setting a clock back must not cause another run. SQLite compares any value as
  // text.
  const isRecent = (started: Statement) =>
    sql`${started} > ${after(-every!)} AND ${started} < ${after(MAX_AHEAD)}
      AND ${readTime(COLUMNS.started)} IS NOT NULL`;
  const search = (column: Statement, fits: (column: Statement) => Statement) =>
    sql`SELECT id AS found FROM ${dialect.table} WHERE ${isOfLockAnd(dialect, slotIn(lock).lock, slots, column, fits)}`;
  const searches = [
    ...once === undefined ? [] : [search(COLUMNS.run_key, isOnce)],
    ...every === undefined ? [] : [search(COLUMNS.started, isRecent)],
  ];
  if (searches.length === 0) return undefined;
  const outcomes = countFailures ? sql`'succeeded', 'failed', 'abandoned', 'running'` : sql`'succeeded'`;
  const ahead = sql`CASE ${once === undefined ? sql`` : sql`WHEN ${isOnce(COLUMNS.run_key)} THEN ${BEFORE}`}
    WHEN started >= ${after(every ?? 0)} THEN ${FAR_AHEAD} WHEN started > ${now} THEN ${AHEAD} ELSE ${BEFORE} END`;
  // Not one condition with OR: MySQL 5.6 would scan the table.
  return selectRuns(
    dialect,
    sql`JOIN (${join(searches, sql` UNION ALL `)}) counted ON id = found
      WHERE outcome IN (${outcomes}) ORDER BY ahead, id DESC LIMIT 1`,
    [],
    [sql`${readNumber(ahead)} AS ahead`],
  );
}

/** Reads the answer to {@linkcode findCounted}. */
export function readCounted(dialect: Dialect, rows: readonly Row[]): Counted | undefined {
  const [run] = readRuns(dialect, rows);
  return run && { run, began: BEGAN[Number(rows[0]!.ahead)] ?? "before" };
}
