import { lineOf } from "../../../errors.ts";
import type { TableName } from "../../../ledger/table_name.ts";
import { slotIn, slotName } from "../../../lock/slot_name.ts";
import { isSilent } from "../../../who/lease_text.ts";
import { withNames } from "../../../who/names.ts";
import type { LockFilter, Seen, Sighting } from "../../../who/sighting.ts";
import type { Session } from "../session.ts";
import { slotsFor } from "./owner.ts";
import { freeIn, type Lease } from "./row.ts";
import type { LeaseServer } from "./server.ts";

/** Why waiters are missing where there are no session locks. */
const WAITERS_HIDDEN = "waiters for a lease leave no trace here, so they cannot be shown";

/** Why waiters for slots are missing where a session can hold only one session lock. */
const SLOT_WAITERS_HIDDEN = "waiters for a slot leave no trace here, so they cannot be shown";

/**
 * Who holds leases and session locks, and who waits for them. A lease that anybody may take over counts as free.
 *
 * @param also Further locks, besides those of the filter.
 * @throws {LockUnavailableError} When the server cannot be asked, or the row of the only lock asked for is invalid.
 */
export async function readLeaseSightings<S extends Session>(
  server: LeaseServer<S>,
  session: S,
  filter: LockFilter,
  ledger: TableName,
  signal: AbortSignal,
  also: readonly string[] = [],
): Promise<Seen> {
  const [next, ...rest] = also;
  const seen = await readOne(server, session, filter, ledger, signal);
  if (next === undefined) return seen;
  const others = await readLeaseSightings(server, session, { lock: next }, ledger, signal, rest);
  return { ...seen, sightings: [...seen.sightings, ...others.sightings] };
}

async function readOne<S extends Session>(
  server: LeaseServer<S>,
  session: S,
  filter: LockFilter,
  ledger: TableName,
  signal: AbortSignal,
): Promise<Seen> {
  const isQueue = server.hasSessionLocks(session);
  const asked = filter !== "all" && "namespace" in filter ? filter.namespace : undefined;
  const { leases, senseless: [error, ...more] } = await server.table.list(session, filter);
  const seen = isQueue
    ? await server.sightings(session, filter, ledger, signal, leases.map(({ lock }) => lock))
    : { sightings: [], hidden: WAITERS_HIDDEN, showsHolders: true, otherSessions: [] };
  const hidesWaiters = isQueue && seen.hidden === undefined && !server.takesSeveralLocks(session) &&
    leases.some(({ owner }) => (slotsFor(owner) ?? 1) > 1);
  const { sightings, ...about } = withLeases(seen, leases, isQueue ? 0 : 1);
  const rest = hidesWaiters ? { ...about, hidden: SLOT_WAITERS_HIDDEN, showsHolders: true } : about;
  const all = { ...rest, sightings: sightings.map((sighting) => withNames(sighting, asked)) };
  if (error === undefined) return all;
  if (filter !== "all" && "lock" in filter) throw error;
  const others = more.length > 0 ? ` (and ${more.length} more of that kind)` : "";
  return {
    ...all,
    hidden: `${lineOf({ what: error.what, cure: error.cure })}${others}`,
    showsHolders: false,
  };
}

/**
 * A lease as a sighting of its holder.
 *
 * @param ttls How many TTLs after its expiry it may be taken over without observing it first: 1 where several servers have
 * clocks of their own.
 */
export function sightingOf(
  { lock: name, owner, host, pid, label, since, fence, ttl, left }: Lease,
  ttls: 0 | 1 = 1,
): Sighting {
  const { lock, slot } = slotIn(name);
  const slots = slotsFor(owner);
  const hasSlots = slot > 0 || slots !== undefined && slots > 1;
  return {
    lock,
    state: "held",
    ...hasSlots ? { slot, slots } : {},
    host,
    pid,
    label,
    since,
    sinceIs: since === undefined ? undefined : "acquired",
    lease: { token: fence, left, silent: Math.max(0, ttl - left), freeIn: freeIn({ left, ttl }, ttls) },
  };
}

/**
 * Adds leases to the sightings of session locks. A holder of both is one sighting; the holder of a session lock whose lease
 * is somebody else's is a waiter for that lease.
 *
 * @param seen The sightings of session locks, which may show the same holders.
 * @param ttls As for {@linkcode sightingOf}.
 */
export function withLeases(seen: Seen, leases: readonly Lease[], ttls: 0 | 1): Seen {
  // A session may show only the first half of a lock's name.
  const byLock = new Map(leases.flatMap((lease) => {
    const { lock, slot } = slotIn(lease.lock);
    return [[lease.lock, lease], [slotName(lock.slice(0, 16), slot), lease]];
  }));
  const queued = new Set<string>();
  const merged = new Set<string>();
  const sightings = seen.sightings.map((sighting): Sighting => {
    const lease = byLock.get(slotName(sighting.lock, sighting.slot ?? 0));
    if (!lease) return sighting;
    const { lock } = slotIn(lease.lock);
    if (sighting.state !== "held") return { ...sighting, lock };
    queued.add(lease.lock);
    if (!isOf(lease, sighting)) {
      return { ...sighting, lock, slot: undefined, state: "waiting", sinceIs: sighting.sinceIs && "waiting" };
    }
    merged.add(lease.lock);
    const { namespace, name, user, address, session, runId } = sighting;
    return { ...sightingOf(lease, ttls), namespace, name, user, address, session, runId };
  });
  // As long as somebody has the session lock, nobody else can take the row over.
  const others = leases.filter((lease) =>
    !merged.has(lease.lock) && (freeIn(lease, ttls) > 0 || queued.has(lease.lock))
  )
    .map((lease) => sightingOf(lease, ttls));
  return { ...seen, sightings: [...sightings, ...others] };
}

/** Whether a lease belongs to a session lock's holder. The server may not show who that is. */
export function isOf(lease: Lease, { host, pid }: Sighting): boolean {
  if (host === undefined && pid === undefined) return !isSilent({ left: lease.left, silent: lease.ttl - lease.left });
  return host === lease.host && pid === lease.pid;
}
