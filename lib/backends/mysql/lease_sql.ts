/** Parts of the SQL of the table of leases. */

import { MARGINS_PER_TTL } from "../../lock/expiry_watch.ts";
import { fnv1 } from "../../lock/namespaced_name.ts";
import type { TableName } from "../../ledger/table_name.ts";
import type { LockFilter } from "../../who/sighting.ts";
import { isRowOf } from "../sql/lease/snapshot.ts";
import { MAX_TTL, type Reading } from "../sql/lease/read_row.ts";
import { assignmentsOf, conditionOf, type Ending } from "../sql/ending.ts";
import type { Ownership, TakeFrom } from "../sql/lease/row.ts";
import type { OwnRow } from "../sql/lease/table.ts";
import { sql, type Statement } from "../sql/statement.ts";
import { isTable } from "./storage.ts";
import { after, decodeText, NOW, readNumber, readText, readTime } from "./table_sql.ts";

/** How many leases to read at a time: even with the longest texts they fit into the longest accepted answer. */
export const READ_AT_ONCE = 100;

/** How the columns are read. */
export const READING: Reading = {
  readText,
  decodeText,
  readNumber,
  readTime,
  left: sql`ROUND(TIMESTAMPDIFF(MICROSECOND, ${NOW}, expires) / 1000)`,
};

/** The part of a condition that allows to take over somebody else's lease. */
export function mayBeTaken(from: TakeFrom): Statement {
  if (from === "nobody") return sql``;
  if ("seen" in from) {
    const { owner, fence, beat } = from.seen;
    return sql` OR (owner = ${owner} AND fence = ${fence} AND beat = ${beat})`;
  }
  const slack = sql`GREATEST(${Math.ceil(from.slack * 1000)}, 1000 * ttl_ms DIV ${MARGINS_PER_TTL})`;
  const since = from.ttls === 0 ? slack : sql`(${slack} + 1000 * ttl_ms)`;
  return sql` OR (ttl_ms > 0 AND ttl_ms <= ${MAX_TTL} AND expires < ${NOW} - INTERVAL ${since} MICROSECOND)`;
}

/** Renews a lease; its beat is the last number. */
export function renewLease(table: Statement, { lock, mine }: OwnRow, ttl: number): Statement {
  return sql`UPDATE ${table} SET beat = LAST_INSERT_ID(beat + 1), ttl_ms = ${ttl}, expires = ${after(ttl)}
    WHERE name = ${lock} AND owner = ${mine.owner} AND fence = ${mine.fence}`;
}

/** Frees a lease: changes one row if it was still ours, and two if a run ends with it. */
export function releaseLease(
  table: Statement,
  lock: string,
  { owner, fence }: Ownership,
  ending?: Ending,
): Statement {
  const isMine = sql`lease.name = ${lock} AND lease.owner = ${owner} AND lease.fence = ${fence}`;
  const free = sql`lease.owner = NULL, lease.beat = lease.beat + 1`;
  if (!ending) return sql`UPDATE ${table} lease SET ${free} WHERE ${isMine}`;
  const run = sql`run.`;
  return sql`UPDATE ${table} lease JOIN ${ending.table} run SET ${assignmentsOf(ending, run)}, ${free}
    WHERE ${isMine} AND ${conditionOf(ending, run)}`;
}

/** The condition that a lease is no longer this owner's. */
export function isNoLonger(table: Statement, lock: string, { owner, fence }: Ownership): Statement {
  return sql`NOT EXISTS (SELECT 1 FROM ${table} WHERE name = ${lock} AND owner = ${owner} AND fence = ${fence})`;
}

/** The condition for rows of these locks. */
export function isOf(filter: LockFilter): Statement {
  if (filter === "all") return sql`TRUE`;
  return "lock" in filter ? isRowOf(filter.lock) : sql`name LIKE ${`${fnv1(filter.namespace)},%`}`;
}

/** How many indexes make names unique. */
export function keysOfNames(table: TableName): Statement {
  return sql`(SELECT COUNT(*) FROM (SELECT INDEX_NAME FROM information_schema.STATISTICS
    WHERE ${isTable(table)} AND NON_UNIQUE = 0 GROUP BY INDEX_NAME
    HAVING COUNT(*) = 1 AND MAX(COLUMN_NAME = 'name' AND SUB_PART IS NULL) = 1) AS name_index)`;
}
