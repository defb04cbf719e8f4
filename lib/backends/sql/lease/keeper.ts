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
import { atOnce } from "./session_locks.ts";
import { LeaseRelease } from "./lease_release.ts";
import { endRequestFor } from "./row.ts";
import type { KeptLease } from "./kept_lease.ts";
import { whyLost } from "./why_lost.ts";

/** Keeps a lease by renewing its row, over another connection when one has ended. */
export class LeaseKeeper<S extends Session> implements Keeper {
  readonly isDurable = true;
  readonly isGivenUp = true;
  /** Why renewals are not being answered now; undefined if they are. */
  trouble: Trouble | undefined;
  readonly #endRequests = new EndRequests();
  readonly #kept: KeptLease<S>;
  readonly #release: LeaseRelease<S>;
  /** The attempt to take the session locks in a new session, while it is in progress. */
  #queueing: Promise<void> | undefined;
  /** Whether the release has been reported. */
  #isOver = false;
  /** Until when to try to release it, however often `release()` is called. */
  #releaseBy: Deadline | undefined;

  constructor(kept: KeptLease<S>) {
    this.#kept = kept;
    this.#release = new LeaseRelease(kept);
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

  /** Renews the leases. Tries until a server answers, or the keeper is ended. Losing one means losing all. */
  async renew(): Promise<Moment | undefined> {
    const { rows, ttl, server: { table } } = this.#kept;
    const [only, ...more] = rows;
    return await this.#untilAnswered(async (session) => {
      if (this.#release.isDone) return new Moment();
      const sent = new Moment();
      const beats = more.length === 0
        ? [await table.renew(session, only!.lock, only!.mine, ttl)]
        : await table.renewAll(session, rows, ttl);
      const gone = rows.filter((_, index) => beats[index] === undefined);
      // An unanswered release was carried out, or a release came while the renewal was on its way.
      if (this.#release.isUnsure) this.#release.isDone ||= gone.length === rows.length;
      if (gone[0] && (this.#release.isDone || this.#release.isUnsure)) return sent;
      if (gone[0]) throw await whyLost(session, gone[0].lock, table);
      const asked = rows.find((_, index) => beats[index]! >= ASKED);
      if (asked) this.#endRequests.noticed(() => table.read(session, endRequestFor(asked.lock)));
      // Not awaited: a late answer must not delay the renewal.
      if (!this.#release.isDone) {
        this.#queueing ??= this.#queueAgain(session).finally(() => this.#queueing = undefined);
      }
      return sent;
    });
  }

  /**
   * Releases the leases and then the session locks, so that the next holder of those finds the leases free. Tries until a
   * server answers, but no longer than the leases take to expire.
   */
  async release(): Promise<boolean> {
    if (!this.#release.isDone) {
      this.#releaseBy ??= new Deadline(this.#kept.ttl);
      await this.#untilAnswered((session) => this.#release.try(session, !this.#queueing), this.#releaseBy);
    }
    await this.#leaveQueue();
    const isFirst = !this.#isOver;
    this.#isOver = true;
    return isFirst && this.#release.isDone;
  }

  end(): Promise<void> {
    this.#kept.connection.destroy();
    return Promise.resolve();
  }

  async #endRun(ending: LastEnding): Promise<Ended> {
    if (this.#release.isDone) return { isReleased: true, readBack: undefined, afterwards: [] };
    return await this.#release.try(await this.#kept.connection.session(), !this.#queueing, ending);
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
        // Another server may accept it: this one may have become read-only in a switchover.
        if (session && !session.closed.aborted && !server.keepsSession(cause)) session.destroy({ what: why, cure });
      },
      ...deadline ? { deadline, refusals: RELEASE_REFUSALS } : {},
    });
    this.trouble = undefined;
    if (session) connection.answered(session);
    return answer;
  }

  /** Takes the session locks in a new session, if they are free. A waiter may have one, and then waits for the lease. */
  async #queueAgain(session: S): Promise<void> {
    const { server, rows, sessionLocks } = this.#kept;
    if (!server.hasSessionLocks(session)) return;
    const needed = server.takesSeveralLocks(session) ? rows : rows.slice(0, 1);
    try {
      for (const { lock } of needed) await sessionLocks.enter(session, lock, atOnce(), this.ended);
    } catch (error) {
      // Only the lease matters; if the session has ended, the next renewal opens another, unless the keeper has ended too.
      const isHarmless = error instanceof LockUnavailableError || error instanceof OtherSlotsError;
      if (!isHarmless && error !== this.ended.reason) throw error;
    }
  }

  async #leaveQueue(): Promise<void> {
    await this.#queueing;
    for (const { lock } of this.#kept.rows) {
      try {
        await this.#kept.sessionLocks.leave(lock);
      } catch (error) {
        // The session lock ends with the session, soon.
        if (!(error instanceof LockUnavailableError)) throw error;
      }
    }
  }
}
