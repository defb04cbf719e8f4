import type { LeasedLock } from "../../lock/leased_lock.ts";
import { type Acquired, hold } from "../../lock/hold.ts";
import type { Keeper } from "../../lock/keeper.ts";
import { Moment } from "../../lock/lease.ts";
import { rowsIfAny } from "./batch.ts";
import type { Ended, LastEnding } from "./ending.ts";
import type { QueryOptions } from "./query_options.ts";
import type { ReleaseWhere } from "./release_where.ts";
import type { Session } from "./session.ts";
import type { Statement } from "./statement.ts";

/** Asks a database about a lock that its session holds. */
export interface LockInSession {
  /** Whether this session, on the same server, still holds the lock. */
  isHeld(): Promise<boolean>;
  /** The slot that is held; undefined for a plain lock. */
  readonly slot?: number | undefined;
  /** Fires when {@linkcode isHeld} has found that somebody asks for the release of the lock. */
  readonly asked: AbortSignal;
  /** Releases the lock. False if the session did not hold it. */
  release(): Promise<boolean>;
  /** Releases the lock as part of a batch, if a condition is true. */
  releaseWhere(condition: Statement): ReleaseWhere;
}

/**
 * Starts holding a lock that the server frees when the session ends.
 *
 * @throws {LockUnavailableError} When the server answers too slowly to keep the lease; then the session has ended.
 */
export function holdInSession(session: Session, lock: LockInSession, acquired: Acquired): Promise<LeasedLock> {
  return hold(new SessionKeeper(session, lock), acquired);
}

/** Keeps a lock for as long as its session lives. */
class SessionKeeper implements Keeper {
  readonly isDurable = false;
  readonly session: Session;
  readonly #lock: LockInSession;
  /** The attempt to release the lock along with the end of a run, once there has been one. */
  #ending: Promise<unknown> | undefined;
  /** Whether the lock was still ours when that attempt released it; undefined if it did not release it. */
  #released: boolean | undefined;

  constructor(session: Session, lock: LockInSession) {
    this.session = session;
    this.#lock = lock;
    session.endRun = (ending, options) => {
      const ended = this.#endRun(ending, options);
      this.#ending = ended.catch(() => undefined);
      return ended;
    };
  }

  get where(): string {
    return this.session.where;
  }

  get slot(): number | undefined {
    return this.#lock.slot;
  }

  get ended(): AbortSignal {
    return this.session.closed;
  }

  get isGivenUp(): boolean {
    return this.session.isGivenUp;
  }

  get asked(): AbortSignal {
    return this.#lock.asked;
  }

  async renew(): Promise<Moment | undefined> {
    const sent = new Moment();
    if (this.#released || await this.#lock.isHeld()) return sent;
    // The attempt that was answered just before may have released it.
    await this.#ending;
    return this.#released ? sent : undefined;
  }

  async release(): Promise<boolean> {
    return this.#released ?? await this.#lock.release();
  }

  end(): Promise<void> {
    return this.session.close();
  }

  async #endRun(ending: LastEnding, options?: QueryOptions): Promise<Ended> {
    if (!this.session.takesSeveral) return { isReleased: false, readBack: undefined, afterwards: [] };
    const { record, readBack, isRecorded, afterwards } = ending;
    const release = this.#lock.releaseWhere(isRecorded);
    const then = release.then ? [release.then] : [];
    const outcomes = await this.session.batch([record, readBack, release.statement, ...then, ...afterwards], options);
    const released = rowsIfAny(outcomes[2]);
    this.#released = released && release.wasHeld(released);
    return {
      isReleased: this.#released !== undefined,
      record: outcomes[0],
      readBack: rowsIfAny(outcomes[1]),
      afterwards: outcomes.slice(3 + then.length),
    };
  }
}
