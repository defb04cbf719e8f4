/** How long a lock is ours without a renewal, and how much of that time is kept for stopping the command. */

/** The times of a lease, in milliseconds. */
export interface LeaseTerms {
  /** After how long without a renewal the server may give the lock to another. */
  readonly ttl: number;
  /** How long a command has between SIGTERM and SIGKILL; never more than a third of the TTL, see {@linkcode graceOf}. */
  readonly grace: number;
  /** How many renewals are sent within the TTL; by default three. */
  readonly beats?: number | undefined;
}

/** The longest time that a killed process tree takes to disappear, in milliseconds; for a short TTL, a tenth of the TTL. */
const MAX_KILL_TIME = 1000;

/** Renewals within the TTL: three, so that one may go unanswered. */
const BEATS_PER_TTL = 3;

/**
 * The same for a lock that outlives its session. It survives an outage of the server for the rest of its lease; frequent
 * renewals keep that rest long.
 */
export const DURABLE_BEATS_PER_TTL = 6;

/** The shortest timeout of a request, in milliseconds: a server may be far away. */
const MIN_TIMEOUT = 1000;

/**
 * The timeout for connecting and for an answer, for a lock that outlives its session, in milliseconds. After that, another
 * connection or another server may work, while there is still time in the lease.
 */
export function requestTimeoutOf(ttl: number): number {
  return Math.max(MIN_TIMEOUT, ttl / DURABLE_BEATS_PER_TTL);
}

/**
 * How often a holder checks the age of its last renewal, in milliseconds. While a machine sleeps, timers stand still: one
 * that was set for the fence would fire as much too late. So a command runs on for no longer than this after the machine
 * wakes up.
 */
export const LOOK_INTERVAL = 1000;

/** The time from sending one renewal to sending the next, in milliseconds. */
export function heartbeatOf({ ttl, beats = BEATS_PER_TTL }: LeaseTerms): number {
  return ttl / beats;
}

/** The grace period that fits into the lease, in milliseconds. */
export function graceOf({ ttl, grace }: LeaseTerms): number {
  return Math.min(grace, ttl / 3);
}

/** The fence: how long after the last renewal the command must have ended, in milliseconds. */
export function endsAfter({ ttl }: LeaseTerms): number {
  return ttl - Math.min(MAX_KILL_TIME, ttl / 10);
}

/** How long after the last renewal sera must begin to stop the command, in milliseconds. */
export function stopsAfter(terms: LeaseTerms): number {
  return endsAfter(terms) - graceOf(terms);
}

/**
 * Whether renewals come in time if each takes this many milliseconds to be answered. The lease counts from when the last
 * answered renewal was sent; the next one is sent a beat later, but not before that answer, and takes as long.
 */
export function canRenewInTime(terms: LeaseTerms, roundTrip: number): boolean {
  return Math.max(heartbeatOf(terms), roundTrip) + roundTrip < stopsAfter(terms);
}

/** The shortest TTL that works with such round trips and this grace period, in milliseconds; a multiple of 1000. */
export function minTtl({ grace, beats }: LeaseTerms, roundTrip: number): number {
  let ttl = 1000;
  while (!canRenewInTime({ ttl, grace, beats }, roundTrip)) ttl += 1000;
  return ttl;
}

/** How old the last renewal may be to start a command without another one, in milliseconds. */
export const FRESH = 1000;

/**
 * How old a request may be, in milliseconds, to count as a renewal, and its duration as a round trip: it must not have
 * used up much of a short lease.
 */
export function freshFor({ ttl }: LeaseTerms): number {
  return Math.min(FRESH, ttl / 10);
}

/** A moment on clocks that nobody can set: the monotonic clock, and the uptime, which also counts while the machine sleeps. */
export class Moment {
  readonly #monotonic = performance.now();
  readonly #uptime = Deno.osUptime();

  /** Milliseconds since then, including the time that the machine or sera was suspended. */
  get age(): number {
    // The uptime is in whole seconds, rounded down.
    const withSleep = (Deno.osUptime() - this.#uptime - 1) * 1000;
    return Math.max(performance.now() - this.#monotonic, withSleep);
  }
}
