/**
 * How a holder of a slot shows which slot that is, and of how many: by a shared advisory lock, whose key has both numbers
 * in it. It is taken together with the slot, so everybody who may look at `pg_locks` sees it for as long as the slot is held.
 */

import { fnv1 } from "../../lock/namespaced_name.ts";
import { MOST_SLOTS } from "../../lock/slot_name.ts";
import { sql, type Statement } from "../sql/statement.ts";
import { keyOfName } from "./key.ts";

/** The second half of each mark's key, before its numbers: "SL" in ASCII, so that people can tell them. */
const FIRST = 0x534c0000;
/** How far apart the marks for two numbers of slots are. */
const STEP = 256;

/** SQL for whether a row of `pg_locks` that is an advisory lock is a mark. No other shared one has such a key. */
export const IS_MARK = sql`objsubid = 2 AND mode = 'ShareLock' AND objid BETWEEN ${FIRST + 2 * STEP}::oid AND ${
  FIRST + (MOST_SLOTS + 1) * STEP - 1
}::oid`;

/**
 * The second half of the key that the holders of all slots of a lock share from when they have seen that nobody is in the way:
 * no mark, since a lock cannot have one slot. It is what they vouch with for each other, see `Slots.look`.
 */
const SETTLED = FIRST + STEP;

/** SQL for whether a row of `pg_locks` that is an advisory lock is that. */
export const IS_SETTLED = sql`(objsubid = 2 AND mode = 'ShareLock' AND objid = ${SETTLED}::oid)`;

/** The first half of the keys of a lock's marks, as a signed number. */
export function marksHalf(key: string): number {
  return fnv1(`sera slots ${key}`);
}

/** SQL for whether a row of `pg_locks` that is an advisory lock is a mark of this lock's. */
export function isMarkOf(lock: string): Statement {
  return sql`${IS_MARK} AND classid = ${marksHalf(keyOfName(lock) ?? lock) >>> 0}::oid`;
}

/** The two numbers in a mark, by the second half of its key. */
export function marked(objid: number): { readonly slots: number; readonly slot: number } {
  const number = objid - FIRST;
  return { slots: Math.floor(number / STEP), slot: number % STEP };
}

/** The marks of a lock that has so many slots. */
export class SlotMarks {
  readonly #half: number;
  readonly #first: number;

  constructor(lock: string, slots: number) {
    this.#half = marksHalf(keyOfName(lock) ?? lock);
    this.#first = FIRST + slots * STEP;
  }

  /** The arguments of `pg_try_advisory_lock_shared` for a slot, whose number is an expression of the type integer. */
  args(slot: Statement): Statement {
    return sql`${this.#half}, ${this.#first} + ${slot}`;
  }

  /** The arguments for what shows that a holder is settled. */
  get settledArgs(): Statement {
    return sql`${this.#half}, ${SETTLED}`;
  }

  /** The condition that a row of `pg_locks` which is an advisory lock is that of one of this lock's holders. */
  get isSettled(): Statement {
    return sql`${IS_SETTLED} AND classid = ${this.#half >>> 0}::oid`;
  }

  /** The condition that a row of `pg_locks` which is a mark of the lock's is for this number of slots. */
  get isSameNumber(): Statement {
    return sql`objid BETWEEN ${this.#first}::oid AND ${this.#first + STEP - 1}::oid`;
  }

  /** The condition that it is a mark of this lock for this number of slots. */
  get isSame(): Statement {
    return sql`mode = 'ShareLock' AND classid = ${this.#half >>> 0}::oid AND objsubid = 2 AND ${this.isSameNumber}`;
  }
}
