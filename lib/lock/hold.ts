import { LeasedLock } from "./held_lock.ts";
import type { Keeper } from "./keeper.ts";
import { BEATS_OF_LASTING, canRenewInTime, type LeaseTerms, type Moment } from "./lease.ts";

/** What is known about a lock that has just been acquired. */
export interface Acquired {
  /** The terms that were asked for; how many renewals that takes follows from the keeper. */
  readonly lease: LeaseTerms;
  /** After how many milliseconds without a renewal the place frees the lock; may be shorter than the TTL. */
  readonly idle: number;
  /** When the request was sent whose answer showed that the lock is held. */
  readonly confirmed: Moment;
  /** When the request was sent whose answer showed that the lock is ours, if its lease was not renewed by that. */
  readonly seen?: Moment;
  /** How long the place took to answer, in milliseconds; includes the wait for the lock if it waits itself. */
  readonly took: number;
}

/**
 * Begins to renew a lock that has been acquired.
 *
 * @throws {LockUnavailableError} When the place answers too slowly to keep the lease; the keeper has been ended then.
 */
export async function hold(keeper: Keeper, { lease, idle, confirmed, seen, took }: Acquired): Promise<LeasedLock> {
  const terms = { ...lease, ttl: Math.min(lease.ttl, idle), beats: keeper.lasts ? BEATS_OF_LASTING : undefined };
  // The shorter of the two: a single answer may be late by chance.
  const roundTrip = Math.min(took, confirmed.age);
  if (canRenewInTime(terms, roundTrip)) return new LeasedLock(keeper, terms, confirmed, seen);
  await keeper.end();
  throw (await import("./too_slow.ts")).tooSlow(keeper.where, terms, lease.ttl, roundTrip);
}
