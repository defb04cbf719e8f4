import { formatDuration } from "../text/duration.ts";
import { LockUnavailableError } from "../errors.ts";
import { graceOf, isKept, type LeaseTerms, shortestTtl } from "./lease.ts";

/**
 * Says that a server answers too slowly for a lease, and what would do.
 *
 * @param where Where it is.
 * @param terms What the lease comes to.
 * @param ttl What was asked for, in milliseconds; the server may allow less.
 * @param roundTrip How long an answer takes, in milliseconds.
 */
export function tooSlow(where: string, terms: LeaseTerms, ttl: number, roundTrip: number): LockUnavailableError {
  const grace = graceOf(terms);
  const needed = formatDuration(shortestTtl(terms, roundTrip));
  const cure = terms.ttl < ttl
    ? `let the server keep idle sessions for ${needed} or more`
    : `use --ttl ${needed} or more${
      grace > 0 && isKept({ ...terms, grace: 0 }, roundTrip) ? ", or a shorter --grace" : ""
    }`;
  const lease = `a ttl of ${formatDuration(terms.ttl)} with a grace period of ${formatDuration(Math.round(grace))}`;
  const what = `an answer takes ${formatDuration(Math.round(roundTrip))}, too long for ${lease}`;
  return LockUnavailableError.on(where, { what, cure });
}
