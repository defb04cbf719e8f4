/** How long a lock is ours without another word from the server, and how much of that stopping a command may take. */

/** The times of a lease, in milliseconds. */
export interface LeaseTerms {
  /** After how long without a word from us the server may give the lock to another. */
  readonly ttl: number;
  /** How long a command has between SIGTERM and SIGKILL; never more than a third of the TTL, see {@linkcode graceOf}. */
  readonly grace: number;
}

/** What a killed process tree takes to be gone at the most, in milliseconds; for a short TTL a tenth of it. */
const LONGEST_KILL = 1000;

/** How often the lock is looked at within the TTL: three times, so that an answer may be late. */
const BEATS_PER_TTL = 3;

/** The time from sending one look at the lock to sending the next, in milliseconds. */
export function heartbeatOf({ ttl }: LeaseTerms): number {
  return ttl / BEATS_PER_TTL;
}

/** The grace period that fits into the lease, in milliseconds. */
export function graceOf({ ttl, grace }: LeaseTerms): number {
  return Math.min(grace, ttl / 3);
}

/** How long after the last sure sign of the lock everything must have ended, in milliseconds. */
export function endsAfter({ ttl }: LeaseTerms): number {
  return ttl - Math.min(LONGEST_KILL, ttl / 10);
}

/** How long after the last sure sign of the lock a command has to be stopped, in milliseconds. */
export function stopsAfter(terms: LeaseTerms): number {
  return endsAfter(terms) - graceOf(terms);
}

/**
 * Whether looks that are answered after so many milliseconds come in time. The lease counts from when the last answered
 * look was sent; the next one is sent a beat later, but not before that answer, and takes as long.
 */
export function isKept(terms: LeaseTerms, roundTrip: number): boolean {
  return Math.max(heartbeatOf(terms), roundTrip) + roundTrip < stopsAfter(terms);
}

/** The shortest TTL in whole seconds that such round trips can keep, in milliseconds, with this grace. */
export function shortestTtl({ grace }: LeaseTerms, roundTrip: number): number {
  let ttl = 1000;
  while (!isKept({ ttl, grace }, roundTrip)) ttl += 1000;
  return ttl;
}

/** A moment on the clocks that no one sets: the monotonic one, and one that goes on while the machine sleeps. */
export class Moment {
  readonly #steady = performance.now();
  readonly #uptime = Deno.osUptime();

  /** Milliseconds since then, also those that the machine or sera was suspended for. */
  get age(): number {
    // The uptime is told in whole seconds, cut off.
    const asleepToo = (Deno.osUptime() - this.#uptime - 1) * 1000;
    return Math.max(performance.now() - this.#steady, asleepToo);
  }
}
