import type { TableName } from "../../../ledger/table_name.ts";
import type { LockFilter, Seen, Sighting } from "../../../who/sighting.ts";
import type { Session } from "../session.ts";
import type { Lease } from "./row.ts";
import type { LeaseServer } from "./server.ts";

/** Why waiters are missing where there are no session locks. */
const WAITERS_HIDDEN = "who waits for a lease cannot be seen here, where waiters leave no trace";

/**
 * Who holds leases and session locks, and who waits for them.
 *
 * @throws {LockUnavailableError} When the server cannot be asked.
 */
export async function readLeaseSightings<S extends Session>(
  server: LeaseServer<S>,
  session: S,
  filter: LockFilter,
  ledger: TableName,
  signal: AbortSignal,
): Promise<Seen> {
  const leases = await server.table.list(session, filter);
  if (server.hasSessionLocks(session)) {
    return withLeases(await server.sightings(session, filter, ledger, signal), leases);
  }
  return { sightings: leases.map(sightingOf), hidden: WAITERS_HIDDEN, showsHolders: true, strangers: [] };
}

/** A lease as a sighting of its holder. */
export function sightingOf({ lock, host, pid, label, since, fence, ttl, left }: Lease): Sighting {
  return {
    lock,
    state: "held",
    host,
    pid,
    label,
    since,
    sinceIs: since === undefined ? undefined : "acquired",
    lease: { token: fence, left, silent: ttl - left },
  };
}

/**
 * Adds leases to what was seen of session locks. A holder who has both is one sighting; who holds the session lock of
 * a lease that is another's waits for that lease.
 *
 * @param seen What was seen of session locks, which may show the same holders.
 */
export function withLeases(seen: Seen, leases: readonly Lease[]): Seen {
  const byLock = new Map(leases.map((lease) => [lease.lock, lease]));
  const shown = new Set<string>();
  const sightings = seen.sightings.map((sighting): Sighting => {
    const lease = byLock.get(sighting.lock);
    if (!lease || sighting.state !== "held") return sighting;
    if (sighting.host !== lease.host || sighting.pid !== lease.pid) return { ...sighting, state: "waiting" };
    shown.add(lease.lock);
    const { namespace, name, user, address, session, runId } = sighting;
    return { ...sightingOf(lease), namespace, name, user, address, session, runId };
  });
  const others = leases.filter(({ lock }) => !shown.has(lock)).map(sightingOf);
  return { ...seen, sightings: [...sightings, ...others] };
}
