import type { RecordedRun, Rule } from "../../ledger/run.ts";
import { slotIn } from "../../lock/slot_name.ts";
import type { Dialect } from "./dialect.ts";
import { truncate } from "./insert_run.ts";
import type { Row } from "./row.ts";
import { readRuns, selectRuns } from "./rows.ts";
import { COLUMNS } from "./schema.ts";
import { isOfLock } from "./slots.ts";
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
 */
export function findCounted(
  dialect: Dialect,
  lock: string,
  { once, every, countFailures }: Rule,
): Statement | undefined {
  const { after, isExactly, now, readNumber, readTime } = dialect;
  // SQLite compares any value as text.
  const readable = sql`${readTime(COLUMNS.started)} IS NOT NULL`;
  const isOnce = once === undefined ? [] : [isExactly(COLUMNS.run_key, truncate(once))];
  // Includes runs that began later than now: setting a clock back must not cause another run.
  const isRecent = every === undefined
    ? []
    : [sql`started > ${after(-every)} AND started < ${after(MAX_AHEAD)} AND ${readable}`];
  if (isOnce.length + isRecent.length === 0) return undefined;
  const outcome = dialect.unindexed?.(COLUMNS.outcome) ?? COLUMNS.outcome;
  const outcomes = countFailures ? sql`'succeeded', 'failed', 'abandoned', 'running'` : sql`'succeeded'`;
  const ahead = sql`CASE ${join(isOnce.map((condition) => sql`WHEN ${condition} THEN ${BEFORE}`))}
    WHEN started >= ${after(every ?? 0)} THEN ${FAR_AHEAD} WHEN started > ${now} THEN ${AHEAD} ELSE ${BEFORE} END`;
  return selectRuns(
    dialect,
    sql`WHERE ${isOfLock(slotIn(lock).lock)} AND ${outcome} IN (${outcomes})
      AND (${join([...isOnce, ...isRecent], sql` OR `)}) ORDER BY ahead, id DESC LIMIT 1`,
    [],
    [sql`${readNumber(ahead)} AS ahead`],
  );
}

/** Reads the answer to {@linkcode findCounted}. */
export function readCounted(dialect: Dialect, rows: readonly Row[]): Counted | undefined {
  const [run] = readRuns(dialect, rows);
  return run && { run, began: BEGAN[Number(rows[0]!.ahead)] ?? "before" };
}
