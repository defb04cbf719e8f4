import { fnv1 } from "../../lock/namespaced_name.ts";
import { identifier, join, sql, type Statement } from "../sql/statement.ts";

/**
 * How many waiters of a lock can be woken by its release. With each notification the server wakes a process for every
 * session that listens in the database, whatever the channel; so more waiters must not make a release more expensive. A
 * waiter that tries to get a seat every few seconds gets one in time, as long as commands take longer than some 0.1 seconds.
 */
export const SEATS = 16;

/**
 * The same for a lock with slots: several holders release their slots at short intervals, so that more waiters have to be
 * woken before the others try to get seats.
 */
export const SEATS_FOR_SLOTS = 128;

/** The second half of the key of each seat's lock, before its number: "SER0" in ASCII, so that people can recognize it. */
export const FIRST = 0x53455230;

/** SQL for whether a row of `pg_locks` that is an advisory lock is a seat, not a lock that a command runs under. */
export const IS_SEAT = sql`(objsubid = 2 AND objid BETWEEN ${FIRST + 1}::oid AND ${FIRST + SEATS_FOR_SLOTS}::oid)`;

/**
 * The seats of a lock. A waiter takes one if it can, by an advisory lock, so that it is free when its session ends, and
 * listens on the seat's channel. A release notifies one seat that is taken.
 */
export class Seats {
  /** The channel that versions without seats listen on and notify; also the first seat's channel. */
  readonly #channel: string;
  readonly #half: number;
  readonly #count: number;

  /**
   * @param name The lock's name.
   * @param count How many seats there are.
   */
  constructor(name: string, count = SEATS) {
    this.#count = count;
    this.#channel = `sera_${name.replace(/[,.]/g, "_")}`;
    this.#half = fnv1(`${this.#channel} seats`);
  }

  /** The channel of a seat; 0 gives the channel for waiters that have no seat and listen nevertheless. */
  channelOf(seat: number): string {
    return seat <= 1 ? this.#channel : `${this.#channel}_${seat}`;
  }

  /** An expression that takes a seat and returns its number; 0 if all are taken. */
  get take(): Statement {
    return sql`coalesce((SELECT n FROM generate_series(1, ${this.#count}) n WHERE pg_try_advisory_lock(${
      this.#key(sql`n`)
    }) LIMIT 1), 0)`;
  }

  listen(seat: number): Statement {
    return sql`LISTEN ${identifier(this.channelOf(seat))}`;
  }

  leave(seat: number): Statement {
    return join(
      [sql`UNLISTEN *`, ...seat > 0 ? [sql`SELECT pg_advisory_unlock(${this.#key(sql`${seat}`)})`] : []],
      sql`; `,
    );
  }

  /**
   * An expression that notifies the next taken seat after the given one, in a circle; if none is taken, the waiters of
   * versions without seats. A seat that can be locked is free, or this session's own; trying that is quicker than reading
   * `pg_locks`. The lock is shared, so that two sessions that try at the same moment do not take each other for waiters. All
   * types match exactly, see `POSTGRESQL`.
   */
  notifyNext(after: number): Statement {
    const seat = sql`i % ${this.#count}`;
    const key = this.#key(sql`${seat} + 1`);
    const suffix = sql`CASE ${seat} WHEN 0 THEN ''::text ELSE '_'::text || (${seat} + 1)::text END`;
    return sql`pg_notify(${this.#channel} || coalesce((SELECT ${suffix} FROM generate_series(${after}, ${
      after + this.#count - 1
    }) i WHERE NOT (pg_try_advisory_lock_shared(${key}) AND pg_advisory_unlock_shared(${key})) LIMIT 1), ''::text), ''::text)`;
  }

  /** Notifies all who listen without a seat. */
  get notifyAll(): Statement {
    return sql`NOTIFY ${identifier(this.#channel)}`;
  }

  #key(seat: Statement): Statement {
    return sql`${this.#half}, ${FIRST} + ${seat}`;
  }
}
