import type { LeasedLock } from "../../lock/held_lock.ts";
import { type Acquired, hold } from "../../lock/hold.ts";
import { Moment } from "../../lock/lease.ts";
import type { Session } from "./session.ts";

/** Asks a database about a lock that its session holds. */
export interface LockInSession {
  /** Whether this very session, on the same server, still holds the lock. */
  isHeld(): Promise<boolean>;
  /** Fires when {@linkcode isHeld} has shown that somebody asks for the lock's release. */
  readonly asked: AbortSignal;
  /** Releases the lock. False if the session did not hold it. */
  release(): Promise<boolean>;
}

/**
 * Begins to hold a lock that the server frees when the session ends.
 *
 * @throws {LockUnavailableError} When the server answers too slowly to keep the lease; then the session has ended.
 */
export function holdInSession(
  session: Session,
  { isHeld, asked, release }: LockInSession,
  acquired: Acquired,
): Promise<LeasedLock> {
  return hold({
    where: session.where,
    ended: session.closed,
    get isGivenUp() {
      return session.isGivenUp;
    },
    session,
    asked,
    lasts: false,
    async renew() {
      const sent = new Moment();
      return await isHeld() ? sent : undefined;
    },
    release,
    end: () => session.close(),
  }, acquired);
}
