import type { RecordedRun } from "../../ledger/run.ts";
import { type LockSummary, summaryOf } from "../../ledger/summary.ts";
import { slotIn } from "../../lock/slot_name.ts";
import { exactFrom, wholeFrom } from "../../text/untrusted.ts";
import type { Dialect } from "./dialect.ts";
import type { LedgerTable } from "./ledger_table.ts";
import { outcomeFrom, readRuns, selectRuns } from "./rows.ts";
import { isOfLock } from "./slots.ts";
import { join, sql } from "./statement.ts";
import type { Store } from "./store.ts";

/** How many locks are asked about at a time. */
const AT_ONCE = 20;

/** How many runs to read at a time: even with the longest texts they fit into the longest accepted answer. */
const READ_AT_ONCE = 100;

/**
 * Reads a summary of the runs of each lock. The database does the counting, mostly by an index; only a few rows are read for
 * each lock.
 *
 * @throws {LockUnavailableError} When the ledger cannot be read.
 */
export async function summaries(table: LedgerTable, within: number, limit: number): Promise<readonly LockSummary[]> {
  const { dialect } = table;
  const { after, decodeText, readNumber, readText } = dialect;
  const lockName = readText(sql`lock_name`);
  return await table.reading(async (ask, missing) => {
    const names = await newestLocks(dialect, ask, limit);
    const found: LockSummary[] = [];
    for (let at = 0; at < names.length; at += AT_ONCE) {
      const some = names.slice(at, at + AT_ONCE);
      const isRecent = sql`CASE WHEN started > ${after(-within)} THEN 1 ELSE 0 END`;
      const groups = await ask(
        sql`SELECT ${lockName} AS lock_name, ${readText(sql`outcome`)} AS outcome, ${
          readNumber(sql`MAX(id)`)
        } AS newest,
          ${readNumber(sql`SUM(${isRecent})`)} AS recent FROM ${dialect.table}
          WHERE ${join(some.map(isOfLock), sql` OR `)} GROUP BY lock_name, outcome`,
      );
      const ids = groups.flatMap(({ newest }) => exactFrom(newest) ?? []);
      const runs: RecordedRun[] = [];
      for (let first = 0; first < ids.length; first += READ_AT_ONCE) {
        const part = join(ids.slice(first, first + READ_AT_ONCE).map((id) => sql`${id}`));
        runs.push(...readRuns(dialect, await ask(selectRuns(dialect, sql`WHERE id IN (${part})`, missing))));
      }
      for (const lock of some) {
        const isOfIt = (name = "") => slotIn(name).lock === lock;
        const counts = groups.filter(({ lock_name: name }) => isOfIt(decodeText(name))).map((
          { outcome, recent },
        ) => [outcomeFrom(decodeText(outcome)), wholeFrom(Number(recent)) ?? 0] as const);
        found.push(summaryOf(lock, runs.filter((run) => isOfIt(run.lock)), counts));
      }
    }
    return found;
  }) ?? [];
}

/** The locks with the newest runs, those first. A lock with slots has a name for each of them. */
async function newestLocks(dialect: Dialect, ask: Store["run"], limit: number): Promise<readonly string[]> {
  const { decodeText, readText, table } = dialect;
  const locks = new Set<string>();
  let isMore = true;
  for (let offset = 0; isMore && locks.size < limit; offset += limit) {
    const names = await ask(
      sql`SELECT ${readText(sql`lock_name`)} AS lock_name FROM ${table} GROUP BY lock_name
        ORDER BY MAX(id) DESC LIMIT ${limit} OFFSET ${offset}`,
    );
    for (const { lock_name: name } of names) {
      const text = decodeText(name);
      if (text !== undefined && locks.size < limit) locks.add(slotIn(text).lock);
    }
    isMore = names.length === limit;
  }
  return [...locks];
}
