import type { LockOptions } from "../backend.ts";
import { leaseOptions } from "../sql/lease/options.ts";
import { LeaseLock } from "../sql/lease/lock.ts";
import type { LeaseServer } from "../sql/lease/server.ts";
import type { TableName } from "../../ledger/table_name.ts";
import { whereIs } from "./errors.ts";
import { mySqlLeases } from "./lease.ts";
import { MySqlLeaseQueue } from "./lease_queue.ts";
import type { MySqlOptions } from "./options.ts";
import type { MySqlDsn } from "./server.ts";
import { holdsSeveral } from "./slot_holders.ts";
import { type MySqlSession, openMySqlSession } from "./session.ts";
import { isGaleraNode } from "./topology.ts";
import { readMySqlSightings } from "./sightings.ts";
import { isInterference, isOfTable } from "./table_errors.ts";
import { tableIn } from "./table_sql.ts";

/** What leases need from MySQL and MariaDB. */
export function mySqlLeaseServer(dsn: MySqlDsn, options: MySqlOptions, table: TableName): LeaseServer<MySqlSession> {
  let isGalera = false;
  return {
    where: whereIs(dsn),
    table: mySqlLeases(table, () => isGalera),
    queue: new MySqlLeaseQueue(options),
    async open(signal, limit) {
      const session = await openMySqlSession(dsn, { ...options, leased: true }, signal, limit);
      isGalera = isGaleraNode(session.variables);
      return session;
    },
    hasSessionLocks: ({ hasSessionLocks }) => hasSessionLocks,
    takesSeveralLocks: ({ variables }) => holdsSeveral(variables),
    keepsSession: (cause) => isInterference(cause) || isOfTable(cause),
    settingsFrom: () => "already set",
    sightings: readMySqlSightings,
  };
}

/** A lock kept in a row of a table. */
export function mySqlLeaseLock(
  dsn: MySqlDsn,
  options: MySqlOptions & LockOptions,
  table: TableName,
): LeaseLock<MySqlSession> {
  return new LeaseLock(mySqlLeaseServer(dsn, options, table), leaseOptions(options, tableIn));
}
