import type { Deadline } from "../../deadline.ts";
import { LockUnavailableError, OtherSlotsError, QueueFullError } from "../../errors.ts";
import { delayOrAbort } from "../../waiting.ts";
import type { Statement } from "../sql/statement.ts";
import type { ReleaseWhere } from "../sql/release_where.ts";
import { Acquisition, type Along, type Granted, type WaitsFor } from "./acquisition.ts";
import { Queue } from "./queue.ts";
import { type Given, release, releaseWhere } from "./release.ts";
import type { PostgresSession } from "./session.ts";
import { RequestedLocks } from "./requested_locks.ts";

/**
 * The shortest and longest pause between two attempts while another session holds the lock, in milliseconds. A release
 * wakes a waiter with a seat; the attempts are for a holder that died, or that is another program. A waiter with a seat
 * tries once a second, so that this is noticed soon. The others try to get a seat, and the lock, less often.
 */
const SEATED = [900, 1000] as const;
const STANDING = [2000, 4000] as const;

/** What may be requested besides one plain lock. */
export interface AdvisoryLockOptions {
  /** What to request, if that is more than the plain lock of this name. */
  readonly requested?: RequestedLocks | undefined;
  /** As in `LockOptions`. */
  readonly maxWaiters?: number | undefined;
  readonly waitsFor?: WaitsFor | undefined;
}

/** Acquires advisory locks together, and releases them, in a session of the caller; one session at a time. */
export class AdvisoryLock {
  readonly #requested: RequestedLocks;
  readonly #queue: Queue;
  readonly #acquisition: Acquisition;

  /** @param name As {@linkcode advisoryKey} takes it. */
  constructor(name: string, { requested = new RequestedLocks(name), maxWaiters, waitsFor }: AdvisoryLockOptions = {}) {
    this.#requested = requested;
    this.#queue = new Queue(name, requested, maxWaiters);
    this.#acquisition = new Acquisition(requested, this.#queue, waitsFor);
  }

  /** The slot that the session has. */
  get slot(): number | undefined {
    return this.#acquisition.taken.slot;
  }

  /**
   * Tries to take the lock until the session has it or the deadline passes; at least once. Then this must not be called
   * again before the release: the session would have the lock twice. Of several locks none is kept unless all are held.
   *
   * It waits without a transaction: `pg_advisory_lock` would hold a snapshot, so that CREATE INDEX CONCURRENTLY in the
   * holder's command would wait for the waiter, and the waiter for the holder.
   *
   * @param along A statement to be sent along, and run after the request, when the lock is most likely free: at first, and
   * after a notification. Not at other times, since it may cost the server more than the request does.
   * @returns Undefined if the session does not have it.
   * @throws {LockUnavailableError} When the server does not answer, or refuses; also when the session ends.
   * @throws {OtherSlotsError} When others use the lock with another number of slots.
   * @throws {QueueFullError} When it is busy, and as many wait as may.
   * @throws The signal's reason when it is aborted.
   */
  async wait(
    session: PostgresSession,
    deadline: Deadline,
    signal: AbortSignal,
    along?: Along,
  ): Promise<Granted | undefined> {
    this.#acquisition.taken = { held: 0 };
    try {
      const granted = await this.#wait(session, deadline, signal, along);
      if (!granted) await this.giveUp(session);
      return granted;
    } catch (error) {
      if (error instanceof OtherSlotsError || error instanceof QueueFullError) await this.giveUp(session);
      // Leaves no waiter on the server, nor a lock that another attempt in this session would then take twice.
      else if (signal.aborted || this.#acquisition.taken.held > 0 || this.#requested.isMany) session.destroy();
      throw error;
    }
  }

  async #wait(
    session: PostgresSession,
    deadline: Deadline,
    signal: AbortSignal,
    along?: Along,
  ): Promise<Granted | undefined> {
    for (let isFirst = true, isWoken = false;; isFirst = false) {
      const isLast = deadline.passed;
      const { held } = this.#acquisition.taken;
      const wake = this.#queue.awaken(held);
      const granted = isFirst || isLast || this.#queue.seatIn(session) !== undefined
        ? await this.#acquisition.once(session, signal, {
          along: isFirst || isWoken ? along : undefined,
          looks: isFirst,
        })
        : await this.#acquisition.withSeat(session, signal);
      if (granted || isLast) return granted;
      if (isFirst) {
        await this.#queue.enter(session, signal);
        continue;
      }
      if (this.#acquisition.taken.held > held) {
        this.#queue.leaveSeat(session);
        continue;
      }
      const pause = this.#queue.seatIn(session) === undefined
        ? Math.min(between(STANDING), session.idleTimeout / 2)
        : between(SEATED);
      await delayOrAbort(Math.min(pause, deadline.remaining), wake, signal, session.closed);
      signal.throwIfAborted();
      isWoken = wake.aborted;
    }
  }

  /** Call this once the lock is acquired: leaves the queue to others. Does not wait for the answer. */
  leaveSeat(session: PostgresSession): boolean {
    return this.#queue.leave(session);
  }

  /** Leaves the queue, and releases what was taken. Nothing was listened for yet from a seat taken in the same request. */
  async giveUp(session: PostgresSession): Promise<void> {
    this.#queue.giveUp(session);
    if (this.#acquisition.taken.held === 0) return;
    try {
      await this.release(session);
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
      session.destroy();
    }
  }

  /**
   * Releases the lock and notifies a waiter.
   *
   * @returns Whether the session had it.
   * @throws {LockUnavailableError} When that is not known.
   */
  async release(session: PostgresSession): Promise<boolean> {
    return await release(session, this.#given);
  }

  /** Releases the lock and notifies a waiter in a batch, where a condition on tables holds. */
  releaseWhere(session: PostgresSession, condition: Statement): ReleaseWhere {
    return releaseWhere(session, this.#given, condition);
  }

  get #given(): Given {
    const { held } = this.#acquisition.taken;
    return {
      unlock: this.#requested.unlock(this.#acquisition.taken),
      tell: this.#queue.notifyNext(held),
      tellAll: this.#queue.notifyAll,
    };
  }
}

function between([shortest, longest]: readonly [number, number]): number {
  return shortest + Math.random() * (longest - shortest);
}
