import { LockUnavailableError } from "../../errors.ts";
import { Moment } from "../../lock/lease.ts";
import { answerIn, askOne } from "../sql/answer.ts";
import type { Outcome } from "../sql/batch.ts";
import { sql, type Statement } from "../sql/statement.ts";
import { sqlState } from "./errors.ts";
import type { Queue } from "./queue.ts";
import type { PostgresSession } from "./session.ts";
import type { RequestedLocks, Taken } from "./requested_locks.ts";

/** A lock that was acquired. */
export interface Granted {
  /** When the request was sent. */
  readonly asked: Moment;
  /** How long the server took to answer it, in milliseconds. */
  readonly took: number;
  /** The outcome of the statement that was sent along with the request, if one was. */
  readonly along?: Outcome | undefined;
}

/** A statement that is sent along with a request for a lock. */
export interface Along {
  readonly statement: Statement;
  /**
   * Called with its outcome if the lock is busy.
   *
   * @throws {OtherSlotsError} When it shows that there is nothing to wait for.
   */
  readonly whileBusy: (outcome: Outcome) => void;
}

/** Called with the name of the lock that a session waits for, before others can see that. */
export type WaitsFor = (session: PostgresSession, name: string) => void;

/** Tries to acquire locks, one attempt at a time, and keeps track of which of them the session has. */
export class Acquisition {
  /** What the session has. */
  taken: Taken = { held: 0 };
  readonly #requested: RequestedLocks;
  readonly #queue: Queue;
  readonly #waitsFor: WaitsFor | undefined;

  constructor(requested: RequestedLocks, queue: Queue, waitsFor?: WaitsFor) {
    this.#requested = requested;
    this.#queue = queue;
    this.#waitsFor = waitsFor;
  }

  /** Tries once to take what is missing, with other statements before and after, whose failures are ignored. */
  async once(
    session: PostgresSession,
    signal: AbortSignal,
    { along, before, looks = false }: { along?: Along | undefined; before?: Statement; looks?: boolean } = {},
  ): Promise<Granted | undefined> {
    const { held } = this.taken;
    const asked = new Moment();
    const question = this.#requested.ask(held, looks);
    const others = [before, question, along?.statement].filter((statement) => statement !== undefined);
    const outcomes = await session.batch(others, { signal });
    const took = asked.age;
    const outcome = outcomes[before ? 1 : 0]!;
    if ("error" in outcome) throw outcome.error;
    const answer = answerIn(session, outcome.rows, this.#requested.columns(held, looks));
    const sent = along && outcomes.at(-1);
    if (this.#take(session, this.#requested.taken(answer, held))) return { asked, took, along: sent };
    if (sent) along?.whileBusy(sent);
    return undefined;
  }

  /** Tries to take what is missing and a seat. If it gets only a seat, it listens, and tries again. */
  async withSeat(session: PostgresSession, signal: AbortSignal): Promise<Granted | undefined> {
    const { held } = this.taken;
    this.#waitsFor?.(session, this.#requested.names[held]!);
    const asked = new Moment();
    let seat = 0;
    try {
      const question = this.#requested.ask(held, false, sql`, ${this.#queue.take} AS seat`);
      const answer = await askOne(session, question, [...this.#requested.columns(held, false), "seat"], { signal });
      const took = asked.age;
      seat = answer.whole("seat");
      if (seat > 0) this.#queue.sit(session, seat);
      if (this.#take(session, this.#requested.taken(answer, held))) return { asked, took };
      if (seat === 0 || this.taken.held > held) return undefined;
    } catch (error) {
      if (!(error instanceof LockUnavailableError) || error.transient || sqlState(error.cause) === undefined) {
        throw error;
      }
      // It may refuse only the seat: privileges on functions can be revoked one by one.
      this.#queue.sit(session, seat);
    }
    // In this order, so that no release after the attempt is missed. On a standby it cannot listen.
    return await this.once(session, signal, { before: this.#queue.listen(session, seat) });
  }

  /** Records what the session has now. Returns whether that is everything. */
  #take(session: PostgresSession, taken: Taken | undefined): boolean {
    if (!taken) {
      session.destroy();
      throw LockUnavailableError.on(session.where, {
        what: "something other than sera holds an advisory lock that sera needs for slots",
        cure: "see pg_locks for who holds it",
      });
    }
    this.taken = taken;
    return taken.held === this.#requested.names.length;
  }
}
