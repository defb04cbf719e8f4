/**
 * How a holder of a slot shows which slot that is, and of how many: by a shared advisory lock whose key contains
 * both numbers. It is taken together with the slot, so everybody who may read `pg_locks` sees it while the slot is held.
 */

import { fnv1 } from "../../lock/namespaced_name.ts";
import { MAX_SLOTS } from "../../lock/slot_name.ts";
import { sql, type Statement } from "../sql/statement.ts";
import { keyOfName } from "./key.ts";

/** The second half of each marker's key, before its numbers: "SL" in ASCII, so that people can recognize it. */
const FIRST = 0x534c0000;
/** The distance between the keys for two consecutive numbers of slots. */
const STEP = 256;

/** SQL for whether a row of `pg_locks` that is an advisory lock is a marker. No other shared one has such a key. */
export const IS_MARKER = sql`objsubid = 2 AND mode = 'ShareLock' AND objid BETWEEN ${FIRST + 2 * STEP}::oid AND ${
  FIRST + (MAX_SLOTS + 1) * STEP - 1
}::oid`;

/**
 * The second half of the settled marker's key. The holders of all slots of a lock share it once they have seen no conflict,
 * and so vouch for each other, see `Slots.look`. It is no slot's marker, since a lock cannot have one slot.
 */
const SETTLED = FIRST + STEP;

/** SQL for whether a row of `pg_locks` that is an advisory lock is a settled marker. */
export const IS_SETTLED = sql`(objsubid = 2 AND mode = 'ShareLock' AND objid = ${SETTLED}::oid)`;

/** The first half of the keys of a lock's markers, as a signed number. */
export function markersHalf(key: string): number {
  return fnv1(`sera slots ${key}`);
}

/** SQL for whether a row of `pg_locks` that is an advisory lock is a marker of this lock. */
export function isMarkerOf(lock: string): Statement {
  return sql`${IS_MARKER} AND classid = ${markersHalf(keyOfName(lock) ?? lock) >>> 0}::oid`;
}

/** Reads the two numbers from the second half of a marker's key. */
export function numbersInMarker(objid: number): { readonly slots: number; readonly slot: number } {
  const number = objid - FIRST;
  return { slots: Math.floor(number / STEP), slot: number % STEP };
}

/** The markers of a lock with this number of slots. */
export class SlotMarkers {
  readonly #half: number;
  readonly #first: number;

  constructor(lock: string, slots: number) {
    this.#half = markersHalf(keyOfName(lock) ?? lock);
    this.#first = FIRST + slots * STEP;
  }

  /** The arguments of `pg_try_advisory_lock_shared` for a slot, whose number is an expression of the type integer. */
  args(slot: Statement): Statement {
    return sql`${this.#half}, ${this.#first} + ${slot}`;
  }

  /** The arguments for the settled marker. */
  get settledArgs(): Statement {
    return sql`${this.#half}, ${SETTLED}`;
  }

  /** The condition that a row of `pg_locks` which is an advisory lock is the settled marker of this lock. */
  get isSettled(): Statement {
    return sql`${IS_SETTLED} AND classid = ${this.#half >>> 0}::oid`;
  }

  /** The condition that a row of `pg_locks` which is a marker of the lock is for this number of slots. */
  get isSameNumber(): Statement {
    return sql`objid BETWEEN ${this.#first}::oid AND ${this.#first + STEP - 1}::oid`;
  }

  /** The condition that it is a marker of this lock for this number of slots. */
  get isSame(): Statement {
    return sql`mode = 'ShareLock' AND classid = ${this.#half >>> 0}::oid AND objsubid = 2 AND ${this.isSameNumber}`;
  }
}
