import { Deadline } from "../../../deadline.ts";
import { LockUnavailableError, OtherSlotsError, type Trouble } from "../../../errors.ts";
import type { Keeper } from "../../../lock/keeper.ts";
import { Moment } from "../../../lock/lease.ts";
import { ASKED } from "../../../lock/expiry_watch.ts";
import { EndRequests } from "../../../lock/end_request.ts";
import { RELEASE_REFUSALS, untilAnswered } from "../../../lock/until_answered.ts";
import type { Session } from "../session.ts";
import type { Ended, LastEnding } from "../ending.ts";
import type { LeaseConnection } from "./connection.ts";
import { atOnce } from "./entered.ts";
import { GivingBack } from "./giving_back.ts";
import { endRequestFor } from "./row.ts";
import type { KeptLease } from "./kept_lease.ts";
import { whyLost } from "./why_lost.ts";

/** Keeps a lease by renewing its row, over another connection when one has ended. */
export class LeaseKeeper<S extends Session> implements Keeper {
  readonly isDurable = true;
  readonly isGivenUp = true;
  /** Why no renewal is answered at present; undefined if there is no trouble. */
  trouble: Trouble | undefined;
  readonly #endRequests = new EndRequests();
  readonly #kept: KeptLease<S>;
  readonly #givingBack: GivingBack<S>;
  /** The try to take the session locks in a new session, while it lasts. */
  #queueing: Promise<void> | undefined;
  /** Whether its release has been told. */
  #isOver = false;
  /** Until when its release is tried, however often that is asked for. */
  #releaseBy: Deadline | undefined;

  constructor(kept: KeptLease<S>) {
    this.#kept = kept;
    this.#givingBack = new GivingBack(kept);
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

  get session(): LeaseConnection<S> {
    return this.#kept.connection;
  }

  get token(): bigint {
    return this.#kept.rows[0]!.mine.fence;
  }

  get slot(): number | undefined {
    return this.#kept.slot;
  }

  get alsoTokens(): readonly bigint[] | undefined {
    const [, ...also] = this.#kept.rows;
    return also.length === 0 ? undefined : also.map(({ mine }) => mine.fence);
  }

  /** Renews the leases. Tries until a server has answered, or the keeper is ended. The loss of one is that of all. */
  async renew(): Promise<Moment | undefined> {
    const { rows, ttl, server: { table } } = this.#kept;
    const [only, ...more] = rows;
    return await this.#untilAnswered(async (session) => {
      if (this.#givingBack.isDone) return new Moment();
      const sent = new Moment();
      const beats = more.length === 0
        ? [await table.renew(session, only!.lock, only!.mine, ttl)]
        : await table.renewAll(session, rows, ttl);
      const gone = rows.filter((_, index) => beats[index] === undefined);
      // A release without an answer has been carried out; or one came while the renewal was on its way.
      if (this.#givingBack.isUnsure) this.#givingBack.isDone ||= gone.length === rows.length;
      if (gone[0] && (this.#givingBack.isDone || this.#givingBack.isUnsure)) return sent;
      if (gone[0]) throw await whyLost(session, gone[0].lock, table);
      const asked = rows.find((_, index) => beats[index]! >= ASKED);
      if (asked) this.#endRequests.noticed(() => table.read(session, endRequestFor(asked.lock)));
      // Not awaited: an answer that is late must not keep the renewal from counting.
      if (!this.#givingBack.isDone) {
        this.#queueing ??= this.#queueAgain(session).finally(() => this.#queueing = undefined);
      }
      return sent;
    });
  }

  /**
   * Releases the leases, and then the session locks, so that whoever waits for those finds the leases free. Tries until a
   * server has answered, but no longer than others would wait for the leases to expire.
   */
  async release(): Promise<boolean> {
    if (!this.#givingBack.isDone) {
      this.#releaseBy ??= new Deadline(this.#kept.ttl);
      await this.#untilAnswered((session) => this.#givingBack.try(session, !this.#queueing), this.#releaseBy);
    }
    await this.#leaveQueue();
    const isFirst = !this.#isOver;
    this.#isOver = true;
    return isFirst && this.#givingBack.isDone;
  }

  end(): Promise<void> {
    this.#kept.connection.destroy();
    return Promise.resolve();
  }

  async #endRun(ending: LastEnding): Promise<Ended> {
    if (this.#givingBack.isDone) return { isReleased: true, readBack: undefined, afterwards: [] };
    return await this.#givingBack.try(await this.#kept.connection.session(), !this.#queueing, ending);
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

  /** Takes the session locks in a new session, if they are free: a waiter may have one, who then waits for the lease. */
  async #queueAgain(session: S): Promise<void> {
    const { server, rows, entered } = this.#kept;
    if (!server.hasSessionLocks(session)) return;
    const needed = server.takesSeveralLocks(session) ? rows : rows.slice(0, 1);
    try {
      for (const { lock } of needed) await entered.enter(session, lock, atOnce(), this.ended);
    } catch (error) {
      // The lease decides; if the session has ended, the next renewal opens another.
      if (!(error instanceof LockUnavailableError || error instanceof OtherSlotsError)) throw error;
    }
  }

  async #leaveQueue(): Promise<void> {
    await this.#queueing;
    for (const { lock } of this.#kept.rows) {
      try {
        await this.#kept.entered.leave(lock);
      } catch (error) {
        // It ends with the session, soon.
        if (!(error instanceof LockUnavailableError)) throw error;
      }
    }
  }
}
