/** When a waiter may take over a lease that its holder has stopped renewing. */

/** A lease as it was last read. */
export interface ObservedLease {
  /** The random id of one acquisition. */
  readonly owner: string;
  /** The fencing token. */
  readonly fence: bigint;
  /**
   * Counts every change made under this owner and token: if all three are the same in two reads, nothing has happened in
   * between. Multiples of {@linkcode ASKED} count the requests to release the lock.
   */
  readonly beat: bigint;
  /** After how long without a renewal the lease may be taken over, in milliseconds. */
  readonly ttl: number;
}

/**
 * What a request to release the lock adds to its beat, so that the holder sees it with its next renewal. No holder renews
 * this often.
 */
export const ASKED = 2n ** 32n;

/** The shortest margin, in milliseconds. */
export const MIN_MARGIN = 1000;

/** The margin of a long TTL is this fraction of it. */
export const MARGINS_PER_TTL = 6;

/**
 * How much longer than its TTL a lease must have been unchanged to be taken over, in milliseconds. It covers clocks that
 * run at different rates, and the clock of a replica that becomes the primary, which may be a little off.
 */
export function marginOf(ttl: number): number {
  return Math.max(MIN_MARGIN, ttl / MARGINS_PER_TTL);
}

/**
 * Measures how long a waiter has seen the same beat of a lease, on the waiter's own clock alone. The time counts from the
 * first answer that showed the beat, since the holder may have sent it just before. No later answers are needed: the
 * takeover names the exact beat, and fails if there has been another. So the time counts even if the waiter was stopped
 * between two reads, or before the takeover.
 *
 * Time during which the waiter's machine was suspended does not count (`performance.now()` stands still then): the holder
 * may run on the same machine, and be about to stop its command.
 *
 * All times are in milliseconds on one monotonic clock.
 */
export class ExpiryWatch<T extends ObservedLease = ObservedLease> {
  #last: T | undefined;
  #since = 0;

  /**
   * Call this with the result of each read.
   *
   * @param lease Undefined if nobody holds the lease.
   * @param answered When the answer came.
   */
  observe(lease: T | undefined, answered = performance.now()): void {
    if (!isSame(lease, this.#last)) this.#since = answered;
    this.#last = lease;
  }

  /** For how long the last observed beat has been unchanged; 0 if nobody holds the lease. */
  unchangedFor(now = performance.now()): number {
    return this.#last ? now - this.#since : 0;
  }

  /** How long until the lease may be taken over if nothing changes; 0 if it may be now, or if nobody holds it. */
  remaining(now = performance.now()): number {
    return this.#last ? Math.max(0, this.#last.ttl + marginOf(this.#last.ttl) - this.unchangedFor(now)) : 0;
  }

  /** The lease that may be taken over now, whose exact beat the takeover must name; undefined if there is none. */
  expired(now = performance.now()): T | undefined {
    return this.remaining(now) > 0 ? undefined : this.#last;
  }
}

function isSame(one: ObservedLease | undefined, other: ObservedLease | undefined): boolean {
  return one?.owner === other?.owner && one?.fence === other?.fence && one?.ttl === other?.ttl &&
    ownBeat(one) === ownBeat(other);
}

/** The holder's part of the beat, without the requests of others, which are no sign that the holder is alive. */
function ownBeat(lease: ObservedLease | undefined): bigint | undefined {
  return lease && lease.beat % ASKED;
}
