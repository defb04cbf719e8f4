/** The SQL of the table of leases. */

import { MARGINS_PER_TTL } from "../../lock/expiry_watch.ts";
import { fnv1 } from "../../lock/namespaced_name.ts";
import type { LockFilter } from "../../who/sighting.ts";
import { truncate } from "../sql/insert_run.ts";
import { assignmentsOf, conditionOf } from "../sql/ending.ts";
import { isRowOf } from "../sql/lease/snapshot.ts";
import { COUNTER_LIMIT, leaseColumns, MAX_TTL, NAMES, type Reading } from "../sql/lease/read_row.ts";
import type { Claim, Ownership, TakeFrom } from "../sql/lease/row.ts";
import { createLeases } from "../sql/lease/schema.ts";
import type { Ending } from "../sql/ending.ts";
import { join, sql, type Statement } from "../sql/statement.ts";
import { storageOf } from "./storage.ts";
import { inMilliseconds } from "./sql.ts";
import { decodeText, readText, span, WORD } from "./table_sql.ts";

/** How many leases to read at a time: even with the longest texts they fit into the longest answer that is accepted. */
export const READ_AT_ONCE = 100;

/** Not the time when the statement began, since it may have waited for others. */
const NOW = sql`clock_timestamp()`;

/** How the columns are read. */
export const READING: Reading = {
  readText,
  decodeText,
  readNumber: (column) => column,
  readTime: inMilliseconds,
  left: sql`${inMilliseconds(sql`expires`)} - ${inMilliseconds(NOW)}`,
};

/** The statement that creates the table, unless it exists. */
export function createTable(table: Statement): Statement {
  const text = sql`text NOT NULL DEFAULT ''`;
  return createLeases(table, {
    name: sql`${WORD} PRIMARY KEY`,
    owner: sql`${WORD} NULL`,
    fence: sql`bigint NOT NULL`,
    beat: sql`bigint NOT NULL`,
    ttl_ms: sql`bigint NOT NULL`,
    expires: sql`timestamptz NOT NULL`,
    host: text,
    pid: sql`bigint NOT NULL DEFAULT 0`,
    label: text,
    since: sql`timestamptz NULL`,
  });
}

/** Acquires a lease whose row exists; returns its `fence`. */
export function claimLease(table: Statement, claim: Claim, above: Statement | undefined): Statement {
  const { lock, owner, ttl, from, host, pid, label } = claim;
  const isMine = sql`owner = ${owner}`;
  return sql`UPDATE ${table} SET owner = ${owner}, beat = CASE WHEN ${isMine} THEN beat + 1 ELSE 1 END,
    fence = CASE WHEN ${isMine} THEN fence ELSE GREATEST(fence, ${last(above)}) + 1 END,
    since = CASE WHEN ${isMine} THEN since ELSE ${NOW} END,
    ${until(ttl)}, host = ${truncate(host)}, pid = ${pid}, label = ${truncate(label)}
    WHERE name = ${lock} AND fence >= 0 AND fence < ${COUNTER_LIMIT} AND beat >= 0 AND beat < ${COUNTER_LIMIT}
    AND (owner IS NULL OR ${isMine}${mayBeTaken(from)}) RETURNING fence`;
}

/** Inserts the row of a lock that has none, and acquires its lease; returns its `fence`, and the table's storage. */
export function insertLease(table: Statement, claim: Claim, above: Statement | undefined): Statement {
  const { lock, owner, ttl, host, pid, label } = claim;
  // Also requires the privilege to UPDATE: a role that may not renew must not acquire.
  return sql`WITH asked AS (UPDATE ${table} SET owner = owner, fence = fence, beat = beat, ttl_ms = ttl_ms,
      expires = expires, host = host, pid = pid, label = label, since = since WHERE false)
    INSERT INTO ${table} (name, owner, fence, beat, ttl_ms, expires, host, pid, label, since)
    VALUES (${lock}, ${owner}, ${last(above)} + 1, 1, ${ttl}, ${NOW} + ${span(ttl)},
      ${truncate(host)}, ${pid}, ${truncate(label)}, ${NOW})
    ON CONFLICT (name) DO NOTHING RETURNING fence, ${storageOf(table)} AS storage`;
}

/** A claim in which characters of the host and the label that not all encodings have are replaced. */
export function inAscii(claim: Claim): Claim {
  const plain = (text: string) => text.replace(/[^ -~]/gu, "?");
  return { ...claim, host: plain(claim.host), label: plain(claim.label) };
}

/** Renews a lease; returns its `beat` if it was still ours. */
export function renewLease(table: Statement, lock: string, mine: Ownership, ttl: number): Statement {
  return sql`UPDATE ${table} SET beat = beat + 1, ${until(ttl)} WHERE ${isStill(lock, mine)} RETURNING beat`;
}

/** Frees a lease, and ends the run if one is given; returns a row if the lease was still ours and the run was found. */
export function releaseLease(table: Statement, lock: string, mine: Ownership, ending?: Ending): Statement {
  const free = sql`UPDATE ${table} SET owner = NULL, beat = beat + 1 WHERE ${isStill(lock, mine)}`;
  if (!ending) return sql`${free} RETURNING fence`;
  // All parts of the statement see the rows as they were at its start, so the lock on the row keeps others away.
  return sql`WITH mine AS (SELECT 1 AS one FROM ${table} WHERE ${isStill(lock, mine)} FOR UPDATE),
    ended AS (UPDATE ${ending.table} SET ${assignmentsOf(ending)}
      WHERE ${conditionOf(ending)} AND EXISTS (SELECT FROM mine) RETURNING 1 AS one)
    ${free} AND EXISTS (SELECT FROM ended) RETURNING fence`;
}

/** The condition that a lease is no longer this owner's. */
export function isNoLonger(table: Statement, lock: string, mine: Ownership): Statement {
  return sql`NOT EXISTS (SELECT FROM ${table} WHERE ${isStill(lock, mine)})`;
}

/** Reads rows, including those of free leases, in the order of their names. */
export function selectLeases(table: Statement, which: Statement): Statement {
  return sql`SELECT ${leaseColumns(READING)} FROM ${table} WHERE ${which} ORDER BY name LIMIT ${READ_AT_ONCE}`;
}

/** Reads which of these locks have a row. */
export function selectNames(table: Statement, locks: readonly string[]): Statement {
  const names = join(locks.map((lock) => sql`${lock}`));
  return sql`SELECT ${readText(sql`name`)} AS lock_name FROM ${table} WHERE name IN (${names})`;
}

/** Deletes the row of a lock whose lease is free. */
export function forgetLease(table: Statement, lock: string): Statement {
  return sql`DELETE FROM ${table} WHERE name = ${lock} AND owner IS NULL`;
}

/** The condition for rows of held leases, of locks whose names come after `last`. */
export function heldAfter(last: string, filter: LockFilter): Statement {
  // Rows with other names are not locks.
  return sql`name > ${last} AND name ~ ${NAMES} AND owner IS NOT NULL AND ${isOf(filter)}`;
}

/** The last number that was given out elsewhere; 0 for none, or for one too high to have been reached by counting. */
function last(above: Statement | undefined): Statement {
  if (above === undefined) return sql`0::bigint`;
  return sql`COALESCE(NULLIF(LEAST((${above})::bigint, ${COUNTER_LIMIT}::bigint), ${COUNTER_LIMIT}::bigint), 0::bigint)`;
}

function until(ttl: number): Statement {
  return sql`ttl_ms = ${ttl}, expires = ${NOW} + ${span(ttl)}`;
}

function isStill(lock: string, { owner, fence }: Ownership): Statement {
  return sql`name = ${lock} AND owner = ${owner} AND fence = ${fence}`;
}

/** The end of a condition by which another's lease may be taken over. */
function mayBeTaken(from: TakeFrom): Statement {
  if (from === "nobody") return sql``;
  if ("seen" in from) {
    const { owner, fence, beat } = from.seen;
    return sql` OR owner = ${owner} AND fence = ${fence} AND beat = ${beat}`;
  }
  const { slack, ttls } = from;
  const ttl = sql`ttl_ms::float8 * interval '1 millisecond'`;
  const longer = ttls === 0 ? sql`` : sql` - ${ttl}`;
  return sql` OR CASE WHEN ttl_ms > 0 AND ttl_ms <= ${MAX_TTL} THEN isfinite(expires) AND expires <
    ${NOW} - GREATEST(${span(slack)}, ${ttl} / ${MARGINS_PER_TTL}::float8)${longer} END`;
}

function isOf(filter: LockFilter): Statement {
  if (filter === "all") return sql`true`;
  return "lock" in filter ? isRowOf(filter.lock) : sql`name LIKE ${`${fnv1(filter.namespace)},%`}`;
}
