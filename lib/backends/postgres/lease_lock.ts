import type { LockOptions } from "../backend.ts";
import { leaseOptions } from "../sql/lease/options.ts";
import { LeaseLock } from "../sql/lease/lock.ts";
import type { LeaseServer } from "../sql/lease/server.ts";
import type { TableName } from "../../ledger/table_name.ts";
import { askOne } from "../sql/answer.ts";
import { join, sql } from "../sql/statement.ts";
import { isLockName } from "../../lock/lock_name.ts";
import { slotIn } from "../../lock/slot_name.ts";
import { fnv1, isNamespacedName } from "../../lock/namespaced_name.ts";
import { advisoryKey } from "./advisory_key.ts";
import { AdvisoryLock } from "./advisory_lock.ts";
import { postgresLeases } from "./lease.ts";
import { whereIs } from "./errors.ts";
import { openLeasedSession } from "./leased_session.ts";
import type { PostgresOptions } from "./options.ts";
import { FIRST } from "./seats.ts";
import type { PostgresServer } from "./server.ts";
import type { PostgresSession } from "./session.ts";
import { readPostgresSightings } from "./sightings.ts";
import { isInTheWay, isOfTable } from "./table_errors.ts";
import { tableIn } from "./table_sql.ts";

/** What leases need of PostgreSQL. */
export function postgresLeaseServer(
  server: PostgresServer,
  options: PostgresOptions,
  table: TableName,
): LeaseServer<PostgresSession> {
  const locks = new Map<string, AdvisoryLock>();
  const lockOf = (name: string) => {
    const lock = locks.get(name) ?? new AdvisoryLock(keyNameOf(name));
    locks.set(name, lock);
    return lock;
  };
  return {
    where: `PostgreSQL at ${server.hosts.map(whereIs).join(", and at ")}`,
    table: postgresLeases(table),
    queue: {
      async enter(session, name, deadline, signal) {
        const lock = lockOf(name);
        const granted = await lock.wait(session, deadline, signal);
        if (granted) lock.leaveSeat(session);
        return granted !== undefined;
      },
      enterAny: firstFreeLock,
      leave: (session, name) => lockOf(name).release(session),
      leaveWhere: (session, name, condition) => lockOf(name).releaseWhere(session, condition),
    },
    open: (signal, limit) => openLeasedSession(server, options, signal, limit),
    hasSessionLocks: ({ hasSessionLocks }) => hasSessionLocks,
    takesSeveralLocks: () => true,
    isInTheWay: (cause) => isInTheWay(cause) || isOfTable(cause),
    settingsFrom: ({ hasSessionLocks }) => hasSessionLocks ? "already set" : "statement",
    sightings: readPostgresSightings,
  };
}

/** What the advisory key of a lock is made from: one that is not a command's is beside the seats, see `IS_SEAT`. */
function keyNameOf(name: string): string {
  const { lock } = slotIn(name);
  return isLockName(lock) || isNamespacedName(lock) ? name : `${fnv1(name)},${FIRST + 1}`;
}

/** Gets the first of some advisory locks that is free; returns its name. */
async function firstFreeLock(
  session: PostgresSession,
  names: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const tries = names.map((name, index) =>
    sql`WHEN pg_try_advisory_lock(${advisoryKey(keyNameOf(name)).args}) THEN ${index}`
  );
  const answer = await askOne(session, sql`SELECT CASE ${join(tries, sql` `)} ELSE ${names.length} END AS which`, [
    "which",
  ], { signal });
  return names[answer.whole("which")];
}

/** A lock that is a row of a table. */
export function postgresLeaseLock(
  server: PostgresServer,
  options: PostgresOptions & LockOptions,
  table: TableName,
): LeaseLock<PostgresSession> {
  return new LeaseLock(postgresLeaseServer(server, options, table), leaseOptions(options, tableIn));
}
