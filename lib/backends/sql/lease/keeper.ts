import { Deadline } from "../../../deadline.ts";
import { LockUnavailableError, type Trouble } from "../../../errors.ts";
import type { Keeper } from "../../../lock/keeper.ts";
import { Moment } from "../../../lock/lease.ts";
import { ASKED } from "../../../lock/silence.ts";
import { EndRequests } from "../../../lock/end_request.ts";
import { RELEASE_REFUSALS, untilAnswered } from "../../../lock/until_answered.ts";
import type { Session } from "../session.ts";
import type { LeaseConnection } from "./connection.ts";
import { endRequestFor, type Ownership } from "./row.ts";
import type { LeaseServer } from "./server.ts";
import { whyLost } from "./why_lost.ts";
import { type Outcome, rowsIfAny } from "../batch.ts";
import type { Ended, LastEnding } from "../ending.ts";
import { sql } from "../statement.ts";

/** A lease that sera has, and the session lock beside it. */
export interface KeptLease<S extends Session> {
  /** The lock's name. */
  readonly lock: string;
  readonly mine: Ownership;
  /** In milliseconds. */
  readonly ttl: number;
  readonly server: LeaseServer<S>;
  readonly connection: LeaseConnection<S>;
  /** The session that holds the session lock; undefined if none does. */
  readonly queuedIn: S | undefined;
}

/** Keeps a lease by renewing its row, over another connection when one has ended. */
export class LeaseKeeper<S extends Session> implements Keeper {
  readonly lasts = true;
  readonly isGivenUp = true;
  /** Why no renewal is answered at present; undefined if there is no trouble. */
  trouble: Trouble | undefined;
  readonly #endRequests = new EndRequests();
  readonly #kept: KeptLease<S>;
  #queuedIn: S | undefined;
  /** The try to take the session lock in a new session, while it lasts. */
  #queueing: Promise<void> | undefined;
  #isReleased = false;
  /** Whether that has been told. */
  #isOver = false;
  /** Whether a try to release it has failed, so that it may be released. */
  #isUnsure = false;
  /** Until when its release is tried, however often that is asked for. */
  #releaseBy: Deadline | undefined;

  constructor(kept: KeptLease<S>) {
    this.#kept = kept;
    this.#queuedIn = kept.queuedIn;
    kept.connection.endRun = (ending) => this.#endRun(ending);
  }

  get where(): string {
    return this.#kept.connection.where;
  }

  get ended(): AbortSignal {
    return this.#kept.connection.closed;
  }

  get asked(): AbortSignal {
    return this.#endRequests.signal;
  }

  /** The session that holds the session lock, if any does. */
  get queuedIn(): S | undefined {
    return this.#queuedIn;
  }

  get session(): LeaseConnection<S> {
    return this.#kept.connection;
  }

  get token(): bigint {
    return this.#kept.mine.fence;
  }

  /** Renews the lease. Tries until a server has answered, or the keeper is ended. */
  async renew(): Promise<Moment | undefined> {
    const { lock, mine, ttl, server: { table } } = this.#kept;
    return await this.#untilAnswered(async (session) => {
      if (this.#isReleased) return new Moment();
      const sent = new Moment();
      const beat = await table.renew(session, lock, mine, ttl);
      const isOurs = beat !== undefined;
      // A release without an answer has been carried out; or one came while the renewal was on its way.
      this.#isReleased ||= !isOurs && this.#isUnsure;
      if (!isOurs && this.#isReleased) return sent;
      if (!isOurs) throw await whyLost(session, this.#kept.lock, table);
      if (beat >= ASKED) this.#endRequests.noticed(() => table.read(session, endRequestFor(lock)));
      // Not awaited: an answer that is late must not keep the renewal from counting.
      if (!this.#isReleased) this.#queueing ??= this.#queueAgain(session).finally(() => this.#queueing = undefined);
      return sent;
    });
  }

  /**
   * Releases the lease, and then the session lock, so that whoever waits for that finds the lease free. Tries until a
   * server has answered, but no longer than others would wait for the lease to expire.
   */
  async release(): Promise<boolean> {
    if (!this.#isReleased) {
      this.#releaseBy ??= new Deadline(this.#kept.ttl);
      await this.#untilAnswered((session) => this.#free(session), this.#releaseBy);
    }
    await this.#leaveQueue();
    const isFirst = !this.#isOver;
    this.#isOver = true;
    return isFirst && this.#isReleased;
  }

  end(): Promise<void> {
    this.#kept.connection.destroy();
    return Promise.resolve();
  }

  async #endRun(ending: LastEnding): Promise<Ended> {
    if (this.#isReleased) return { isReleased: true, readBack: undefined, afterwards: [] };
    return await this.#free(await this.#kept.connection.session(), ending);
  }

  /**
   * Frees the lease, and leaves the queue in the same message. In this order, each committed before the next: whoever
   * gets the session lock finds the lease free, and the run's end recorded.
   */
  async #free(session: S, ending?: LastEnding): Promise<Ended> {
    const { lock, mine, server: { table, queue } } = this.#kept;
    const isGone = table.isGone(lock, mine);
    const isOver = ending ? sql`${isGone} AND ${ending.isRecorded}` : isGone;
    const leave = this.#queuedIn === session && !this.#queueing ? queue.leaveWhere(session, isOver) : undefined;
    const leaving = leave ? [leave.statement, ...leave.then ? [leave.then] : []] : [];
    const more = [...ending ? [ending.readBack] : [], ...leaving, ...ending?.afterwards ?? []];
    const then = session.takesSeveral ? more : [];
    let outcomes: readonly Outcome[];
    try {
      const released = await table.releaseAnd(session, lock, mine, then, ending);
      // After a try without an answer, what is no longer ours has been released by that.
      this.#isReleased = released.isFreed || this.#isUnsure && (await table.read(session, lock))?.owner !== mine.owner;
      outcomes = released.outcomes;
    } catch (error) {
      this.#isUnsure = true;
      throw error;
    }
    const at = ending ? 1 : 0;
    const left = leave && rowsIfAny(outcomes[at]);
    if (left && leave.wasHeld(left) !== undefined) this.#queuedIn = undefined;
    const readBack = ending && rowsIfAny(outcomes[0]);
    return { isReleased: this.#isReleased, readBack, afterwards: outcomes.slice(at + leaving.length) };
  }

  /** Repeats a request over new connections until it is answered, the deadline passes, or the keeper is ended. */
  async #untilAnswered<T>(ask: (session: S) => Promise<T>, deadline?: Deadline): Promise<T> {
    const { connection, server, ttl } = this.#kept;
    let session: S | undefined;
    const answer = await untilAnswered(async () => {
      session = undefined;
      session = await connection.session();
      return await ask(session);
    }, {
      ttl,
      ended: this.ended,
      failed: ({ why, reason, cure, cause }) => {
        this.trouble = { what: reason, cure };
        // Another server may take it: this one may have become read-only, as in a switchover.
        if (session && !session.closed.aborted && !server.isInTheWay(cause)) session.destroy({ what: why, cure });
      },
      ...deadline ? { deadline, refusals: RELEASE_REFUSALS } : {},
    });
    this.trouble = undefined;
    if (session) connection.answered(session);
    return answer;
  }

  /** Takes the session lock in a new session, if it is free: a waiter may have it, who then waits for the lease. */
  async #queueAgain(session: S): Promise<void> {
    const { server } = this.#kept;
    if (this.#queuedIn === session || !server.hasSessionLocks(session)) return;
    try {
      if (await server.queue.enter(session, new Deadline(0), this.ended)) this.#queuedIn = session;
    } catch (error) {
      // The lease decides; if the session has ended, the next renewal opens another.
      if (!(error instanceof LockUnavailableError)) throw error;
    }
  }

  async #leaveQueue(): Promise<void> {
    await this.#queueing;
    const session = this.#queuedIn;
    this.#queuedIn = undefined;
    if (!session || session.closed.aborted) return;
    try {
      await this.#kept.server.queue.leave(session);
    } catch (error) {
      // It ends with the session, soon.
      if (!(error instanceof LockUnavailableError)) throw error;
    }
  }
}
