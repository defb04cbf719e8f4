import { LockUnavailableError } from "../../errors.ts";
import { Moment } from "../../lock/lease.ts";
import { answerIn, askOne } from "../sql/answer.ts";
import type { Outcome } from "../sql/batch.ts";
import { sql, type Statement } from "../sql/statement.ts";
import { sqlState } from "./errors.ts";
import type { Queue } from "./queue.ts";
import type { PostgresSession } from "./session.ts";
import type { Taken, Wanted } from "./wanted.ts";

/** A lock that was acquired. */
export interface Granted {
  /** When the question was sent. */
  readonly asked: Moment;
  /** How long the server took to answer it, in milliseconds. */
  readonly took: number;
  /** What happened to the statement that was sent along with the question, if it was. */
  readonly along?: Outcome | undefined;
}

/** Statements that are sent along with a request for a lock. */
export interface Along {
  readonly statement: Statement;
  /**
   * Looks at what happened to it where the lock is busy.
   *
   * @throws {OtherSlotsError} When it shows that there is nothing to wait for.
   */
  readonly whileBusy: (outcome: Outcome) => void;
}

/** Called with the name of the lock that a session waits for, before others can see that. */
export type WaitsFor = (session: PostgresSession, name: string) => void;

/** Asks for locks, one try at a time, and knows how much of what is wanted the session has. */
export class Asking {
  /** What the session has. */
  taken: Taken = { held: 0 };
  readonly #wanted: Wanted;
  readonly #queue: Queue;
  readonly #waitsFor: WaitsFor | undefined;

  constructor(wanted: Wanted, queue: Queue, waitsFor?: WaitsFor) {
    this.#wanted = wanted;
    this.#queue = queue;
    this.#waitsFor = waitsFor;
  }

  /** Asks once for what is missing, with other statements before and after, whose failure does not count. */
  async once(
    session: PostgresSession,
    signal: AbortSignal,
    { along, before, looks = false }: { along?: Along | undefined; before?: Statement; looks?: boolean } = {},
  ): Promise<Granted | undefined> {
    const { held } = this.taken;
    const asked = new Moment();
    const question = this.#wanted.ask(held, looks);
    const others = [before, question, along?.statement].filter((statement) => statement !== undefined);
    const outcomes = await session.batch(others, { signal });
    const took = asked.age;
    const outcome = outcomes[before ? 1 : 0]!;
    if ("error" in outcome) throw outcome.error;
    const answer = answerIn(session, outcome.rows, this.#wanted.columns(held, looks));
    const sent = along && outcomes.at(-1);
    if (this.#take(session, this.#wanted.taken(answer, held))) return { asked, took, along: sent };
    if (sent) along?.whileBusy(sent);
    return undefined;
  }

  /** Asks for what is missing and for a seat; if it gets a seat only, it listens, and asks again. */
  async withSeat(session: PostgresSession, signal: AbortSignal): Promise<Granted | undefined> {
    const { held } = this.taken;
    this.#waitsFor?.(session, this.#wanted.names[held]!);
    const asked = new Moment();
    let seat = 0;
    try {
      const question = this.#wanted.ask(held, false, sql`, ${this.#queue.take} AS seat`);
      const answer = await askOne(session, question, [...this.#wanted.columns(held, false), "seat"], { signal });
      const took = asked.age;
      seat = answer.whole("seat");
      if (seat > 0) this.#queue.sit(session, seat);
      if (this.#take(session, this.#wanted.taken(answer, held))) return { asked, took };
      if (seat === 0 || this.taken.held > held) return undefined;
    } catch (error) {
      if (!(error instanceof LockUnavailableError) || error.transient || sqlState(error.cause) === undefined) {
        throw error;
      }
      // It may refuse a seat only: the rights of functions can be revoked one by one.
      this.#queue.sit(session, seat);
    }
    // In this order, so that no release is missed after the question. On a standby it cannot listen.
    return await this.once(session, signal, { before: this.#queue.listen(session, seat) });
  }

  /** Notes what the session has now. Returns whether that is everything. */
  #take(session: PostgresSession, taken: Taken | undefined): boolean {
    if (!taken) {
      session.destroy();
      throw LockUnavailableError.on(session.where, {
        what: "something other than sera holds an advisory lock that sera needs for slots",
        cure: "see pg_locks for who holds it",
      });
    }
    this.taken = taken;
    return taken.held === this.#wanted.names.length;
  }
}
