import type { HolderFields } from "../log/logger.ts";
import { isSilent } from "./lease_text.ts";
import type { Sighting } from "./sighting.ts";

/**
 * The holder of a lock for JSON log lines, with the keys of `sera status --json`; numbers that are identifiers are strings.
 * Of its lease only the token, unless it is silent.
 *
 * @param sightings Sightings of one lock; waiters are ignored.
 * @returns Undefined if no holder is seen.
 */
export function holderFields(sightings: readonly Sighting[]): HolderFields | undefined {
  const holder = sightings.find(({ state }) => state === "held");
  if (!holder) return undefined;
  const { slot, host, pid, label, since, sinceIs, user, address, session, runId, lease } = holder;
  return {
    slot,
    host,
    pid,
    label,
    since: since === undefined ? undefined : new Date(since).toISOString(),
    since_is: sinceIs,
    user,
    address,
    session: session?.toString(),
    run_id: runId?.toString(),
    token: lease?.token.toString(),
    ...lease && isSilent(lease) ? { silent_ms: lease.silent, free_in_ms: Math.max(0, lease.freeIn) } : {},
  };
}
