import type { Deadline } from "../../deadline.ts";
import { LockUnavailableError } from "../../errors.ts";
import { Moment } from "../../lock/lease.ts";
import { delayOrAbort } from "../../waiting.ts";
import { type Answer, answerIn, askOne } from "../sql/answer.ts";
import type { Outcome } from "../sql/batch.ts";
import { sql, type Statement } from "../sql/statement.ts";
import type { ReleaseWhere } from "../sql/release_where.ts";
import { type AdvisoryKey, advisoryKey } from "./advisory_key.ts";
import { sqlState } from "./errors.ts";
import { SEATS, Seats } from "./seats.ts";
import type { PostgresSession } from "./session.ts";
import { brief } from "./sql.ts";

/**
 * The shortest and longest pause between two attempts while another session holds the lock, in milliseconds. Who releases
 * it wakes a waiter with a seat; the attempts are for a holder that died, or that is another program. Whoever has a seat
 * tries once a second, so that this is noticed soon. The others try to get a seat, and the lock, more seldom.
 */
const SEATED = [900, 1000] as const;
const STANDING = [2000, 4000] as const;

/** A lock that was acquired. */
export interface Granted {
  /** When the question was sent. */
  readonly asked: Moment;
  /** How long the server took to answer it, in milliseconds. */
  readonly took: number;
  /** What became of the statement that was sent along with the question, if it was. */
  readonly along?: Outcome | undefined;
}

/** An advisory lock: asked for and released in a session that is given, one session at a time. */
export class AdvisoryLock {
  readonly #key: AdvisoryKey;
  readonly #seats: Seats;
  /** Where a session waits: its seat, or 0 if it listens without one, since the server refuses it what that takes. */
  #seat: { readonly session: PostgresSession; readonly number: number } | undefined;
  /** The seat that the lock was acquired from, or any. */
  #before = Math.floor(Math.random() * SEATS);
  /** Ends the pause between two attempts. */
  #wake = new AbortController();

  /** @param name As {@linkcode advisoryKey} takes it. */
  constructor(name: string) {
    this.#key = advisoryKey(name);
    this.#seats = new Seats(name);
  }

  /**
   * Asks for the lock until the session has it or the deadline passes; at least once. Once the session has it, this must
   * not be called again before the release: it would have it twice.
   *
   * It waits without a transaction: `pg_advisory_lock` would hold a snapshot, so that CREATE INDEX CONCURRENTLY in the
   * holder's command would wait for the waiter, and the waiter for the holder.
   *
   * @param along A statement to be sent along, and run after the question, where the lock is most likely free: at first,
   * and after a notification. Not at other times, since it may cost the server more than the question does.
   * @returns Undefined if the session does not have it.
   * @throws {LockUnavailableError} When the server does not answer, or refuses; also when the session ends.
   * @throws The signal's reason when it is aborted.
   */
  async wait(
    session: PostgresSession,
    deadline: Deadline,
    signal: AbortSignal,
    along?: Statement,
  ): Promise<Granted | undefined> {
    for (let isFirst = true, isWoken = false;; isFirst = false) {
      const isLast = deadline.passed;
      this.#wake = new AbortController();
      const granted = isFirst || isLast || this.#seatIn(session) !== undefined
        ? await this.#ask(session, signal, isFirst || isWoken ? along : undefined)
        : await this.#askForSeat(session, signal);
      if (granted || isLast) return granted;
      if (isFirst) continue;
      const pause = this.#seatIn(session) === undefined
        ? Math.min(between(STANDING), session.idleTimeout / 2)
        : between(SEATED);
      await delayOrAbort(Math.min(pause, deadline.remaining), this.#wake.signal, signal, session.closed);
      signal.throwIfAborted();
      isWoken = this.#wake.signal.aborted;
    }
  }

  #seatIn(session: PostgresSession): number | undefined {
    return this.#seat?.session === session ? this.#seat.number : undefined;
  }

  /** Asks for the lock once, with other statements before and after the question, whose failure is no failure of this. */
  async #ask(
    session: PostgresSession,
    signal: AbortSignal,
    along?: Statement,
    before?: Statement,
  ): Promise<Granted | undefined> {
    const asked = new Moment();
    const question = sql`SELECT ${this.#try} AS got`;
    const others = [before, question, along].filter((statement) => statement !== undefined);
    const outcomes = await session.batch(others, { signal });
    const took = asked.age;
    const outcome = outcomes[before ? 1 : 0]!;
    if ("error" in outcome) throw outcome.error;
    const got = answerIn(session, outcome.rows, ["got"]).truth("got");
    return got ? { asked, took, along: along && outcomes.at(-1) } : undefined;
  }

  /** Asks for the lock and for a seat; if it gets a seat only, it listens, and asks for the lock again. */
  async #askForSeat(session: PostgresSession, signal: AbortSignal): Promise<Granted | undefined> {
    const asked = new Moment();
    let seat = 0;
    try {
      const question = sql`SELECT ${this.#try} AS got, ${this.#seats.take} AS seat`;
      const answer = await askOne(session, question, ["got", "seat"], { signal });
      const took = asked.age;
      seat = answer.whole("seat");
      if (seat > 0) this.#seat = { session, number: seat };
      if (answer.truth("got")) return { asked, took };
      if (seat === 0) return undefined;
    } catch (error) {
      if (!(error instanceof LockUnavailableError) || error.transient || sqlState(error.cause) === undefined) {
        throw error;
      }
      // It may refuse a seat only: the rights of functions can be revoked one by one.
      this.#seat = { session, number: seat };
    }
    const channel = this.#seats.channelOf(seat);
    session.notified = (told) => {
      if (told === channel) this.#wake.abort();
    };
    // In this order, so that no release is missed after the question. On a standby it cannot listen.
    return await this.#ask(session, signal, undefined, this.#seats.listen(seat));
  }

  get #try(): Statement {
    return sql`pg_try_advisory_lock(${this.#key.args})`;
  }

  get #unlock(): Statement {
    return sql`pg_advisory_unlock(${this.#key.args})`;
  }

  get #toldAndReleased(): Statement {
    return sql`${this.#seats.notifyNext(this.#before)} AS told, ${this.#unlock} AS released`;
  }

  /** To be called when the lock was acquired: leaves the seat to another waiter. The answer is not waited for. */
  leaveSeat(session: PostgresSession): void {
    const seat = this.#seatIn(session);
    if (seat === undefined) return;
    this.#seat = undefined;
    session.notified = undefined;
    this.#before = seat;
    // If that fails the seat is free when the session ends. A late answer must not end the session, and with it the lock.
    session.query(this.#seats.leave(seat), { serverTime: Infinity }).catch(() => undefined);
  }

  /**
   * Releases the lock and notifies a waiter in one statement: the server notifies it once both are done. Where that
   * fails, as on a standby, nothing has been unlocked yet; then it releases alone, and the waiters find out by trying.
   *
   * @returns Whether the session had it.
   * @throws {LockUnavailableError} When that is not known.
   */
  async release(session: PostgresSession): Promise<boolean> {
    let answer: Answer<"released">;
    try {
      answer = await askOne(session, sql`SELECT ${this.#toldAndReleased}`, ["told", "released"]);
    } catch (error) {
      if (!(error instanceof LockUnavailableError) || session.closed.aborted) throw error;
      answer = await askOne(session, sql`SELECT ${this.#unlock} AS released`, ["released"]);
      // For those who were refused a seat as well.
      session.attempt(this.#seats.notifyAll).catch(() => undefined);
    }
    return answer.truth("released");
  }

  /** Releases the lock and notifies a waiter in a batch, where a condition on tables holds. */
  releaseWhere(session: PostgresSession, condition: Statement): ReleaseWhere {
    return {
      statement: brief(sql`SELECT ${this.#toldAndReleased} WHERE ${condition}`),
      wasHeld: (rows) =>
        rows.length === 0 ? undefined : answerIn(session, rows, ["told", "released"]).truth("released"),
    };
  }

  /** The condition that this very session holds the lock. The database need not be compared: a session has only one. */
  isHeldBy({ pid }: PostgresSession): Statement {
    return sql`pg_backend_pid() = ${pid} AND EXISTS (
    SELECT FROM pg_locks WHERE ${this.#key.row} AND pid = ${pid} AND granted AND mode = 'ExclusiveLock')`;
  }
}

function between([shortest, longest]: readonly [number, number]): number {
  return shortest + Math.random() * (longest - shortest);
}
