import type { LockOptions, Observer } from "../backend.ts";
import { presenceOf } from "../../lock/presence.ts";
import type { TableName } from "../../ledger/table_name.ts";
import { observeDatabase, type ObserverQueries } from "../sql/observer.ts";
import type { MySqlDsn } from "./server.ts";
import { mySqlStore } from "./ledger.ts";
import { MySqlLock } from "./lock.ts";
import type { MySqlOptions } from "./options.ts";
import { whatIsElsewhere } from "./replication.ts";
import type { MySqlSession } from "./session.ts";
import { readMySqlSightings } from "./sightings.ts";

/**
 * Connects to look at locks.
 *
 * @throws {LockUnavailableError} When the server cannot be asked.
 */
export async function observeMySql(
  dsn: MySqlDsn,
  options: MySqlOptions & LockOptions,
  signal: AbortSignal,
): Promise<Observer> {
  const { leaseTable } = options;
  return await observeDatabase<MySqlSession>({
    isScattered: () => false,
    elsewhere: (session, signal) => whatIsElsewhere(session, options.leased, signal),
    ledger: mySqlStore,
    ...leaseTable ? await leasesOn(dsn, options, leaseTable) : {
      open: (from) => new MySqlLock(dsn, from === "any server" ? { ...options, allowUnsafeServer: true } : options),
      sightings: readMySqlSightings,
      handleOf: async (holder, ...by) => (await import("./holder_handle.ts")).handleOnMySql(holder, options, ...by),
    },
  }, signal);
}

async function leasesOn(
  dsn: MySqlDsn,
  options: MySqlOptions & LockOptions,
  table: TableName,
): Promise<Pick<ObserverQueries<MySqlSession>, "open" | "sightings" | "handleOf">> {
  const [{ mySqlLeaseLock, mySqlLeaseServer }, { readLeaseSightings }] = await Promise.all([
    import("./lease_lock.ts"),
    import("../sql/lease/sightings.ts"),
  ]);
  const server = mySqlLeaseServer(dsn, options, table);
  return {
    open: (from) => mySqlLeaseLock(dsn, { ...options, observesOnly: from === "any server" }, table),
    sightings: (...looking) => readLeaseSightings(server, ...looking),
    handleOf: async (holder, open, signal) => {
      const [{ handleOnLease }, { handleOnMySql }] = await Promise.all([
        import("../sql/lease/holder_handle.ts"),
        import("./holder_handle.ts"),
      ]);
      const by = presenceOf(holder.lock, options);
      return await handleOnLease({ server, holder, by, open }, () => handleOnMySql(holder, options, open, signal));
    },
  };
}
