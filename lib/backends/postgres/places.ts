import { fnv1 } from "../../lock/namespaced_name.ts";
import { sql, type Statement } from "../sql/statement.ts";

/** The maximum of places, see `--max-waiters`. */
const MAX_PLACES = 256;

/** The second half of the key of each place's lock, before its number: "SEW" in ASCII, so that people can recognize it. */
const FIRST = 0x53455700;

/** SQL for whether a row of `pg_locks` that is an advisory lock is a place to wait in, not a lock of a command. */
export const IS_PLACE = sql`(objsubid = 2 AND objid BETWEEN ${FIRST + 1}::oid AND ${FIRST + MAX_PLACES}::oid)`;

/**
 * The places to wait for a lock in, where the number of waiters is limited. A session takes one before it waits, by an
 * advisory lock, so that it is free when the session ends. Not to be confused with seats, which limit who is woken.
 */
export class Places {
  readonly limit: number;
  readonly #lock: string;

  /**
   * @param lock The lock's name.
   * @param limit How many may wait.
   */
  constructor(lock: string, limit: number) {
    this.limit = limit;
    this.#lock = lock;
  }

  /** An expression that takes a place and returns its number; 0 if all are taken. */
  get take(): Statement {
    return sql`coalesce((SELECT n FROM generate_series(1, ${this.limit}) n WHERE pg_try_advisory_lock(${
      placeArgs(this.#lock, sql`n`)
    }) LIMIT 1), 0)`;
  }

  /** An expression that leaves a place. */
  leave(place: number): Statement {
    return sql`pg_advisory_unlock(${placeArgs(this.#lock, sql`${place}`)})`;
  }
}

/**
 * The arguments of `pg_try_advisory_lock` for a place.
 *
 * @param place Its number, from 1, as an expression of the type integer.
 */
export function placeArgs(lock: string, place: Statement): Statement {
  return sql`${fnv1(`sera waiters ${lock}`)}, ${FIRST} + ${place}`;
}
