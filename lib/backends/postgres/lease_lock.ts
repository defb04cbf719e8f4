import type { LockOptions } from "../backend.ts";
import { leaseOptions } from "../sql/lease/options.ts";
import { LeaseLock } from "../sql/lease/lock.ts";
import type { LeaseServer } from "../sql/lease/server.ts";
import type { TableName } from "../../ledger/table_name.ts";
import { postgresLeases } from "./lease.ts";
import { whereIs } from "./errors.ts";
import { LeaseQueue } from "./lease_queue.ts";
import { openLeasedSession } from "./leased_session.ts";
import type { PostgresOptions } from "./options.ts";
import type { PostgresServer } from "./server.ts";
import type { PostgresSession } from "./session.ts";
import { readPostgresSightings } from "./sightings.ts";
import { isInterference, isOfTable } from "./table_errors.ts";
import { tableIn } from "./table_sql.ts";

/** What leases need of PostgreSQL. */
export function postgresLeaseServer(
  server: PostgresServer,
  options: PostgresOptions,
  table: TableName,
): LeaseServer<PostgresSession> {
  return {
    where: `PostgreSQL at ${server.hosts.map(whereIs).join(", and at ")}`,
    table: postgresLeases(table),
    queue: new LeaseQueue(options.presence),
    open: (signal, limit) => openLeasedSession(server, options, signal, limit),
    hasSessionLocks: ({ hasSessionLocks }) => hasSessionLocks,
    takesSeveralLocks: () => true,
    keepsSession: (cause) => isInterference(cause) || isOfTable(cause),
    settingsFrom: ({ hasSessionLocks }) => hasSessionLocks ? "already set" : "statement",
    sightings: readPostgresSightings,
  };
}

/** A lock whose lease is a row of a table. */
export function postgresLeaseLock(
  server: PostgresServer,
  options: PostgresOptions & LockOptions,
  table: TableName,
): LeaseLock<PostgresSession> {
  return new LeaseLock(postgresLeaseServer(server, options, table), leaseOptions(options, tableIn));
}
