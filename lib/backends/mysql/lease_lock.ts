import type { LockOptions } from "../backend.ts";
import { leaseOptions } from "../sql/lease/options.ts";
import { LeaseLock } from "../sql/lease/lock.ts";
import type { LeaseServer } from "../sql/lease/server.ts";
import { askOne } from "../sql/answer.ts";
import { join, sql, word } from "../sql/statement.ts";
import type { TableName } from "../../ledger/table_name.ts";
import { whereIs } from "./errors.ts";
import { mySqlLeases } from "./lease.ts";
import { getNamedLock, releaseNamedLock, releaseNamedLockWhere } from "./named_lock.ts";
import type { MySqlOptions } from "./options.ts";
import type { MySqlDsn } from "./server.ts";
import { holdsSeveral } from "./slot_look.ts";
import { type MySqlSession, openMySqlSession } from "./session.ts";
import { isGaleraNode } from "./topology.ts";
import { readMySqlSightings } from "./sightings.ts";
import { isInTheWay, isOfTable } from "./table_errors.ts";
import { tableIn } from "./table_sql.ts";

/** What leases need of MySQL and MariaDB. */
export function mySqlLeaseServer(dsn: MySqlDsn, options: MySqlOptions, table: TableName): LeaseServer<MySqlSession> {
  let isGalera = false;
  return {
    where: whereIs(dsn),
    table: mySqlLeases(table, () => isGalera),
    queue: {
      // As plain text, since other seras look for it in the process list.
      enter: async (session, name, deadline, signal) =>
        await getNamedLock(session, word(name), deadline, signal) !== undefined,
      enterAny: firstFreeLock,
      leave: (session, name) => releaseNamedLock(session, [word(name)]),
      leaveWhere: (session, name, condition) => releaseNamedLockWhere(session, word(name), condition),
    },
    async open(signal, limit) {
      const session = await openMySqlSession(dsn, { ...options, leased: true }, signal, limit);
      isGalera = isGaleraNode(session.variables);
      return session;
    },
    hasSessionLocks: ({ hasSessionLocks }) => hasSessionLocks,
    takesSeveralLocks: ({ variables }) => holdsSeveral(variables),
    isInTheWay: (cause) => isInTheWay(cause) || isOfTable(cause),
    settingsFrom: () => "already set",
    sightings: readMySqlSightings,
  };
}

/** Gets the first of some named locks that is free; returns its name. */
async function firstFreeLock(
  session: MySqlSession,
  names: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const tries = names.map((name, index) => sql`WHEN GET_LOCK(${word(name)}, 0) THEN ${index}`);
  const answer = await askOne(session, sql`SELECT CASE ${join(tries, sql` `)} ELSE ${names.length} END AS which`, [
    "which",
  ], { signal });
  return names[answer.whole("which")];
}

/** A lock that is a row of a table. */
export function mySqlLeaseLock(
  dsn: MySqlDsn,
  options: MySqlOptions & LockOptions,
  table: TableName,
): LeaseLock<MySqlSession> {
  return new LeaseLock(mySqlLeaseServer(dsn, options, table), leaseOptions(options, tableIn));
}
