import { QueueFullError } from "../../errors.ts";
import { askOne } from "../sql/answer.ts";
import { join, sql, type Statement } from "../sql/statement.ts";
import { Places } from "./places.ts";
import { SEATS, Seats, SEATS_FOR_SLOTS } from "./seats.ts";
import type { PostgresSession } from "./session.ts";
import type { Wanted } from "./wanted.ts";

/** Something that was taken in a session: none is left once that has ended. */
interface Numbered {
  readonly session: PostgresSession;
  readonly number: number;
}

/** Where a session waits for one lock after another: in a place, if those are limited, and in a seat, to be woken. */
export class Queue {
  readonly #wanted: Wanted;
  readonly #seats: readonly Seats[];
  readonly #places: Places | undefined;
  #waiting: PostgresSession | undefined;
  #place: Numbered | undefined;
  /** Its number is 0 for who listens without a seat, since the server refuses what that takes. */
  #seat: Numbered | undefined;
  /** Which lock is waited for. */
  #at = 0;
  /** The seat from which the last lock was acquired, or any. */
  #before = Math.floor(Math.random() * SEATS);
  /** Ends the pause between two attempts. */
  #wake = new AbortController();

  /**
   * @param name The lock's name.
   * @param limit How many may wait for it.
   */
  constructor(name: string, wanted: Wanted, limit?: number) {
    this.#wanted = wanted;
    this.#seats = wanted.names.map((name, at) => new Seats(name, wanted.slotsAt(at) ? SEATS_FOR_SLOTS : SEATS));
    if (limit !== undefined) this.#places = new Places(name, limit);
  }

  /**
   * Makes a signal that fires when a release is told to the session.
   *
   * @param at How many locks it has already.
   */
  awaken(at: number): AbortSignal {
    this.#at = at;
    this.#wake = new AbortController();
    return this.#wake.signal;
  }

  /**
   * To be called before a session waits.
   *
   * @throws {QueueFullError} When as many wait as are allowed to.
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

  /** An expression that takes a seat, and is its number; 0 if all are taken. */
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
   * To be called when the session has everything: leaves seat and place to others. The answer is not waited for.
   *
   * @returns Whether anything was sent.
   */
  leave(session: PostgresSession): boolean {
    const seat = this.#endSeat(session);
    // Two who release a slot at the same time may have told this session both.
    const more = seat.length > 0 && this.#wanted.slots ? [this.#passOn] : [];
    return send(session, [...seat, ...this.#endPlace(session), ...more]);
  }

  /** Leaves the seat, to wait for the next lock. */
  leaveSeat(session: PostgresSession): void {
    send(session, this.#endSeat(session));
  }

  /** To be called when the session does not wait any longer, and has nothing: others must not take it for a waiter. */
  giveUp(session: PostgresSession): void {
    if (this.#waiting === session) {
      const seat = this.#endSeat(session);
      // Somebody may have released the lock since the last look, and have told this session only.
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
   * Notifies another waiter if the lock that was waited for is free. To be run after the seat was left: who releases the
   * lock from then on notifies somebody else, and who did so before is seen here.
   */
  get #passOn(): Statement {
    return sql`SELECT ${this.#seats[this.#at]!.notifyNext(this.#before)} WHERE ${this.#wanted.isFree(this.#at)}`;
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
 * Sends statements whose failure does not matter: what they leave is free when the session ends. A late answer must not end
 * the session, and with it the lock.
 */
function send(session: PostgresSession, statements: readonly Statement[]): boolean {
  if (statements.length === 0) return false;
  session.query(join(statements, sql`; `), { serverTime: Infinity }).catch(() => undefined);
  return true;
}
