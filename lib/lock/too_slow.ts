import { formatDuration } from "../text/duration.ts";
import { LockUnavailableError } from "../errors.ts";
import { canRenewInTime, graceOf, type LeaseTerms, minTtl } from "./lease.ts";

/**
 * The error for a server that answers too slowly for a lease, with a lease that would work.
 *
 * @param where The server.
 * @param terms The terms of the lease that the server allows.
 * @param ttl The TTL that was asked for, in milliseconds; the server may allow less.
 * @param roundTrip How long an answer takes, in milliseconds.
 */
export function tooSlow(where: string, terms: LeaseTerms, ttl: number, roundTrip: number): LockUnavailableError {
  const grace = graceOf(terms);
  const needed = formatDuration(minTtl(terms, roundTrip));
  const cure = terms.ttl < ttl
    ? `let the server keep idle sessions for ${needed} or more`
    : `use --ttl ${needed} or more${
      grace > 0 && canRenewInTime({ ...terms, grace: 0 }, roundTrip) ? ", or a shorter --grace" : ""
    }`;
  const lease = `a ttl of ${formatDuration(terms.ttl)} with a grace period of ${formatDuration(Math.round(grace))}`;
  const what = `an answer takes ${formatDuration(Math.round(roundTrip))}, too long for ${lease}`;
  return LockUnavailableError.on(where, { what, cure });
}
