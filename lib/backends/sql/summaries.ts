import { type LockSummary, summaryOf } from "../../ledger/summary.ts";
import { exactFrom, wholeFrom } from "../../text/foreign.ts";
import type { LedgerTable } from "./ledger_table.ts";
import { outcomeFrom, readRuns, selectRuns } from "./rows.ts";
import { join, sql } from "./statement.ts";

/** How many locks are asked about at a time: their newest runs of each kind fit into the longest answer. */
const AT_ONCE = 20;

/**
 * Reads what became of the runs of each lock. The database counts, mostly by an index; the rows that are read are a few
 * for each lock.
 *
 * @throws {LockUnavailableError} When the ledger cannot be read.
 */
export async function summaries(table: LedgerTable, within: number, limit: number): Promise<readonly LockSummary[]> {
  const { dialect } = table;
  const { after, decodeText, readNumber, readText } = dialect;
  const lockName = readText(sql`lock_name`);
  return await table.reading(async (ask, missing) => {
    const locks = await ask(
      sql`SELECT ${lockName} AS lock_name FROM ${dialect.table} GROUP BY lock_name
        ORDER BY MAX(id) DESC LIMIT ${limit}`,
    );
    const names = locks.flatMap(({ lock_name: name }) => decodeText(name) ?? []);
    const found: LockSummary[] = [];
    for (let at = 0; at < names.length; at += AT_ONCE) {
      const some = names.slice(at, at + AT_ONCE);
      const isRecent = sql`CASE WHEN started > ${after(-within)} THEN 1 ELSE 0 END`;
      const groups = await ask(
        sql`SELECT ${lockName} AS lock_name, ${readText(sql`outcome`)} AS outcome, ${
          readNumber(sql`MAX(id)`)
        } AS newest,
          ${readNumber(sql`SUM(${isRecent})`)} AS recent FROM ${dialect.table}
          WHERE lock_name IN (${join(some.map((name) => sql`${name}`))}) GROUP BY lock_name, outcome`,
      );
      const ids = groups.flatMap(({ newest }) => exactFrom(newest) ?? []);
      const rows = ids.length === 0
        ? []
        : await ask(selectRuns(dialect, sql`WHERE id IN (${join(ids.map((id) => sql`${id}`))})`, missing));
      const runs = readRuns(dialect, rows);
      for (const lock of some) {
        const counts = groups.filter(({ lock_name: name }) => decodeText(name) === lock).map((
          { outcome, recent },
        ) => [outcomeFrom(decodeText(outcome)), wholeFrom(Number(recent)) ?? 0] as const);
        found.push(summaryOf(lock, runs.filter((run) => run.lock === lock), counts));
      }
    }
    return found;
  }) ?? [];
}
