import { LeasedLock } from "./leased_lock.ts";
import type { Keeper } from "./keeper.ts";
import { canRenewInTime, DURABLE_BEATS_PER_TTL, type LeaseTerms, type Moment } from "./lease.ts";

/** What is known about a lock that has just been acquired. */
export interface Acquired {
  /** The terms that were asked for, except the number of renewals, which follows from the keeper. */
  readonly lease: LeaseTerms;
  /** After how many milliseconds without a renewal the place frees the lock; may be shorter than the TTL. */
  readonly idle: number;
  /** When the request was sent that the lease counts from. */
  readonly confirmed: Moment;
  /** When a later request was sent whose answer showed that the lock is ours, without renewing the lease. */
  readonly seen?: Moment;
  /** How long the answer took, in milliseconds; includes the wait for the lock where the server does the waiting. */
  readonly took: number;
}

/**
 * Starts renewing a lock that has been acquired.
 *
 * @throws {LockUnavailableError} When the answers are too slow to keep the lease; the keeper has been ended by then.
 */
export async function hold(keeper: Keeper, { lease, idle, confirmed, seen, took }: Acquired): Promise<LeasedLock> {
  const terms = {
    ...lease,
    ttl: Math.min(lease.ttl, idle),
    beats: keeper.isDurable ? DURABLE_BEATS_PER_TTL : undefined,
  };
  // The shorter of the two, since one answer may be late by chance.
  const roundTrip = Math.min(took, confirmed.age);
  if (canRenewInTime(terms, roundTrip)) return new LeasedLock(keeper, terms, confirmed, seen);
  await keeper.end();
  throw (await import("./too_slow.ts")).tooSlow(keeper.where, terms, lease.ttl, roundTrip);
}
