import type { BackendLock } from "../../backends/backend.ts";
import { Deadline } from "../../deadline.ts";
import { LockUnavailableError, OtherSlotsError, QueueFullError } from "../../errors.ts";
import { forgetLockName } from "../../lock/forgetters.ts";
import type { HeldLock } from "../../lock/lock.ts";
import { LockAround } from "./lock_around.ts";

/** What is asked for around a lock with slots. */
export interface ForgetAwareness {
  /** The lock's name. */
  readonly name: string;
  /** How many may wait. */
  readonly maxWaiters?: number | undefined;
  /** Makes a lock without slots. */
  open(name: string): Promise<BackendLock>;
}

/**
 * A lock with slots that waits for a `sera forget` to end. That holds the lock for a moment without slots, and for as long
 * a second lock, see `forgetLockName()`, by which it is told from a run with another number of slots. The second lock is
 * looked at only then, so that other runs take no round trip more.
 */
export class ForgetAwareLock extends LockAround {
  readonly #awareness: ForgetAwareness;

  constructor(lock: BackendLock, awareness: ForgetAwareness) {
    super(lock);
    this.#awareness = awareness;
  }

  override async acquire(wait: number, signal: AbortSignal, patience?: number): Promise<HeldLock | undefined> {
    const deadline = new Deadline(wait);
    for (;;) {
      try {
        return await this.lock.acquire(deadline.remaining, signal, patience);
      } catch (error) {
        // A holder without slots has one.
        if (!(error instanceof OtherSlotsError) || error.slots !== 1) throw error;
        const held = await this.#acquireAfter(error, deadline, signal);
        if (held || deadline.passed) return held;
      }
    }
  }

  /**
   * Tries once for the lock, as soon as nobody forgets.
   *
   * @throws {OtherSlotsError} The error that was thrown before, when the second lock cannot be asked for, or a new one when
   * the holder is a run.
   */
  async #acquireAfter(error: OtherSlotsError, deadline: Deadline, signal: AbortSignal): Promise<HeldLock | undefined> {
    const instead = (why: unknown) => {
      throw why instanceof LockUnavailableError ? error : why;
    };
    const { name, maxWaiters: limit, open } = this.#awareness;
    await using second = await open(forgetLockName(name)).catch(instead);
    const nobodyForgets = await second.acquire(limit === 0 ? 0 : deadline.remaining, signal).catch(instead);
    if (!nobodyForgets) {
      if (limit === 0 && !deadline.passed) throw new QueueFullError(limit);
      return undefined;
    }
    // With the second lock held, so that nobody begins to forget meanwhile.
    return await this.lock.acquire(0, signal, deadline.remaining);
  }
}
