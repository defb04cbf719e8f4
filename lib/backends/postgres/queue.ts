import { QueueFullError } from "../../errors.ts";
import { askOne } from "../sql/answer.ts";
import { join, sql, type Statement } from "../sql/statement.ts";
import { Places } from "./places.ts";
import { SEATS, Seats, SEATS_FOR_SLOTS } from "./seats.ts";
import type { PostgresSession } from "./session.ts";
import type { RequestedLocks } from "./requested_locks.ts";

/** A seat or a place taken in a session; it is free again once the session has ended. */
interface Numbered {
  readonly session: PostgresSession;
  readonly number: number;
}

/** A session's position in the queues of its locks: a place, if the waiters are limited, and a seat, to be woken. */
export class Queue {
  readonly #requested: RequestedLocks;
  readonly #seats: readonly Seats[];
  readonly #places: Places | undefined;
  #waiting: PostgresSession | undefined;
  #place: Numbered | undefined;
  /** Its number is 0 for a session that listens without a seat, since it lacks a privilege that seats need. */
  #seat: Numbered | undefined;
  /** The lock that the session waits for, by its index. */
  #at = 0;
  /** The seat from which the session acquired the last lock, or any number. */
  #before = Math.floor(Math.random() * SEATS);
  /** Ends the pause between two attempts. */
  #wake = new AbortController();

  /**
   * @param name The lock's name.
   * @param limit How many may wait for it.
   */
  constructor(name: string, requested: RequestedLocks, limit?: number) {
    this.#requested = requested;
    this.#seats = requested.names.map((name, at) => new Seats(name, requested.slotsAt(at) ? SEATS_FOR_SLOTS : SEATS));
    if (limit !== undefined) this.#places = new Places(name, limit);
  }

  /**
   * Makes a signal that fires when the session is notified of a release.
   *
   * @param at How many locks it has already.
   */
  awaken(at: number): AbortSignal {
    this.#at = at;
    this.#wake = new AbortController();
    return this.#wake.signal;
  }

  /**
   * Call this before the session waits.
   *
   * @throws {QueueFullError} When as many wait as may.
   * @throws {LockUnavailableError} When the server does not answer, or refuses.
   */
  async enter(session: PostgresSession, signal: AbortSignal): Promise<void> {
    this.#waiting = session;
    if (!this.#places || this.#place?.session === session) return;
    const { limit, take } = this.#places;
    const answer = limit > 0 ? await askOne(session, sql`SELECT ${take} AS place`, ["place"], { signal }) : undefined;
    const number = answer?.whole("place") ?? 0;
    if (number === 0) throw new QueueFullError(limit);
    this.#place = { session, number };
  }

  seatIn(session: PostgresSession): number | undefined {
    return this.#seat?.session === session ? this.#seat.number : undefined;
  }

  /** An expression that takes a seat and returns its number; 0 if all are taken. */
  get take(): Statement {
    return this.#seats[this.#at]!.take;
  }

  sit(session: PostgresSession, number: number): void {
    this.#seat = { session, number };
  }

  listen(session: PostgresSession, seat: number): Statement {
    const seats = this.#seats[this.#at]!;
    const channel = seats.channelOf(seat);
    session.notified = (told) => {
      if (told === channel) this.#wake.abort();
    };
    return seats.listen(seat);
  }

  /**
   * Call this when the session has everything: leaves seat and place to others. Does not wait for the answer.
   *
   * @returns Whether anything was sent.
   */
  leave(session: PostgresSession): boolean {
    const seat = this.#endSeat(session);
    // Two sessions that release a slot at the same time may both have notified this one.
    const more = seat.length > 0 && this.#requested.slots ? [this.#passOn] : [];
    return send(session, [...seat, ...this.#endPlace(session), ...more]);
  }

  /** Leaves the seat, to wait for the next lock. */
  leaveSeat(session: PostgresSession): void {
    send(session, this.#endSeat(session));
  }

  /** Call this when the session gives up waiting, and has nothing: others must not take it for a waiter. */
  giveUp(session: PostgresSession): void {
    if (this.#waiting === session) {
      const seat = this.#endSeat(session);
      // The lock may have been released since the last attempt, with a notification to this session only.
      const more = seat.length > 0 ? [this.#passOn] : [];
      if (!send(session, [...seat, ...this.#endPlace(session), ...more])) session.show();
    }
    this.#waiting = undefined;
  }

  /**
   * An expression that notifies a waiter of each lock.
   *
   * @param held How many locks were held.
   */
  notifyNext(held: number): Statement {
    const all = this.#seats.slice(0, Math.max(held, 1)).map((seats) => seats.notifyNext(this.#before));
    return join(all);
  }

  /** Notifies all who listen without a seat. */
  get notifyAll(): Statement {
    return join(this.#seats.map((seats) => seats.notifyAll), sql`; `);
  }

  /**
   * Notifies another waiter if the lock that this session waited for is free. Run it after leaving the seat: a later release
   * notifies another waiter, and an earlier one is seen here.
   */
  get #passOn(): Statement {
    return sql`SELECT ${this.#seats[this.#at]!.notifyNext(this.#before)} WHERE ${this.#requested.isFree(this.#at)}`;
  }

  #endSeat(session: PostgresSession): readonly Statement[] {
    const seat = this.seatIn(session);
    if (seat === undefined) return [];
    this.#seat = undefined;
    session.notified = undefined;
    this.#before = seat;
    return [this.#seats[this.#at]!.leave(seat)];
  }

  #endPlace(session: PostgresSession): readonly Statement[] {
    const place = this.#place;
    this.#place = undefined;
    return this.#places && place?.session === session ? [sql`SELECT ${this.#places.leave(place.number)}`] : [];
  }
}

/**
 * Sends statements whose failure does not matter: what they fail to free is free when the session ends. A late answer must
 * not end the session, and with it the lock.
 */
function send(session: PostgresSession, statements: readonly Statement[]): boolean {
  if (statements.length === 0) return false;
  session.query(join(statements, sql`; `), { serverTime: Infinity }).catch(() => undefined);
  return true;
}
