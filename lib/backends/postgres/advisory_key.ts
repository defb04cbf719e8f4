/** The keys of PostgreSQL's advisory locks: 64 bits, or a pair of 32 bits, in two separate key spaces. */

import { sql, type Statement } from "../sql/statement.ts";

/** A lock's key as SQL. */
export interface AdvisoryKey {
  /** The arguments of `pg_try_advisory_lock` and `pg_advisory_unlock`. */
  readonly args: Statement;
  /** The condition that a row of `pg_locks` is about this lock, in any database. */
  readonly row: Statement;
}

/**
 * The advisory key for a lock's name.
 *
 * @param name An md5 name of 32 hex digits, whose first 8 bytes, big-endian and signed, are the key; or one made by
 * `namespacedName()`.
 */
export function advisoryKey(name: string): AdvisoryKey {
  const pair = /^(-?\d+),(-?\d+)$/.exec(name);
  if (pair) {
    const [high, low] = [BigInt(pair[1]!), BigInt(pair[2]!)];
    return { args: sql`${high},${low}`, row: rowOf(high, low, 2) };
  }
  const key = BigInt.asIntN(64, BigInt(`0x${name.slice(0, 16)}`));
  return { args: sql`'${key}'::bigint`, row: rowOf(key >> 32n, key, 1) };
}

/**
 * `pg_locks` shows the halves as unsigned numbers, and in `objsubid` the key space. The casts give each comparison
 * equal types, see `POSTGRESQL`.
 */
function rowOf(high: bigint, low: bigint, space: 1 | 2): Statement {
  const [classId, objectId] = [BigInt.asUintN(32, high), BigInt.asUintN(32, low)];
  return sql`locktype = 'advisory' AND classid = ${classId}::oid AND objid = ${objectId}::oid AND objsubid = ${space}`;
}
