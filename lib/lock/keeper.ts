import type { Trouble } from "../errors.ts";
import type { Moment } from "./lease.ts";
import type { LockSession } from "./lock.ts";

/** Keeps a lock for sera, and frees it for others when the lease runs out: a session, or a row that outlives sessions. */
export interface Keeper {
  /** Where it is, for messages. */
  readonly where: string;
  /** Fires once when the keeper has ended, and the lock with it unless that {@linkcode lasts}; the reason is an Error. */
  readonly ended: AbortSignal;
  /** Fires once when a renewal has shown that somebody asks for the lock's release; the reason is an `AskedToEndError`. */
  readonly asked: AbortSignal;
  /** Whether sera itself ended it, as when an answer did not come. The lease had not run out by then. */
  readonly isGivenUp: boolean;
  /** The session, if the keeper is one. */
  readonly session: LockSession | undefined;
  /** Whether nobody else gets the lock before its lease is over, whatever happens to the session. */
  readonly lasts: boolean;
  /** The fencing token, which grows with each holder; undefined if there is none. */
  readonly token?: bigint | undefined;
  /** The slot that is held, from 0 on; undefined for a plain lock. */
  readonly slot?: number | undefined;
  /** The tokens of the locks that are held together with it, in their order; undefined if there are none. */
  readonly alsoTokens?: readonly bigint[] | undefined;
  /** Why no renewal is answered at present, and from where: of several servers it may be another. Undefined if unknown. */
  readonly trouble?: Trouble | undefined;
  /**
   * Renews the lease. Waits long for the answer: to give up early would free the lock, while the rest of the lease still
   * leaves the command time to end. If the lock {@linkcode lasts}, that includes connecting anew, as often as it takes.
   *
   * @returns When the request was sent whose answer shows that the lock is still ours; undefined if it is not.
   * @throws {LockUnavailableError} When that is not known.
   * @throws {LockLostError} When it is not, and the reason is known.
   */
  renew(): Promise<Moment | undefined>;
  /**
   * Releases the lock.
   *
   * @returns Whether it was still ours.
   * @throws {LockUnavailableError} When that is not known.
   */
  release(): Promise<boolean>;
  /** Ends the keeper, and the lock with it. */
  end(): Promise<void>;
}
