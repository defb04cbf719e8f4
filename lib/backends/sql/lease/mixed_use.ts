import type { Finding } from "../../../doctor/report.ts";
import type { TableName } from "../../../ledger/table_name.ts";
import { isLockName } from "../../../lock/lock_name.ts";
import { isNamespacedName } from "../../../lock/namespaced_name.ts";
import { slotName } from "../../../lock/slot_name.ts";
import { NEVER } from "../../../waiting.ts";
import { holderText } from "../../../who/holder_text.ts";
import { shownLock } from "../../../who/names.ts";
import type { Sighting } from "../../../who/sighting.ts";
import type { Session } from "../session.ts";
import type { LeaseServer } from "./server.ts";
import { isOf } from "./sightings.ts";

/** The pause between two reads, in milliseconds: for a moment, a new holder of a lease has only its session lock. */
const PAUSE = 500;

/**
 * Looks for locks that some nodes take with a lease and others without. Where session locks are not cluster-wide, both
 * would run.
 *
 * @throws {LockUnavailableError} When the server cannot be asked.
 */
export async function findMixedUse<S extends Session>(
  server: LeaseServer<S>,
  session: S,
  ledger: TableName,
): Promise<Finding> {
  const first = await holdersWithout(server, session, ledger);
  if (first.length > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE));
  const then = first.length > 0 ? await holdersWithout(server, session, ledger) : [];
  const [one, ...more] = then.filter(({ lock, session }) =>
    first.some((other) => other.lock === lock && other.session === session)
  );
  if (!one) return { found: "nobody is seen holding without a lease a lock that others hold with one" };
  const who = `${holderText([one]) ?? "somebody"}${more.length > 0 ? `, and ${more.length} more` : ""}`;
  const follows = server.hasSessionLocks(session)
    ? "it excludes others only while its connection lasts"
    : "it excludes nobody here, so two may run at once";
  return {
    found: `${shownLock(one)}, which others hold with a lease, is held without one by ${who}: ${follows}`,
    cure: 'set "lease": true on all nodes',
  };
}

/** The holders of session locks for which others hold or held a lease. */
async function holdersWithout<S extends Session>(
  server: LeaseServer<S>,
  session: S,
  ledger: TableName,
): Promise<readonly Sighting[]> {
  const { leases } = await server.table.list(session, "all");
  const known = leases.map(({ lock }) => lock);
  const { sightings } = await server.sightings(session, "all", ledger, NEVER, known);
  const held = sightings.filter(({ lock, state }) => state === "held" && (isLockName(lock) || isNamespacedName(lock)));
  const leased = new Set(await server.table.known(session, held.map(rowOf)));
  return held.filter((sighting) => {
    const lease = leases.find(({ lock }) => lock === rowOf(sighting));
    if (!lease) return leased.has(rowOf(sighting));
    // Where session locks work, the holder of one whose lease belongs to somebody else is a waiter for it.
    return !server.hasSessionLocks(session) && !isOf(lease, sighting);
  });
}

/** The name of the row that a holder with a lease would have. */
function rowOf({ lock, slot = 0 }: Sighting): string {
  return slotName(lock, slot);
}
