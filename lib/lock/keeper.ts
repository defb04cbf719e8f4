import type { LockSession } from "./lock.ts";

/** Keeps a lock for sera, and frees it for others when the lease runs out; usually a session. */
export interface Keeper {
  /** Where it is, for messages. */
  readonly where: string;
  /** Fires once when the keeper has ended, and the lock with it; the reason is an Error. */
  readonly ended: AbortSignal;
  /** Whether sera itself ended it, as when an answer did not come. The lease had not run out by then. */
  readonly isGivenUp: boolean;
  /** The session, if the keeper is one. */
  readonly session: LockSession | undefined;
  /**
   * Renews the lease. Waits long for the answer: to give up early would free the lock, while the rest of the lease still
   * leaves the command time to end.
   *
   * @returns Whether the lock is still ours.
   * @throws {LockUnavailableError} When that is not known.
   * @throws {LockLostError} When it is not, and the reason is known.
   */
  renew(): Promise<boolean>;
  /**
   * Gives the lock back.
   *
   * @returns Whether it was still ours.
   * @throws {LockUnavailableError} When that is not known.
   */
  release(): Promise<boolean>;
  /** Ends the keeper, and the lock with it. */
  end(): Promise<void>;
}
