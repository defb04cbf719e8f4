import type { HolderFields } from "../log/logger.ts";
import type { Sighting } from "./sighting.ts";

/**
 * Who holds a lock, for JSON lines, in the names of `sera status --json`; a number that only names something is text.
 *
 * @param sightings Of one lock; those who wait do not count.
 * @returns Undefined if nobody is seen.
 */
export function holderFields(sightings: readonly Sighting[]): HolderFields | undefined {
  const holder = sightings.find(({ state }) => state === "held");
  if (!holder) return undefined;
  const { host, pid, label, since, sinceIs, user, address, session, runId } = holder;
  return {
    host,
    pid,
    label,
    since: since === undefined ? undefined : new Date(since).toISOString(),
    since_is: sinceIs,
    user,
    address,
    session: session?.toString(),
    run_id: runId?.toString(),
  };
}
