import { fnv1 } from "../../lock/namespaced_name.ts";
import { identifier, join, sql, type Statement } from "../sql/statement.ts";

/**
 * How many waiters of a lock can be woken by its release. The server wakes a process for everyone who listens in the
 * database, whatever the channel, with each notification: so a release must not cost more the more there are who wait. A
 * waiter that looks for a seat every few seconds finds one in time, as long as commands take longer than some 0.1 seconds.
 */
export const SEATS = 16;

/**
 * The same for a lock with slots: several holders give their slots back at short intervals, so that more waiters have to
 * be woken before the others look for seats.
 */
export const SEATS_FOR_SLOTS = 128;

/** The second half of the key of each seat's lock, before its number: "SER0" in ASCII, so that people can tell them. */
export const FIRST = 0x53455230;

/** SQL for whether a row of `pg_locks` that is an advisory lock is a seat, and none of the locks that commands run under. */
export const IS_SEAT = sql`(objsubid = 2 AND objid BETWEEN ${FIRST + 1}::oid AND ${FIRST + SEATS_FOR_SLOTS}::oid)`;

/**
 * The seats of a lock. Whoever waits takes one if there is one, by an advisory lock, so that it is free when its session
 * ends. Who has a seat listens on a channel of that seat, and whoever releases the lock notifies one seat that is taken.
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

  /** An expression that takes a seat, and is its number; 0 if all are taken. */
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
   * An expression that notifies the first seat that is taken after another one, round and round; if none is, those who
   * know of no seats. A seat that can be locked is free, or this session's own. That is quicker than `pg_locks`. The lock is
   * shared, so that two who look at the same moment do not take each other for waiters. All types match exactly, see
   * `POSTGRESQL`.
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
