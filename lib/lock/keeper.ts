import type { Trouble } from "../errors.ts";
import type { Moment } from "./lease.ts";
import type { LockSession } from "./lock.ts";

/** What holds a lock on the server, until the lease runs out: a session, or a row or key that outlives sessions. */
export interface Keeper {
  /** Where it is, for messages. */
  readonly where: string;
  /** Fires once when the keeper has ended, and the lock with it unless {@linkcode isDurable}; the reason is an Error. */
  readonly ended: AbortSignal;
  /** Fires once when a renewal shows that somebody asks for the release of the lock; the reason is an `AskedToEndError`. */
  readonly asked: AbortSignal;
  /** Whether sera itself ended it, for example because no answer came. The lease had not run out by then. */
  readonly isGivenUp: boolean;
  /** The session, if the keeper is one. */
  readonly session: LockSession | undefined;
  /** Whether the lock outlives its session: nobody else gets it before the lease has run out. */
  readonly isDurable: boolean;
  /** The fencing token, which grows with each holder; undefined if there is none. */
  readonly token?: bigint | undefined;
  /** The slot that is held, counted from 0; undefined for a plain lock. */
  readonly slot?: number | undefined;
  /** The tokens of the locks that are held together with it, in their order; undefined if there are none. */
  readonly alsoTokens?: readonly bigint[] | undefined;
  /** Why renewals are not being answered now, with the name of the server concerned; undefined if unknown. */
  readonly trouble?: Trouble | undefined;
  /**
   * Renews the lease. Waits long for the answer: giving up early would free the lock, while the rest of the lease still
   * leaves the command time to end. If {@linkcode isDurable}, it also reconnects, as often as needed.
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
