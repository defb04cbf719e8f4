import { LeasedLock } from "./held_lock.ts";
import type { Keeper } from "./keeper.ts";
import { isKept, type LeaseTerms, type Moment } from "./lease.ts";

/** What was seen when a lock was acquired. */
export interface Acquired {
  /** What was asked for. */
  readonly lease: LeaseTerms;
  /** After how many milliseconds without a word the lock is freed; that may be sooner than what was asked for. */
  readonly idle: number;
  /** When it was asked for what showed the lock to be held. */
  readonly confirmed: Moment;
  /** How long it took to give the lock, in milliseconds, and to wait for it where it does that. */
  readonly took: number;
}

/**
 * Begins to hold a lock.
 *
 * @throws {LockUnavailableError} When it answers too slowly to keep the lease; then it has ended.
 */
export async function hold(keeper: Keeper, { lease, idle, confirmed, took }: Acquired): Promise<LeasedLock> {
  const terms = { ...lease, ttl: Math.min(lease.ttl, idle) };
  // The quicker of the two: one answer alone may be late by accident.
  const roundTrip = Math.min(took, confirmed.age);
  if (isKept(terms, roundTrip)) return new LeasedLock(keeper, terms, confirmed);
  await keeper.end();
  throw (await import("./too_slow.ts")).tooSlow(keeper.where, terms, lease.ttl, roundTrip);
}
