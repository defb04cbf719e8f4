import type { HolderFields } from "../log/logger.ts";
import type { Sighting } from "./sighting.ts";

/**
 * The holder of a lock for JSON log lines, with the keys of `sera status --json`; numbers that are identifiers are strings.
 *
 * @param sightings Sightings of one lock; waiters are ignored.
 * @returns Undefined if no holder is seen.
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
