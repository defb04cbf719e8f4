/** When a lease whose holder is silent may be taken over by one who has watched it. */

/** A lease as one look has shown it. */
export interface Watched {
  /** The random id of one acquisition. */
  readonly owner: string;
  /** The fencing token. */
  readonly fence: bigint;
  /**
   * Counts every change while this owner has this token: if all three are the same in two looks, nothing has happened
   * between them. From {@linkcode ASKED} on it counts those who ask for the lock's release.
   */
  readonly beat: bigint;
  /** After how long without a renewal the lease may be taken over, in milliseconds. */
  readonly ttl: number;
}

/**
 * What each who asks for a lock's release adds to its beat, so that the holder sees it with its next renewal: no holder
 * renews so often.
 */
export const ASKED = 2n ** 32n;

/** The shortest margin, in milliseconds. */
export const SHORTEST_MARGIN = 1000;

/** How many margins a long TTL has. */
export const MARGINS_PER_TTL = 6;

/**
 * How much longer than its TTL a lease must have been silent to be taken over, in milliseconds. It covers clocks that
 * run at different rates, and the clock of a server that takes over from another, which may be a little off.
 */
export function marginOf(ttl: number): number {
  return Math.max(SHORTEST_MARGIN, ttl / MARGINS_PER_TTL);
}

/**
 * For how long one who waits has seen the same beat of a lease, on the waiter's own clock: no other machine's clock
 * counts. From the first answer that showed it, since the beat may have come just before that; but after that, no
 * answer is needed while it lasts, since whoever takes the lease over names the very beat, and gets nothing if there
 * has been another. So a waiter that was stopped between two looks, or before that statement, may count the time.
 *
 * What its machine slept does not count (`performance.now()` stands still then): the holder may have slept beside it,
 * and be about to stop its command.
 *
 * All times are in milliseconds on one monotonic clock.
 */
export class Silence<T extends Watched = Watched> {
  #last: T | undefined;
  #since = 0;

  /**
   * To be told about each look, once its answer has come.
   *
   * @param lease What it showed; undefined if nobody has the lease.
   */
  saw(lease: T | undefined, answered = performance.now()): void {
    if (!isSame(lease, this.#last)) this.#since = answered;
    this.#last = lease;
  }

  /** How long the beat that was seen last has been there, as far as known; 0 if nobody has the lease. */
  lasted(now = performance.now()): number {
    return this.#last ? now - this.#since : 0;
  }

  /** How long until the lease may be taken over if nothing changes; 0 if it may be, or if nobody has it. */
  left(now = performance.now()): number {
    return this.#last ? Math.max(0, this.#last.ttl + marginOf(this.#last.ttl) - this.lasted(now)) : 0;
  }

  /** The lease that may be taken over, to be named exactly; undefined if none may be. */
  over(now = performance.now()): T | undefined {
    return this.left(now) > 0 ? undefined : this.#last;
  }
}

function isSame(one: Watched | undefined, other: Watched | undefined): boolean {
  return one?.owner === other?.owner && one?.fence === other?.fence && one?.ttl === other?.ttl &&
    ownBeat(one) === ownBeat(other);
}

/** The holder's part of the beat: somebody who asks is no sign of its life. */
function ownBeat(lease: Watched | undefined): bigint | undefined {
  return lease && lease.beat % ASKED;
}
