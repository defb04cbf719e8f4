/** The keys of PostgreSQL's advisory locks: 64 bits, or a pair of 32 bits, in two separate key spaces. */

import { slotIn } from "../../lock/slot_name.ts";
import { sql, type Statement } from "../sql/statement.ts";

/** A lock's key as SQL. */
export interface AdvisoryKey {
  /** The arguments of `pg_try_advisory_lock` and `pg_advisory_unlock`. */
  readonly args: Statement;
  /** The condition that an advisory lock in `pg_locks` is this one, in any database. */
  readonly at: Statement;
  /** The same for any row of `pg_locks`. */
  readonly row: Statement;
}

/** Where the bits of a slot's number change the two halves of its lock's key. */
const SHIFT = 24;

/**
 * The advisory key for the name of a lock or of a slot.
 *
 * @param name An md5 name of 32 hex digits, whose first 8 bytes, big-endian and signed, are the key; or one made by
 * `namespacedName()`. For a slot, see {@linkcode slotArgs}.
 */
export function advisoryKey(name: string): AdvisoryKey {
  const { lock, slot } = slotIn(name);
  const { high, low, space } = halvesOf(lock);
  return keyOf(high ^ slot << SHIFT, low ^ slot << SHIFT, space);
}

/** The advisory key of two halves, which are signed. */
function keyOf(high: number, low: number, space: 1 | 2): AdvisoryKey {
  const at = rowOf(high, low, space);
  const args = space === 2
    ? sql`${high | 0},${low | 0}`
    : sql`'${BigInt.asIntN(64, BigInt(high) << 32n | BigInt(low >>> 0))}'::bigint`;
  return { args, at, row: sql`locktype = 'advisory' AND ${at}` };
}

/**
 * The arguments of `pg_try_advisory_lock` for a slot of a lock. It is the lock's own key, with the slot's number written
 * over the highest byte of both halves (by exclusive or), so that the number and the slot's key give the lock's key. Two
 * names hardly ever differ only there; in the lowest bits they may, if two namespaced ones differ in their last letters.
 *
 * @param slot An expression of the type integer.
 */
export function slotArgs(lock: string, slot: Statement): Statement {
  const { high, low, space } = halvesOf(lock);
  if (space === 2) return sql`'${high}'::int # (${slot} << ${SHIFT}), '${low}'::int # (${slot} << ${SHIFT})`;
  const { args } = keyOf(high, low, space);
  return sql`${args} # (${slot}::bigint << ${32 + SHIFT}) # (${slot}::bigint << ${SHIFT})`;
}

/** The condition that an exclusive advisory lock in `pg_locks` is a slot of a lock, see {@linkcode slotArgs}. */
export function isSlotOf(lock: string): Statement {
  const { high, low, space } = halvesOf(lock);
  const mask = 2 ** SHIFT - 1;
  const is = (column: Statement, half: number) => sql`${column}::bigint & ${mask}::bigint = ${half & mask}::bigint`;
  return sql`(${is(sql`classid`, high)} AND ${is(sql`objid`, low)} AND objsubid = ${space})`;
}

/** A half of the key of a slot's lock, signed. */
export function halfWithoutSlot(half: number, slot: number): number {
  return half ^ slot << SHIFT;
}

function halvesOf(name: string): { readonly high: number; readonly low: number; readonly space: 1 | 2 } {
  const pair = /^(-?\d+),(-?\d+)$/.exec(name);
  if (pair) return { high: Number(pair[1]), low: Number(pair[2]), space: 2 };
  const half = (at: number) => Number.parseInt(name.slice(at, at + 8), 16) | 0;
  return { high: half(0), low: half(8), space: 1 };
}

/**
 * `pg_locks` shows the halves as unsigned numbers, and in `objsubid` the key space. The casts give each comparison
 * equal types, see `POSTGRESQL`.
 */
function rowOf(high: number, low: number, space: 1 | 2): Statement {
  return sql`classid = ${high >>> 0}::oid AND objid = ${low >>> 0}::oid AND objsubid = ${space}`;
}
