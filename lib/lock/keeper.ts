import type { LockSession } from "./lock.ts";

/** What keeps a lock for us, and frees it for others when the lease is over: a session, say. */
export interface Keeper {
  /** Where it is, for messages. */
  readonly where: string;
  /** Fires once when the lock ended with it; the reason is an Error. */
  readonly ended: AbortSignal;
  /** Whether it was ended from this side, as after an answer that did not come: until then the lease had not run out. */
  readonly isGivenUp: boolean;
  /** The session that it is, if it is one. */
  readonly session: LockSession | undefined;
  /**
   * Makes sure that the lock is still ours, and makes the lease longer. Waits long for the answer: to give up at once could
   * free the lock, while the lease leaves the command some time to end.
   *
   * @returns Whether it is.
   * @throws {LockUnavailableError} When that cannot be told.
   * @throws {LockLostError} When it is not, and why.
   */
  renew(): Promise<boolean>;
  /**
   * Gives the lock back.
   *
   * @returns Whether it was ours to give.
   * @throws {LockUnavailableError} When that cannot be told.
   */
  release(): Promise<boolean>;
  /** Ends it, with the lock. */
  end(): Promise<void>;
}
